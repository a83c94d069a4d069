//! Ten replicas, simulated: each works on a few calls at the same time, lets a few more wait, and
//! refuses the rest.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use kitfox_core::platform::Random;
use tokio::sync::Semaphore;
use tokio::time::{Instant, sleep, sleep_until};

use crate::clients::Balancer;
use crate::simulation::{QUEUE, REPLICAS, WORK, WORKERS};

/// What befalls the first replica.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Trouble {
    None,
    /// It takes ten times as long.
    Slow,
    /// Half of its calls fail at once.
    Failing,
    /// It does nothing for a second, in the middle.
    Pausing,
}

/// After how long a replica pauses, and for how long.
const PAUSE_AFTER: Duration = Duration::from_secs(10);
const PAUSE: Duration = Duration::from_secs(1);

impl Trouble {
    pub(crate) const ALL: [Trouble; 4] =
        [Trouble::None, Trouble::Slow, Trouble::Failing, Trouble::Pausing];

    /// Which balancers it is shown for.
    pub(crate) fn balancers(self) -> Vec<Balancer> {
        let mut balancers = vec![Balancer::Kitfox, Balancer::Turns, Balancer::Tower];
        match self {
            Trouble::None | Trouble::Slow => {}
            Trouble::Failing => balancers.insert(1, Balancer::Retries),
            Trouble::Pausing => balancers.insert(1, Balancer::Hedges),
        }
        balancers
    }
}

impl fmt::Display for Trouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Trouble::None => "all are well",
            Trouble::Slow => "is ten times slower",
            Trouble::Failing => "fails half of its calls",
            Trouble::Pausing => "pauses for a second",
        })
    }
}

/// The replicas of one run.
pub(crate) struct Fleet(Vec<Replica>);

/// A replica.
pub(crate) struct Replica {
    workers: Semaphore,
    waiting: AtomicUsize,
    random: Arc<Random>,
    trouble: Trouble,
    from: Instant,
}

impl Fleet {
    /// Replicas of which the first has `trouble` from then on.
    pub(crate) fn new(trouble: Trouble, from: Instant, seed: u64) -> Self {
        let random = Arc::new(Random::seeded(seed.wrapping_mul(0x85eb_ca77)));
        let replicas = (0..REPLICAS).map(|number| Replica {
            workers: Semaphore::new(WORKERS),
            waiting: AtomicUsize::new(0),
            random: Arc::clone(&random),
            trouble: if number == 0 { trouble } else { Trouble::None },
            from,
        });
        Fleet(replicas.collect())
    }

    pub(crate) fn replica(&self, number: usize) -> &Replica {
        &self.0[number]
    }
}

impl Replica {
    /// Works on a call, and says whether that went well.
    pub(crate) async fn call(&self) -> bool {
        let now = Instant::now();
        let trouble = if now >= self.from { self.trouble } else { Trouble::None };
        if trouble == Trouble::Failing && self.random.next_f64() < 0.5 {
            return false;
        }
        if self.waiting.load(Ordering::Relaxed) >= WORKERS + QUEUE {
            return false;
        }
        self.waiting.fetch_add(1, Ordering::Relaxed);
        let _place = Place(self);
        let Ok(_worker) = self.workers.acquire().await else { return false };
        self.resumed().await;
        let factor = if trouble == Trouble::Slow { 10.0 } else { 1.0 };
        let work = -(1.0 - self.random.next_f64()).ln() * WORK.as_secs_f64() * factor;
        // The timer knows whole milliseconds.
        let begun = Instant::now();
        sleep(Duration::from_secs_f64((work * 1e3).round().max(1.0) / 1e3)).await;
        if let Some((pause, resumed)) = self.pause()
            && begun < pause
            && pause < Instant::now()
        {
            // What was under way at the pause is finished after it.
            sleep_until(resumed + (Instant::now() - pause)).await;
        }
        true
    }

    /// Waits for the end of the pause, where there is one now.
    async fn resumed(&self) {
        if let Some((pause, resumed)) = self.pause()
            && (pause..resumed).contains(&Instant::now())
        {
            sleep_until(resumed).await;
        }
    }

    fn pause(&self) -> Option<(Instant, Instant)> {
        let pause = self.from + PAUSE_AFTER;
        (self.trouble == Trouble::Pausing).then_some((pause, pause + PAUSE))
    }
}

/// A place at a replica, until the call is over or its caller leaves.
struct Place<'a>(&'a Replica);

impl Drop for Place<'_> {
    fn drop(&mut self) {
        self.0.waiting.fetch_sub(1, Ordering::Relaxed);
    }
}
