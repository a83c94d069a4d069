//! Of all calls those that matter least go first, when not all can be served.
//!
//! It works on the queue of the [concurrency limit](crate::Concurrency), and by the rule of `CoDel`
//! (RFC 8289): a queue that empties from time to time is good, a queue that *stands* only makes
//! everybody late. Where even the luckiest call of a class waited for longer than the target, for a
//! whole interval, the lowest class that is still let in is shed: its calls pass where there is room at
//! once, and do not wait. If that does not help, the next class goes an interval later, and the room is
//! its: those below it do not pass at all. Where nothing stands any more, they come back in the other
//! order. The most critical class is never shed; it is
//! refused only where the queue is full.

use std::time::Duration;

use kitfox_core::Criticality;
use kitfox_core::setting::{DURATION, Key, Keyed, key};
use tokio::time::Instant;

use crate::mode::MODE;
use crate::{Glance, Mode};

/// The name of this layer in errors.
pub const SHEDDING: &str = "shedding";

/// When calls of little worth are given up. The defaults are RFC 8289's.
///
/// ```
/// use std::time::Duration;
/// use kitfox_core::setting::Keyed;
/// use kitfox_resilience::SheddingSettings;
///
/// let settings = SheddingSettings { target: Duration::from_millis(20), ..Default::default() };
/// assert!(settings.check().is_ok());
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct SheddingSettings {
    /// On by default, for wherever there is a concurrency limit, whose queue it keeps short.
    pub mode: Mode,
    /// How long the luckiest call of an interval may wait, 5 ms by default.
    pub target: Duration,
    /// How long it is looked before anything is decided, 100 ms by default: about the longest that a
    /// call takes which is quick.
    pub interval: Duration,
}

impl Default for SheddingSettings {
    fn default() -> Self {
        SheddingSettings {
            mode: Mode::On,
            target: Duration::from_millis(5),
            interval: Duration::from_millis(100),
        }
    }
}

impl Glance for SheddingSettings {}

impl Keyed for SheddingSettings {
    const NAME: &'static str = "shedding";

    #[rustfmt::skip]
    const KEYS: &'static [Key<Self>] = &[
        key!(MODE, mode, "Whether calls of little worth are given up when the queue stands."),
        key!(DURATION, target, "How long the luckiest call of an interval may wait in the queue."),
        key!(DURATION, interval, "How long the queue has to stand before calls are shed, and before the next class is."),
    ];

    fn check(&self) -> Result<(), String> {
        if self.target.is_zero() {
            return Err(
                "a `target` of 0 would shed whenever anybody waits: give `5ms` or so".to_owned()
            );
        }
        if self.interval < self.target {
            return Err(
                "the `interval` is shorter than the `target`, so that nothing could ever stand for so long: make it about 20 times the target".to_owned(),
            );
        }
        Ok(())
    }
}

/// How many classes there are.
pub(crate) const CLASSES: usize = Criticality::ALL.len();

/// Whether the queue stands, and who is shed for that.
#[derive(Debug, Default)]
pub(crate) struct Standing {
    /// The classes below this one are shed.
    level: usize,
    /// When it is looked next.
    ends: Option<Instant>,
    /// The shortest wait of each class in this interval.
    shortest: [Option<Duration>; CLASSES],
}

/// What looking at the queue led to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Change {
    None,
    /// One class more is shed.
    Raised,
    Lowered,
}

impl Standing {
    /// The classes below this one are shed.
    pub(crate) fn level(&self) -> usize {
        self.level
    }

    /// A call of this class got its place after so long.
    pub(crate) fn passed(&mut self, class: usize, waited: Duration) {
        let shortest = &mut self.shortest[class];
        *shortest = Some(shortest.map_or(waited, |known| known.min(waited)));
    }

    /// Decides, where an interval is over. `oldest` says how long the first of a class has waited.
    pub(crate) fn look(
        &mut self,
        settings: &SheddingSettings,
        now: Instant,
        oldest: impl Fn(usize) -> Option<Duration>,
    ) -> Change {
        let Some(ends) = self.ends else {
            self.ends = Some(now + settings.interval);
            return Change::None;
        };
        if now < ends {
            return Change::None;
        }
        // For a whole interval more nobody waited at all.
        let idle =
            now >= ends + settings.interval && (0..CLASSES).all(|class| oldest(class).is_none());
        // Those of a class that none was let in of wait as long as the first of them does.
        let stands = !idle
            && (self.level..CLASSES).any(|class| {
                let wait = self.shortest[class].or_else(|| oldest(class));
                wait.is_some_and(|wait| wait > settings.target)
            });
        self.ends = Some(now + settings.interval);
        self.shortest = [None; CLASSES];
        let before = self.level;
        self.level = match stands {
            _ if idle => 0,
            true => (before + 1).min(CLASSES - 1),
            false => before.saturating_sub(1),
        };
        match self.level {
            level if level > before => Change::Raised,
            level if level < before => Change::Lowered,
            _ => Change::None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const INTERVAL: Duration = Duration::from_millis(100);
    const LONG: Duration = Duration::from_millis(20);
    const SHORT: Duration = Duration::from_millis(1);

    struct Queue {
        standing: Standing,
        now: Instant,
    }

    impl Queue {
        fn new() -> Self {
            let mut queue = Queue { standing: Standing::default(), now: Instant::now() };
            queue.look();
            queue
        }

        fn look(&mut self) -> Change {
            self.standing.look(&SheddingSettings::default(), self.now, |_| None)
        }

        /// An interval in which calls of `class` waited so long.
        fn interval(&mut self, class: usize, waits: &[Duration]) -> Change {
            for wait in waits {
                self.standing.passed(class, *wait);
            }
            self.now += INTERVAL;
            self.look()
        }
    }

    #[tokio::test(start_paused = true)]
    async fn the_lowest_class_goes_first_then_the_next_and_never_the_highest() {
        let mut queue = Queue::new();
        for level in 1..=3 {
            assert_eq!(queue.interval(3, &[LONG, LONG]), Change::Raised);
            assert_eq!(queue.standing.level(), level);
        }
        assert_eq!(queue.interval(3, &[LONG]), Change::None, "the highest is not shed");
        for level in [2, 1, 0] {
            assert_eq!(queue.interval(3, &[SHORT]), Change::Lowered);
            assert_eq!(queue.standing.level(), level);
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_queue_that_one_call_passed_quickly_does_not_stand() {
        let mut queue = Queue::new();
        assert_eq!(queue.interval(0, &[LONG, SHORT, LONG]), Change::None);
        assert_eq!(queue.interval(0, &[LONG]), Change::Raised);
    }

    #[tokio::test(start_paused = true)]
    async fn who_is_never_let_in_stands_too_and_after_a_pause_all_is_forgotten() {
        let mut queue = Queue::new();
        queue.now += INTERVAL;
        let starved = |class| (class == 0).then_some(LONG);
        let settings = SheddingSettings::default();
        assert_eq!(queue.standing.look(&settings, queue.now, starved), Change::Raised);
        queue.interval(1, &[LONG]);
        assert_eq!(queue.standing.level(), 2);
        queue.now += 3 * INTERVAL;
        assert_eq!(queue.look(), Change::Lowered);
        assert_eq!(queue.standing.level(), 0);
    }

    #[test]
    fn settings_that_could_never_shed_or_always_would_are_refused() {
        let zero = SheddingSettings { target: Duration::ZERO, ..SheddingSettings::default() };
        assert!(zero.check().is_err());
        let short = SheddingSettings { interval: SHORT, ..SheddingSettings::default() };
        assert!(short.check().is_err());
    }
}
