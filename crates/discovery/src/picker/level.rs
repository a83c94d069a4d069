//! Replicas that are as good as one another: of one priority, near or far.

use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use kitfox_core::platform::Random;

use super::Member;
use super::ring::Ring;
use super::weights::Weights;
use crate::census::Census;
use crate::{BalanceSettings, Instance, Policy};

/// Some of the candidates, which stand beside each other.
#[derive(Debug)]
pub(crate) struct Level {
    members: Range<usize>,
    weights: Weights,
    /// The weights of all before each, as shares of their sum; none where all weigh the same.
    before: Option<Box<[f64]>>,
    turn: AtomicUsize,
    /// Where keys belong; none where nobody asks for that.
    ring: Option<Ring>,
    /// The sum of all weights.
    sum: f64,
    /// Until when some of them are new, in nanoseconds.
    new_until: u64,
    pub(crate) census: Arc<Census>,
}

/// Which level an instance is of: those of a lower number are preferred.
pub(crate) fn number(instance: &Instance, zone: &str) -> (u16, bool) {
    let elsewhere = !zone.is_empty() && instance.zone.as_deref() != Some(zone);
    (instance.priority, elsewhere)
}

/// The levels of members that stand in their order.
pub(crate) fn levels(members: &[Member], settings: &BalanceSettings) -> Vec<Level> {
    let of = |member: &Member| number(&member.instance, &settings.zone);
    let mut begin = 0;
    let groups = members.chunk_by(|a, b| of(a) == of(b));
    let levels = groups.map(|group| {
        let range = begin..begin + group.len();
        begin = range.end;
        Level::new(range, group, settings)
    });
    levels.collect()
}

impl Level {
    fn new(members: Range<usize>, group: &[Member], settings: &BalanceSettings) -> Self {
        let by_key = settings.policy == Policy::Hash;
        let each: Vec<f64> = group.iter().map(|member| member.weight).collect();
        let sum: f64 = each.iter().sum();
        let weights = Weights::new(&each);
        let before = (!weights.are_equal()).then(|| {
            let sums = each.iter().scan(0.0, |before, weight| {
                let share = *before / sum;
                *before += weight;
                Some(share)
            });
            sums.collect()
        });
        let census = Arc::clone(&group[0].replica.seats.level);
        census.set_members(group.len());
        let turn = AtomicUsize::new(0);
        let ring = by_key.then(|| Ring::new(group));
        let joined = group.iter().filter_map(|member| member.replica.joined).max();
        let slow_start = u64::try_from(settings.slow_start.as_nanos()).unwrap_or(u64::MAX);
        let new_until = joined.map_or(0, |joined| joined.saturating_add(slow_start));
        Level { members, weights, before, turn, ring, sum, new_until, census }
    }

    pub(crate) fn len(&self) -> usize {
        self.members.len()
    }

    /// Whether one of them has just joined, and is spared.
    pub(crate) fn has_new(&self, now: u64) -> bool {
        now < self.new_until
    }

    /// One by chance, by its weight.
    pub(crate) fn draw(&self, random: &Random) -> usize {
        self.members.start + self.weights.draw(random)
    }

    /// Two of them by chance, where all weigh the same; nothing where it was the same one twice.
    #[inline]
    pub(crate) fn draw_two(&self, random: &Random) -> Option<(usize, usize)> {
        let (one, other) = self.weights.draw_two(random)?;
        Some((self.members.start + one, self.members.start + other))
    }

    /// All of them, one after the other, beginning with one by chance: among equals that decides, so
    /// that not all calls of all callers go to the first.
    pub(crate) fn all(&self, random: &Random) -> impl Iterator<Item = usize> + use<> {
        let Range { start, end } = self.members;
        #[expect(clippy::cast_possible_truncation, reason = "below the length")]
        let first = start + (random.next_u64() % self.members.len() as u64) as usize;
        (first..end).chain(start..first)
    }

    /// Those to which a key belongs, one after the other; nobody where there is no ring.
    pub(crate) fn owners(&self, key: u64) -> impl Iterator<Item = usize> {
        let owners = self.ring.iter().flat_map(move |ring| ring.walk(key));
        owners.map(|member| self.members.start + member)
    }

    /// Which part of all a member of this weight has.
    pub(crate) fn part(&self, weight: f64) -> f64 {
        weight / self.sum
    }

    /// The next one. Where weights differ, multiples of the golden ratio spread the turns of each as
    /// evenly as can be.
    pub(crate) fn next(&self) -> usize {
        const GOLDEN: f64 = 0.618_033_988_749_894_9;
        let turn = self.turn.fetch_add(1, Ordering::Relaxed);
        let place = match &self.before {
            None => turn % self.members.len(),
            Some(before) => {
                let point = (turn as f64 * GOLDEN).fract();
                before.partition_point(|share| *share <= point) - 1
            }
        };
        self.members.start + place
    }
}
