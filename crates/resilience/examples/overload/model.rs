//! A server that more is asked of than it can do, in paused time and with a seed.
//!
//! It has 32 workers, and a call takes one of them for 40 ms on average (exponentially distributed), so
//! that it can do 800 calls a second. Calls beyond its workers wait inside, and every call that is inside
//! makes all of them slower: for twice as many calls as workers by a tenth. Callers come as they please
//! (Poisson), wait for half a second, and do not try again. One in five calls is critical.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use bytes::Bytes;
use kitfox_core::contract::Method;
use kitfox_core::layers::Deadline;
use kitfox_core::message::Codec;
use kitfox_core::platform::Random;
use kitfox_core::{
    BoxEndpoint, Context, Criticality, Endpoint, Error, Incoming, Layer, Payload, Reply, Request,
};
use kitfox_resilience::{Concurrency, ConcurrencySettings, Live, Mode, SheddingSettings};
use tokio::sync::{Semaphore, mpsc};
use tokio::time::{Instant, sleep, sleep_until};

/// Calls a second that the server can do.
pub(crate) const CAPACITY: f64 = 800.0;

const WORKERS: usize = 32;
const WORK: f64 = 0.040;
/// How much slower calls are where twice as many are inside as there are workers.
const CONTENTION: f64 = 0.1;
const PATIENCE: Duration = Duration::from_millis(500);

static METHOD: Method = Method::unary("overload.v1.Server", "Work", "/overload.v1.Server/Work");

struct Server {
    workers: Semaphore,
    inside: AtomicUsize,
    random: Random,
}

struct Inside<'a>(&'a AtomicUsize);

impl Drop for Inside<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Endpoint for Server {
    async fn call(&self, _: Request) -> Result<Reply, Error> {
        self.inside.fetch_add(1, Ordering::Relaxed);
        let inside = Inside(&self.inside);
        let _worker = self.workers.acquire().await.expect("it is never closed");
        let crowd = self.inside.load(Ordering::Relaxed).saturating_sub(WORKERS) as f64;
        let slower = 1.0 + CONTENTION * crowd / WORKERS as f64;
        sleep(Duration::from_secs_f64(exponential(&self.random, WORK) * slower)).await;
        drop(inside);
        Ok(Reply::new(Payload::unary(Codec::Json, Bytes::from_static(b"{}"))))
    }
}

/// How many calls come: so many times the capacity, for so many seconds.
#[derive(Clone, Copy)]
pub(crate) struct Phase {
    pub(crate) load: f64,
    pub(crate) seconds: u32,
}

/// A call that is over.
#[derive(Clone, Copy)]
pub(crate) struct Call {
    /// When it came, in seconds since the beginning.
    pub(crate) came: f64,
    pub(crate) criticality: Criticality,
    /// How long its answer took, where there was one in time.
    pub(crate) answered: Option<Duration>,
}

/// What became of the calls, and what the limit was each second.
pub(crate) struct Run {
    pub(crate) calls: Vec<Call>,
    pub(crate) limits: Vec<usize>,
}

/// Runs these phases one after the other, with the adaptive limit or without any.
pub(crate) fn run(seed: u64, protected: bool, phases: &[Phase]) -> Run {
    let mut runtime = tokio::runtime::Builder::new_current_thread();
    let runtime = runtime.enable_time().start_paused(true).build();
    runtime.expect("a runtime of one thread needs nothing").block_on(go(seed, protected, phases))
}

async fn go(seed: u64, protected: bool, phases: &[Phase]) -> Run {
    let mode = if protected { Mode::On } else { Mode::Off };
    let settings = ConcurrencySettings { mode, ..ConcurrencySettings::default() };
    let limit = Concurrency::new(Live::new(settings), Live::new(SheddingSettings::default()));
    let server = Server {
        workers: Semaphore::new(WORKERS),
        inside: AtomicUsize::new(0),
        random: Random::seeded(seed),
    };
    let server = Deadline.layer(&METHOD, limit.layer(&METHOD, server));
    let server = BoxEndpoint::new(server);
    let random = Random::seeded(seed.wrapping_mul(31));
    let begin = Instant::now();
    let (over, mut calls) = mpsc::unbounded_channel();
    let mut limits = Vec::new();
    let (mut came, mut phase_ends) = (0.0, 0.0);
    for phase in phases {
        phase_ends += f64::from(phase.seconds);
        loop {
            came += exponential(&random, 1.0 / (CAPACITY * phase.load));
            if came > phase_ends {
                came = phase_ends;
                break;
            }
            sleep_until(begin + Duration::from_secs_f64(came)).await;
            while (limits.len() as f64) < came {
                limits.push(limit.limit());
            }
            let criticality = worth(random.next_f64());
            let (server, over) = (server.clone(), over.clone());
            #[expect(clippy::disallowed_methods, reason = "the callers of a simulation")]
            tokio::spawn(async move {
                let answered = call(&server, criticality).await;
                let _ = over.send(Call { came, criticality, answered });
            });
        }
    }
    drop(over);
    let mut all = Vec::new();
    while let Some(call) = calls.recv().await {
        all.push(call);
    }
    Run { calls: all, limits }
}

async fn call(server: &BoxEndpoint, criticality: Criticality) -> Option<Duration> {
    let begin = Instant::now();
    let deadline = Some(begin + PATIENCE);
    let context = Context::incoming(Incoming { deadline, criticality, ..Incoming::default() });
    let payload = Payload::unary(Codec::Json, Bytes::from_static(b"{}"));
    let answer = server.call(Request::new(context, payload)).await;
    answer.is_ok().then(|| begin.elapsed())
}

fn worth(share: f64) -> Criticality {
    match share {
        share if share < 0.05 => Criticality::CriticalPlus,
        share if share < 0.20 => Criticality::Critical,
        share if share < 0.50 => Criticality::SheddablePlus,
        _ => Criticality::Sheddable,
    }
}

fn exponential(random: &Random, mean: f64) -> f64 {
    -(1.0 - random.next_f64()).ln() * mean
}

impl Run {
    /// Of the calls that came within these seconds.
    pub(crate) fn between(&self, from: f64, to: f64) -> Vec<Call> {
        let within = |call: &&Call| (from..to).contains(&call.came);
        self.calls.iter().filter(within).copied().collect()
    }
}

/// How many calls a second were answered in time.
pub(crate) fn goodput(calls: &[Call], seconds: f64) -> f64 {
    calls.iter().filter(|call| call.answered.is_some()).count() as f64 / seconds
}

/// The share of calls that were answered in time, of those from this criticality up.
pub(crate) fn success(calls: &[Call], from: Criticality) -> f64 {
    let of: Vec<_> = calls.iter().filter(|call| call.criticality >= from).collect();
    let answered = of.iter().filter(|call| call.answered.is_some()).count();
    answered as f64 / of.len().max(1) as f64
}
