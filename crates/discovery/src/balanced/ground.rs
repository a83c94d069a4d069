//! What all replicas of a balancer share: its clock, its settings, its counts.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use kitfox_core::live::{Glance, Group, Live};
use kitfox_core::meter::{Level, Measure, Measures, Reading, Tally};
use kitfox_core::{Platform, moment};
use tokio::sync::Notify;
use tokio::time::Instant;

use crate::BalanceSettings;
use crate::picker::Candidates;
use crate::replica::{Event, Forgetting, LoadRules, State};

/// What all replicas of a balancer share.
pub(crate) struct Ground {
    pub(crate) service: Box<str>,
    /// What the registry is.
    pub(crate) registry: Box<str>,
    pub(crate) group: Group,
    pub(crate) settings: Live<BalanceSettings>,
    pub(crate) platform: Platform,
    pub(crate) counts: Counts,
    pub(crate) measures: Measures,
    /// Told whenever a replica was connected to, or could not be.
    pub(crate) connected: Notify,
    begin: u64,
    /// When rates of success are compared next.
    comparison: AtomicU64,
    /// How many calls with a key are not over.
    keyed: AtomicU64,
}

/// What is counted.
#[derive(Debug, Default)]
pub(crate) struct Counts {
    pub(crate) replicas: Level,
    out: Level,
    left_out: Tally,
    probes: Tally,
    /// Calls for which there was nobody.
    pub(crate) nobody: Tally,
    /// For how many seconds the registry has failed.
    pub(crate) list_age: Level,
}

impl Glance for BalanceSettings {
    /// What every answer needs: how fast a load is forgotten, as bits.
    fn glance(&self) -> [u64; 2] {
        [LoadRules::new(self).forgetting.to_bits(), 0]
    }
}

impl Ground {
    pub(crate) fn new(
        service: &str,
        registry: String,
        settings: BalanceSettings,
        platform: &Platform,
    ) -> Self {
        let (counts, group) = (Counts::default(), Group::default());
        let interval = nanoseconds(settings.health.interval);
        Ground {
            service: service.into(),
            registry: registry.into(),
            settings: group.live(settings),
            group,
            platform: platform.clone(),
            measures: counts.measures(service),
            counts,
            connected: Notify::new(),
            begin: moment::nanos_of(Instant::now()),
            comparison: AtomicU64::new(interval),
            keyed: AtomicU64::new(0),
        }
    }

    #[inline]
    pub(crate) fn forgetting(&self) -> Forgetting {
        Forgetting::from_bits(self.settings.word())
    }

    /// Nanoseconds since the balancer began, as of the moment of the call.
    #[inline]
    pub(crate) fn now(&self) -> u64 {
        moment::nanos().saturating_sub(self.begin)
    }

    /// The same, later than `begun`: what is timed in one poll takes some time nevertheless.
    #[inline]
    pub(crate) fn after(&self, begun: u64) -> u64 {
        moment::nanos_after(begun + self.begin).saturating_sub(self.begin)
    }

    pub(crate) fn keyed(&self) -> u64 {
        self.keyed.load(Ordering::Relaxed)
    }

    /// A call with a key begins.
    pub(crate) fn begin_keyed(&self) {
        self.keyed.fetch_add(1, Ordering::Relaxed);
    }

    /// A call with a key is over.
    pub(crate) fn end_keyed(&self) {
        self.keyed.fetch_sub(1, Ordering::Relaxed);
    }

    pub(crate) fn next_comparison(&self) -> u64 {
        self.comparison.load(Ordering::Relaxed)
    }

    /// Leaves out who succeeds far less often than the others. Done by the call that comes first
    /// after each interval: without calls there is nothing to compare.
    #[cold]
    pub(crate) fn compare(&self, candidates: &Candidates, now: u64) {
        let settings = self.settings.load();
        let rules = &settings.health;
        let due = self.next_comparison();
        let next = now + nanoseconds(rules.interval);
        let order = Ordering::Relaxed;
        if due > now || self.comparison.compare_exchange(due, next, order, order).is_err() {
            return;
        }
        let windows =
            candidates.members.iter().map(|member| (member, member.replica.take_window()));
        let rates: Vec<_> = windows
            .filter(|(_, (calls, _))| *calls >= u64::from(rules.least_calls.max(1)))
            .map(|(member, (calls, good))| (member, good as f64 / calls as f64))
            .collect();
        if rates.len() < rules.least_replicas.max(1) as usize {
            return;
        }
        let number = rates.len() as f64;
        let mean = rates.iter().map(|(_, rate)| rate).sum::<f64>() / number;
        let variance = rates.iter().map(|(_, rate)| (rate - mean).powi(2)).sum::<f64>() / number;
        let least = mean - rules.deviations * variance.sqrt();
        for (member, _) in rates.iter().filter(|(_, rate)| *rate < least) {
            member.replica.tell(Event::Outlier, now);
        }
    }
}

impl Counts {
    /// The health of a replica has changed.
    pub(crate) fn changed(&self, from: State, to: State) {
        match (from.is_out(), to.is_out()) {
            (false, true) => {
                self.out.add(1);
                self.left_out.increment();
            }
            (true, false) => self.out.add(-1),
            _ => {}
        }
        if matches!(to, State::HalfOpen { .. }) {
            self.probes.increment();
        }
    }

    /// The list is as old as this.
    pub(crate) fn aged(&self, age: Duration) {
        self.list_age.set(i64::try_from(age.as_secs()).unwrap_or(i64::MAX));
    }

    fn measures(&self, service: &str) -> Measures {
        let measure = |name, help, reading| Measure {
            name,
            help,
            labels: vec![("service", service.to_owned())],
            reading,
        };
        let tally = |tally: &Tally| Reading::Tally(tally.clone());
        let level = |level: &Level| Reading::Level(level.clone());
        Measures::new(vec![
            measure(
                "kitfox.balance.replicas",
                "Replicas of a service that are known.",
                level(&self.replicas),
            ),
            measure(
                "kitfox.balance.replicas_out",
                "Those of them that are left out since they fail.",
                level(&self.out),
            ),
            measure(
                "kitfox.balance.left_out",
                "How often a replica was left out.",
                tally(&self.left_out),
            ),
            measure(
                "kitfox.balance.probes",
                "How often a call tried a replica that was left out.",
                tally(&self.probes),
            ),
            measure(
                "kitfox.balance.nobody",
                "Calls for which there was no replica.",
                tally(&self.nobody),
            ),
            measure(
                "kitfox.balance.list_age",
                "Seconds for which the registry has failed, and the list of replicas is old: 0 while it answers.",
                level(&self.list_age),
            ),
        ])
    }
}

/// Up to 584 years.
fn nanoseconds(duration: Duration) -> u64 {
    let seconds = duration.as_secs().saturating_mul(1_000_000_000);
    seconds.saturating_add(u64::from(duration.subsec_nanos()))
}

impl std::fmt::Debug for Ground {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Ground").field("service", &self.service).finish_non_exhaustive()
    }
}
