//! The replicas of one moment, with what calls of each method need of them; and how a list becomes
//! the next such set.

use std::collections::HashMap;
use std::sync::Arc;

use kitfox_core::live::Glance;
use kitfox_core::{BoxEndpoint, Method};

use super::{Connect, Ground};
use crate::census::{Census, Seats};
use crate::picker::{Candidates, Member, Rules, levels, number};
use crate::replica::{Event, LoadRules, Replica};
use crate::subset::{Client, subset};
use crate::{BalanceSettings, Instance, Snapshot};

/// What a call needs of a replica: one pointer to hold.
#[derive(Debug)]
pub(super) struct Slot {
    pub(super) method: &'static Method,
    pub(super) replica: Arc<Replica>,
    pub(super) endpoint: BoxEndpoint,
}

/// The replicas of one moment.
#[derive(Debug, Default)]
pub(super) struct Set {
    /// What they are picked by.
    pub(super) rules: Arc<Rules>,
    pub(super) candidates: Arc<Candidates>,
    /// For each method a slot for each candidate.
    pub(super) columns: Vec<Column>,
}

impl Glance for Set {}

type Column = Arc<[Arc<Slot>]>;

/// What makes the next set of the last one.
pub(super) struct Update {
    ground: Arc<Ground>,
    methods: Vec<&'static Method>,
    replicas: HashMap<String, Known>,
    all: Arc<Census>,
    levels: HashMap<(u16, bool), Arc<Census>>,
    last_id: u32,
    /// What tells this process's subset from that of others, where it has no number.
    pub(super) seed: u64,
    /// Whether there was a list.
    begun: bool,
}

struct Known {
    replica: Arc<Replica>,
    level: (u16, bool),
    /// One for each method.
    slots: Vec<Arc<Slot>>,
}

impl Update {
    pub(super) fn new(ground: &Arc<Ground>) -> Self {
        Update {
            ground: Arc::clone(ground),
            methods: Vec::new(),
            replicas: HashMap::new(),
            all: Arc::default(),
            levels: HashMap::new(),
            last_id: 0,
            seed: ground.platform.random().next_u64(),
            begun: false,
        }
    }

    /// One more method: its column, and the set that has it.
    pub(super) fn add(&mut self, method: &'static Method, set: &Set) -> (usize, Set) {
        self.methods.push(method);
        for known in self.replicas.values_mut() {
            known.add(method);
        }
        let column = self.methods.len() - 1;
        let mut columns = set.columns.clone();
        columns.push(self.column(column, &set.candidates));
        let (rules, candidates) = (Arc::clone(&set.rules), Arc::clone(&set.candidates));
        (column, Set { rules, candidates, columns })
    }

    /// The set of this list. Replicas that stay keep what is known of them.
    pub(super) fn take(
        &mut self,
        snapshot: &Snapshot,
        settings: BalanceSettings,
        connect: &dyn Connect,
    ) -> Set {
        let client = settings.client.map_or(Client::Seed(self.seed), Client::Number);
        let own = subset(snapshot, settings.subset, client, &settings.zone);
        let listed = own.instances().iter();
        let mut members: Vec<Member> =
            listed.filter_map(|it| self.member(it, &settings, connect)).collect();
        members.sort_by_key(|member| number(&member.instance, &settings.zone));
        self.retire(&members);
        self.all.set_members(members.len());
        self.begun = true;
        let levels = levels(&members, &settings);
        let candidates = Candidates { members, levels, all: Arc::clone(&self.all) };
        let columns = (0..self.methods.len()).map(|column| self.column(column, &candidates));
        let columns = columns.collect();
        Set { rules: Arc::new(Rules::new(settings)), columns, candidates: Arc::new(candidates) }
    }

    fn member(
        &mut self,
        instance: &Instance,
        settings: &BalanceSettings,
        connect: &dyn Connect,
    ) -> Option<Member> {
        let level = number(instance, &settings.zone);
        let weight = f64::from(instance.weight.max(1)) / 100.0;
        let known = self.replicas.get(&instance.address).filter(|known| known.level == level);
        let replica = match known {
            Some(known) => Arc::clone(&known.replica),
            None => self.join(instance, level, &LoadRules::new(settings), connect)?,
        };
        Some(Member { replica, instance: Arc::new(instance.clone()), weight })
    }

    fn join(
        &mut self,
        instance: &Instance,
        level: (u16, bool),
        rules: &LoadRules,
        connect: &dyn Connect,
    ) -> Option<Arc<Replica>> {
        let (service, address) = (&*self.ground.service, &*instance.address);
        let line = match connect.connect(instance) {
            Ok(line) => line,
            Err(error) => {
                tracing::warn!(service, address, %error, "there is no way to a replica");
                return None;
            }
        };
        // Nobody makes so many; zero is no number.
        self.last_id = self.last_id.wrapping_add(1).max(1);
        let census = Arc::clone(self.levels.entry(level).or_default());
        let seats = Seats { all: Arc::clone(&self.all), level: census };
        let joined = self.begun.then(|| self.ground.now());
        let ground = Arc::clone(&self.ground);
        let replica = Replica::new(self.last_id, address, line, seats, joined, ground, rules);
        let replica = Arc::new(replica);
        replica.heat();
        let mut known = Known { replica: Arc::clone(&replica), level, slots: Vec::new() };
        for method in &self.methods {
            known.add(method);
        }
        if let Some(old) = self.replicas.insert(instance.address.clone(), known) {
            old.replica.tell(Event::Retired, self.ground.now());
        }
        self.ground.counts.replicas.add(1);
        Some(replica)
    }

    /// Lets go of who is not listed any more. Its calls hold it until they are over.
    fn retire(&mut self, members: &[Member]) {
        let ids: std::collections::HashSet<u32> =
            members.iter().map(|member| member.replica.id).collect();
        let now = self.ground.now();
        self.replicas.retain(|_, Known { replica, .. }| {
            let stays = ids.contains(&replica.id);
            if !stays {
                replica.tell(Event::Retired, now);
            }
            stays
        });
        let replicas = i64::try_from(self.replicas.len()).unwrap_or(i64::MAX);
        self.ground.counts.replicas.set(replicas);
    }

    fn column(&self, column: usize, candidates: &Candidates) -> Column {
        let slots = candidates.members.iter().map(|member| {
            let known = &self.replicas[&member.instance.address];
            Arc::clone(&known.slots[column])
        });
        slots.collect()
    }
}

impl Known {
    fn add(&mut self, method: &'static Method) {
        let (replica, endpoint) = (Arc::clone(&self.replica), self.replica.line.endpoint(method));
        self.slots.push(Arc::new(Slot { method, replica, endpoint }));
    }
}
