//! Who waits for a place: a line for each criticality, first come first served within it.

use std::collections::VecDeque;
use std::time::Duration;

use tokio::sync::oneshot;
use tokio::time::Instant;

use crate::shedding::{CLASSES, Change, SheddingSettings, Standing};

/// What somebody who waits is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Told {
    /// It is your turn.
    Enter { spared: Spared },
    /// It will not be, and why.
    Shed(&'static str),
}

/// What would have become of somebody who waits, if shedding were not dark.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Spared {
    /// The same.
    #[default]
    No,
    /// It would have been shed, and its place in the queue would be free.
    Shed,
    /// One that was refused, as the queue was full, would have its place.
    Replaced,
}

/// Somebody who waits.
#[derive(Debug)]
pub(super) struct Waiter {
    pub(super) number: u64,
    pub(super) since: Instant,
    pub(super) tell: oneshot::Sender<Told>,
    pub(super) spared: Spared,
}

/// The lines.
#[derive(Debug, Default)]
pub(super) struct Queue {
    lines: [VecDeque<Waiter>; CLASSES],
    next: u64,
    pub(super) standing: Standing,
}

impl Queue {
    pub(super) fn len(&self) -> usize {
        self.lines.iter().map(VecDeque::len).sum()
    }

    /// Stands in line; gives the number by which to leave it.
    pub(super) fn push(
        &mut self,
        class: usize,
        now: Instant,
        tell: oneshot::Sender<Told>,
        spared: Spared,
    ) -> u64 {
        let number = self.next;
        self.next += 1;
        self.lines[class].push_back(Waiter { number, since: now, tell, spared });
        number
    }

    /// Whose turn it is: of those that matter most the one that came first.
    pub(super) fn pop(&mut self, now: Instant) -> Option<Waiter> {
        let class = (0..CLASSES).rev().find(|class| !self.lines[*class].is_empty())?;
        let waiter = self.lines[class].pop_front()?;
        if waiter.spared == Spared::No {
            self.standing.passed(class, now - waiter.since);
        }
        Some(waiter)
    }

    /// Leaves the line; nothing where it was no longer in it.
    pub(super) fn leave(&mut self, class: usize, number: u64) -> Option<Waiter> {
        let line = &mut self.lines[class];
        let place = line.binary_search_by_key(&number, |waiter| waiter.number);
        line.remove(place.ok()?)
    }

    /// Takes out somebody who matters less than `class`: of the lowest the one that came last.
    pub(super) fn displace(&mut self, class: usize) -> Option<(usize, Waiter)> {
        let lowest = (0..class).find(|class| !self.lines[*class].is_empty())?;
        Some((lowest, self.lines[lowest].pop_back()?))
    }

    /// Somebody is refused who would have the place of one that was shed, or of one that
    /// [`displace`](Self::displace) would take out, who stays. Says whether it is the latter.
    pub(super) fn spare_displaced(&mut self, class: usize) -> bool {
        let mut waiters = self.lines.iter_mut().flatten();
        if let Some(shed) = waiters.find(|waiter| waiter.spared == Spared::Shed) {
            shed.spared = Spared::Replaced;
            return false;
        }
        let mut lower = self.lines[..class].iter_mut().flat_map(|line| line.iter_mut().rev());
        let displaced = lower.find(|waiter| waiter.spared == Spared::No);
        displaced.map(|waiter| waiter.spared = Spared::Replaced).is_some()
    }

    /// Decides whether the queue stands.
    pub(super) fn look(&mut self, settings: &SheddingSettings, now: Instant) -> Change {
        let Queue { lines, standing, .. } = self;
        standing.look(settings, now, |class| {
            let first = lines[class].iter().find(|waiter| waiter.spared == Spared::No)?;
            Some(now - first.since)
        })
    }

    /// Takes out somebody of the classes that are shed, who has waited for longer than `target`.
    pub(super) fn shed(&mut self, target: Duration, now: Instant) -> Option<(usize, Waiter)> {
        let late = |line: &VecDeque<Waiter>| line.front().is_some_and(|w| now - w.since > target);
        let class = (0..self.standing.level()).find(|class| late(&self.lines[*class]))?;
        Some((class, self.lines[class].pop_front()?))
    }

    /// Whom [`shed`](Self::shed) would take out stays; says how many they are.
    pub(super) fn spare_shed(&mut self, target: Duration, now: Instant) -> usize {
        let shed = self.lines[..self.standing.level()].iter_mut().flatten();
        let late = shed.filter(|it| it.spared == Spared::No && now - it.since > target);
        late.map(|waiter| waiter.spared = Spared::Shed).count()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn queue(classes: &[usize]) -> Queue {
        let mut queue = Queue::default();
        for class in classes {
            queue.push(*class, Instant::now(), oneshot::channel().0, Spared::No);
        }
        queue
    }

    fn numbers(queue: &mut Queue) -> Vec<u64> {
        std::iter::from_fn(|| queue.pop(Instant::now())).map(|waiter| waiter.number).collect()
    }

    #[tokio::test(start_paused = true)]
    async fn who_matters_most_comes_first_and_then_who_came_first() {
        assert_eq!(numbers(&mut queue(&[0, 2, 3, 2, 0, 3])), [2, 5, 1, 3, 0, 4]);
    }

    #[tokio::test(start_paused = true)]
    async fn who_leaves_is_left_out_once() {
        let mut queue = queue(&[2, 2, 2]);
        assert!(queue.leave(2, 1).is_some());
        assert!(queue.leave(2, 1).is_none());
        assert_eq!(numbers(&mut queue), [0, 2]);
    }

    #[tokio::test(start_paused = true)]
    async fn a_place_is_taken_from_the_last_of_the_lowest_and_never_from_an_equal() {
        let mut queue = queue(&[1, 0, 0, 2]);
        assert_eq!(queue.displace(3).map(|(_, waiter)| waiter.number), Some(2));
        assert!(queue.displace(0).is_none());
        assert_eq!(queue.len(), 3);
    }

    #[tokio::test(start_paused = true)]
    async fn in_the_dark_a_place_is_taken_once_and_that_of_who_was_shed_first() {
        let mut queue = queue(&[1, 0, 0, 2]);
        let spared = |queue: &Queue, spared| {
            let waiters = queue.lines.iter().flatten().filter(|waiter| waiter.spared == spared);
            waiters.map(|waiter| waiter.number).collect::<Vec<_>>()
        };
        queue.lines[2][0].spared = Spared::Shed;
        assert!(!queue.spare_displaced(3), "its place is free");
        assert_eq!(spared(&queue, Spared::Replaced), [3]);
        assert!(queue.spare_displaced(1));
        assert_eq!(spared(&queue, Spared::Replaced), [2, 3]);
        assert!(queue.spare_displaced(1));
        assert!(!queue.spare_displaced(1), "never that of an equal");
        assert_eq!(spared(&queue, Spared::No), [0]);
        assert_eq!(queue.len(), 4);
    }

    #[tokio::test(start_paused = true)]
    async fn who_would_be_gone_does_not_make_the_queue_stand() {
        let settings = SheddingSettings::default();
        let start = Instant::now();
        let mut queue = queue(&[0, 3]);
        assert_eq!(queue.look(&settings, start), Change::None);
        let later = |intervals| start + intervals * settings.interval;
        assert_eq!(queue.look(&settings, later(1)), Change::Raised);
        assert_eq!(queue.spare_shed(settings.target, later(1)), 1);
        assert_eq!(queue.spare_shed(settings.target, later(1)), 0, "once");
        assert_eq!(queue.pop(later(1)).map(|waiter| waiter.number), Some(1));
        assert_eq!(queue.look(&settings, later(2)), Change::Raised, "the one that got in was late");
        for intervals in [3, 4] {
            assert_eq!(queue.look(&settings, later(intervals)), Change::Lowered);
        }
        assert_eq!(queue.pop(later(4)).map(|waiter| waiter.spared), Some(Spared::Shed));
        assert_eq!(queue.look(&settings, later(5)), Change::None);
    }
}
