//! Who waits for a place: a line for each criticality, first come first served within it.

use std::collections::VecDeque;
use std::time::Duration;

use tokio::sync::oneshot;
use tokio::time::Instant;

use crate::shedding::{CLASSES, Change, SheddingSettings, Standing};

/// What somebody who waits is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Told {
    /// It is your turn; in the dark you may have been spared.
    Enter { spared: bool },
    /// It will not be: others are worth more.
    Shed,
}

/// Somebody who waits.
#[derive(Debug)]
pub(super) struct Waiter {
    pub(super) number: u64,
    pub(super) since: Instant,
    pub(super) tell: oneshot::Sender<Told>,
    /// It would have been shed, if shedding were not dark.
    pub(super) spared: bool,
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
        spared: bool,
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
        self.standing.passed(class, now - waiter.since);
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

    /// Whom [`displace`](Self::displace) would take out stays; says whether there is somebody.
    pub(super) fn spare_displaced(&mut self, class: usize) -> bool {
        let lower = self.lines[..class].iter_mut();
        let waiter = lower.flat_map(|line| line.iter_mut().rev()).find(|waiter| !waiter.spared);
        waiter.map(|waiter| waiter.spared = true).is_some()
    }

    /// Decides whether the queue stands.
    pub(super) fn look(&mut self, settings: &SheddingSettings, now: Instant) -> Change {
        let Queue { lines, standing, .. } = self;
        standing.look(settings, now, |class| Some(now - lines[class].front()?.since))
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
        let late = shed.filter(|waiter| !waiter.spared && now - waiter.since > target);
        late.map(|waiter| waiter.spared = true).count()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn queue(classes: &[usize]) -> Queue {
        let mut queue = Queue::default();
        for class in classes {
            queue.push(*class, Instant::now(), oneshot::channel().0, false);
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
}
