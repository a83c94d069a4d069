//! The pick: which replica takes a call.
//!
//! A function of the replicas as they are and of chance. It draws two by their weights and takes the
//! one with the lower load (Mitzenmacher: "The power of two choices in randomized load balancing",
//! 2001), so that it costs as much among a thousand as among ten. Whoever is left out, was tried by
//! this call, or has no connection is drawn again; only where that helps nobody, all are looked at.
//!
//! Then a replica with a connection comes before one without, even where it had this call before: a
//! further attempt is to be elsewhere, but not to wait for that, and meanwhile the other one is connected
//! to. Where several are only being connected to, the call waits for the first of them.

mod level;
mod ring;
#[cfg(test)]
mod tests;
mod weights;

use std::cell::Cell;
use std::sync::Arc;

use kitfox_core::Context;
use kitfox_core::platform::Random;
use xxhash_rust::xxh64::xxh64;

pub(crate) use level::{Level, levels, number};

use crate::census::Census;
use crate::replica::{LoadRules, Replica, State};
use crate::{BalanceSettings, HashBy, Instance, Policy};

/// How often is drawn before all are looked at.
const DRAWS: usize = 8;

/// Of so many or fewer replicas all are looked at: that costs no more than drawing.
const FEW: usize = 2;

/// How often a new replica is left in the draw at least, when it is drawn (Envoy).
const SLOWEST: f64 = 0.1;

/// What calls with the same value of have the same replica, under [`Policy::Hash`]: a value of the
/// call's context.
///
/// ```
/// use kitfox_core::Context;
/// use kitfox_discovery::HashKey;
///
/// let cx = Context::background().with_value(HashKey::of("customer 7"));
/// # let _ = cx;
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct HashKey(pub u64);

/// A replica that may be picked.
#[derive(Clone, Debug)]
pub(crate) struct Member {
    pub(crate) replica: Arc<Replica>,
    pub(crate) instance: Arc<Instance>,
    /// Beside 1, which is usual.
    pub(crate) weight: f64,
}

impl Member {
    /// How soon one more call is expected to be answered, to be compared.
    #[inline]
    fn score(&self, now: u64, rules: &Rules) -> f64 {
        self.replica.load.score(now, &rules.load) / self.weight
    }
}

/// All that may be picked, those to be preferred first.
#[derive(Debug, Default)]
pub(crate) struct Candidates {
    pub(crate) members: Vec<Member>,
    pub(crate) levels: Vec<Level>,
    pub(crate) all: Arc<Census>,
}

/// The settings, and what follows from them.
#[derive(Debug)]
pub(crate) struct Rules {
    pub(crate) settings: BalanceSettings,
    load: LoadRules,
}

impl Rules {
    pub(crate) fn new(settings: BalanceSettings) -> Self {
        Rules { load: LoadRules::new(&settings), settings }
    }
}

impl Default for Rules {
    fn default() -> Self {
        Rules::new(BalanceSettings::default())
    }
}

/// What a pick needs to know of its call.
pub(crate) struct Query<'a> {
    /// In nanoseconds since the balancer began.
    pub(crate) now: u64,
    pub(crate) rules: &'a Rules,
    pub(crate) random: &'a Random,
    pub(crate) context: &'a Context,
    /// How many calls with a key are not over.
    pub(crate) keyed: u64,
}

/// Who was picked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Pick {
    pub(crate) index: usize,
    /// Whether the call is to try a replica that was left out, if nobody else does.
    pub(crate) probe: bool,
    /// Somebody who was passed by for want of a connection.
    pub(crate) cold: Option<usize>,
    /// It has no connection, and another one may be connected to sooner.
    pub(crate) early: bool,
}

/// What a look at a replica says.
enum Look {
    /// It takes calls; so soon is one more expected to be answered, to be compared.
    Takes(f64),
    Probe,
    Not,
}

/// A pick in the making.
struct Picking<'a> {
    candidates: &'a Candidates,
    query: &'a Query<'a>,
    /// So few are healthy that it does not matter.
    panic: bool,
    /// Whether another replica had the call before.
    again: bool,
    cold: Cell<Option<usize>>,
}

impl Candidates {
    /// Picks one; none only where there is none at all.
    pub(crate) fn pick(&self, query: &Query<'_>) -> Option<Pick> {
        if self.members.is_empty() {
            return None;
        }
        let again = query.context.replicas_tried() > 0;
        let panic = self.all.healthy() < query.rules.settings.panic;
        let picking = Picking { candidates: self, query, panic, again, cold: Cell::new(None) };
        let level = picking.level();
        let picked = match query.rules.settings.policy {
            Policy::RoundRobin => picking.in_turn(level),
            Policy::P2c => picking.better_of_two(level),
            Policy::Hash => match key(query) {
                Some(key) => picking.by_key(level, key),
                None => picking.better_of_two(level),
            },
        };
        let (index, probe, early) = match picked {
            Some((index, false)) => (picking.nearer_or_faster(level, index), false, false),
            Some((index, true)) => (index, true, false),
            None => {
                let (index, early) = picking.best_of_all();
                (index, false, early)
            }
        };
        Some(Pick { index, probe, cold: picking.cold.get(), early })
    }
}

impl Candidates {
    /// The better of two for a first attempt, where nothing is the matter with anybody: the way of nearly
    /// all calls, which a closer look would find as well.
    #[inline]
    pub(crate) fn usual(&self, now: u64, rules: &Rules, random: &Random) -> Option<usize> {
        let [level] = &*self.levels else { return None };
        let usual = rules.settings.policy == Policy::P2c && level.len() > FEW;
        if !usual || self.all.out() > 0 || level.has_new(now) {
            return None;
        }
        let (one, other) = level.draw_two(random)?;
        let score = |index: usize| self.members[index].score(now, rules);
        let better = if score(other) < score(one) { other } else { one };
        self.members[better].replica.is_warm().then_some(better)
    }
}

impl Picking<'_> {
    /// Calls go to the first level as far as it is healthy: with more than seven in ten replicas
    /// that are, it takes all (Envoy's overprovisioning factor, 1.4). One that is left out as a whole
    /// has the call that tries it.
    fn level(&self) -> &Level {
        let levels = &self.candidates.levels;
        if levels.len() > 1 && !self.panic {
            let mut chance = self.query.random.next_f64();
            for level in levels {
                let share = (level.census.healthy() * 1.4).min(1.0);
                if chance < share || share == 0.0 && self.is_due(level) {
                    return level;
                }
                chance = (chance - share) / (1.0 - share);
            }
        }
        &levels[0]
    }

    /// Whether one of a level that is left out, by chance, is to be tried.
    fn is_due(&self, level: &Level) -> bool {
        matches!(self.look(level.draw(self.query.random)), Look::Probe)
    }

    fn better_of_two(&self, level: &Level) -> Option<(usize, bool)> {
        if level.len() <= FEW {
            return self.best_of_few(level);
        }
        let mut first: Option<(usize, f64)> = None;
        for _ in 0..DRAWS {
            let index = level.draw(self.query.random);
            if first.is_some_and(|(other, _)| other == index) || self.is_too_new(index) {
                continue;
            }
            match (self.look(index), first) {
                (Look::Not, _) => {}
                (Look::Probe, _) => return Some((index, true)),
                (Look::Takes(score), None) => first = Some((index, score)),
                (Look::Takes(score), Some((_, other))) if score < other => {
                    return Some((index, false));
                }
                (Look::Takes(_), Some((other, _))) => return Some((other, false)),
            }
        }
        first.map(|(index, _)| (index, false))
    }

    /// The best of so few that all are looked at.
    fn best_of_few(&self, level: &Level) -> Option<(usize, bool)> {
        let mut best: Option<(usize, f64)> = None;
        for index in level.all(self.query.random) {
            if self.is_too_new(index) {
                continue;
            }
            match self.look(index) {
                Look::Not => {}
                Look::Probe => return Some((index, true)),
                Look::Takes(score) if best.is_some_and(|(_, least)| least <= score) => {}
                Look::Takes(score) => best = Some((index, score)),
            }
        }
        best.map(|(index, _)| (index, false))
    }

    /// The first of those to whom the key belongs that has not much more to do than its part.
    fn by_key(&self, level: &Level, key: u64) -> Option<(usize, bool)> {
        let most = self.query.rules.settings.hash_bound * (self.query.keyed + 1) as f64;
        let mut first = None;
        for index in level.owners(key) {
            match self.look(index) {
                Look::Not => continue,
                Look::Probe => return Some((index, true)),
                Look::Takes(_) => {}
            }
            let Member { replica, weight, .. } = &self.candidates.members[index];
            if f64::from(replica.load.open() + 1) <= (most * level.part(*weight)).ceil() {
                return Some((index, false));
            }
            first = first.or(Some((index, false)));
        }
        first
    }

    fn in_turn(&self, level: &Level) -> Option<(usize, bool)> {
        for _ in 0..level.len().min(DRAWS) {
            let index = level.next();
            if self.is_too_new(index) {
                continue;
            }
            match self.look(index) {
                Look::Not => {}
                Look::Probe => return Some((index, true)),
                Look::Takes(_) => return Some((index, false)),
            }
        }
        None
    }

    /// One of another zone, if it is so much faster that it is worth the way.
    fn nearer_or_faster(&self, level: &Level, near: usize) -> usize {
        let levels = &self.candidates.levels;
        let Rules { settings, load: rules } = self.query.rules;
        if settings.zone.is_empty() || levels.len() < 2 || !std::ptr::eq(level, &levels[0]) {
            return near;
        }
        let priority = self.candidates.members[near].instance.priority;
        let far = levels[1].draw(self.query.random);
        let member = &self.candidates.members[far];
        if member.instance.priority != priority || self.is_too_new(far) {
            return near;
        }
        // Calls in flight say nothing here: whoever is called more has more of them.
        let pace = |index: usize| {
            let load = &self.candidates.members[index].replica.load;
            load.pace(self.query.now, rules)
        };
        let worth = pace(far) * settings.zone_worth < pace(near);
        if worth && matches!(self.look(far), Look::Takes(_)) { far } else { near }
    }

    /// Looks at everybody, for the rare case that chance found nobody. Says as well whether others may
    /// be connected to sooner than the best of them.
    fn best_of_all(&self) -> (usize, bool) {
        let Candidates { members, levels, .. } = self.candidates;
        let hopeful = Cell::new(0_u32);
        let rank = |level: usize, index: usize| {
            let member = &members[index];
            let Member { replica, .. } = member;
            let healthy = self.panic || !replica.health.state().is_out();
            let tried = self.query.context.tried_replica(replica.id);
            let rank = match (healthy, tried) {
                (true, false) if replica.is_warm() => 0,
                (true, true) if replica.is_warm() => 1,
                (true, false) if !replica.is_refused() => {
                    hopeful.set(hopeful.get() + 1);
                    2
                }
                (false, false) if !replica.is_refused() => 3,
                _ => 4,
            };
            // Among those of whom little is to be hoped nobody is preferred.
            let level = if rank < 3 { level } else { 0 };
            ((rank, level), self.score(member), index)
        };
        let all = levels.iter().enumerate();
        let ranked = all.flat_map(|(number, level)| {
            level.all(self.query.random).map(move |index| rank(number, index))
        });
        let best = ranked.min_by(|a, b| a.0.cmp(&b.0).then(a.1.total_cmp(&b.1)));
        let ((rank, _), _, index) = best.expect("nobody picks among none");
        if rank > 0 && !members[index].replica.is_warm() {
            self.cold.set(Some(index));
        }
        (index, rank == 2 && hopeful.get() > 1)
    }

    fn look(&self, index: usize) -> Look {
        let member = &self.candidates.members[index];
        let replica = &*member.replica;
        if self.again && self.query.context.tried_replica(replica.id) {
            return Look::Not;
        }
        if !replica.is_warm() {
            self.cold.set(Some(index));
            return Look::Not;
        }
        match replica.health.state() {
            State::Closed { .. } => Look::Takes(self.score(member)),
            // A call that failed already is not sent where it may well fail again.
            State::Open { until, .. } if !self.again && until <= self.query.now / 1_000_000 => {
                Look::Probe
            }
            _ if self.panic => Look::Takes(self.score(member)),
            _ => Look::Not,
        }
    }

    fn score(&self, member: &Member) -> f64 {
        member.score(self.query.now, self.query.rules)
    }

    /// Whether a replica that has just joined is spared this time.
    fn is_too_new(&self, index: usize) -> bool {
        let joined = self.candidates.members[index].replica.joined;
        if joined.is_none() {
            return false;
        }
        let Query { now, rules, random, .. } = *self.query;
        let warmth = warmth(joined, now, &rules.settings);
        warmth < 1.0 && random.next_f64() >= warmth
    }
}

/// What a call is known by.
fn key(query: &Query<'_>) -> Option<u64> {
    match &query.rules.settings.hash_by {
        HashBy::Value => query.context.value::<HashKey>().map(|key| key.0),
        HashBy::Header(name) => {
            let value = query.context.outgoing_header(name)?;
            Some(xxh64(value.as_bytes(), 0))
        }
    }
}

/// How often a replica is left in the draw: more often with time, if it is new.
fn warmth(joined: Option<u64>, now: u64, settings: &BalanceSettings) -> f64 {
    let Some(joined) = joined else { return 1.0 };
    let window = settings.slow_start.as_nanos() as f64;
    let age = now.saturating_sub(joined) as f64;
    if age >= window { 1.0 } else { (age / window).max(SLOWEST) }
}

impl HashKey {
    /// The key of a text.
    #[must_use]
    pub fn of(text: &str) -> Self {
        HashKey(xxh64(text.as_bytes(), 0))
    }
}
