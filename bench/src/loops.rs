//! `bench -- loop NAME TIMES`: something small, done so many times, for callgrind to count.
//!
//! What a thing costs is the difference between its loop and that of what it stands on, which does
//! all but it: see [`Loop::base`].

use std::fmt;
use std::hint::black_box;
use std::str::FromStr;
use std::time::Duration;

use bytes::Bytes;
use futures_util::FutureExt;
use kitfox::layers::{Deadline, PanicBarrier, Recording, Scope};
use kitfox::message::Codec;
use kitfox::moment::{self, Moment};
use kitfox::record::{Outcome, Record, Side, Ticket, Volume};
use kitfox::resilience::{
    Concurrency, ConcurrencySettings, Glance, Idempotency, IdempotencySettings, Live, Mode,
    RateLimit, RateLimitKey, RateLimitSettings, SheddingSettings,
};
use kitfox::telemetry::logs::{Access, Format, LogSettings, Logs};
use kitfox::telemetry::traces::Sampler;
use kitfox::{BoxEndpoint, Counter, Endpoint, Histogram, Layer, Metrics, Payload, Request};
use tokio::time::Instant;

use crate::failure::{Failure, While};
use ground::{Ground, Late, Nothing, client, context, method, nothing, platform};

mod ground;

/// Something small.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Loop {
    Nothing,
    Counter,
    Histogram,
    Record,
    Line,
    Context,
    Span,
    Endpoint,
    Scope,
    Recording,
    PanicBarrier,
    Deadline,
    Protected,
    Channel,
    Client,
    ClientOf1000,
    LateChannel,
    LateClient,
}

/// After so many lines their writer is waited for, so that none is dropped and all are written.
const WRITTEN_AT_ONCE: usize = 256;

impl Loop {
    pub(crate) const ALL: [Self; 18] = [
        Self::Nothing,
        Self::Counter,
        Self::Histogram,
        Self::Record,
        Self::Line,
        Self::Context,
        Self::Span,
        Self::Endpoint,
        Self::Scope,
        Self::Recording,
        Self::PanicBarrier,
        Self::Deadline,
        Self::Protected,
        Self::Channel,
        Self::Client,
        Self::ClientOf1000,
        Self::LateChannel,
        Self::LateClient,
    ];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Nothing => "nothing",
            Self::Counter => "counter",
            Self::Histogram => "histogram",
            Self::Record => "record",
            Self::Line => "line",
            Self::Context => "context",
            Self::Span => "span",
            Self::Endpoint => "endpoint",
            Self::Scope => "scope",
            Self::Recording => "recording",
            Self::PanicBarrier => "panic-barrier",
            Self::Deadline => "deadline",
            Self::Protected => "protected",
            Self::Channel => "channel",
            Self::Client => "client",
            Self::ClientOf1000 => "client-of-1000",
            Self::LateChannel => "late-channel",
            Self::LateClient => "late-client",
        }
    }

    /// As tables have it.
    pub(crate) fn title(self) -> &'static str {
        match self {
            Self::Nothing => "nothing",
            Self::Counter => "a counter, one more",
            Self::Histogram => "a histogram, one more value",
            Self::Record => "what is known of a call that is over",
            Self::Line => "the line of a call, JSON with all identifiers, written",
            Self::Context => "the context of a call",
            Self::Span => "a span that is not sampled",
            Self::Endpoint => "a call of an endpoint",
            Self::Scope => "layer: scope",
            Self::Recording => "layer: recording, where nobody observes",
            Self::PanicBarrier => "layer: panic barrier",
            Self::Deadline => "layer: deadline",
            Self::Protected => "layers: rate limits, concurrency, idempotency, all on",
            Self::Channel => "a call of a channel",
            Self::Client => "the whole client onion, 10 replicas, its line off",
            Self::ClientOf1000 => "the whole client onion, 1,000 replicas, its line off",
            Self::LateChannel => "a call of a channel that has to wait",
            Self::LateClient => "the whole client onion, 10 replicas that have to be waited for",
        }
    }

    /// What it adds to: whose cost is not its own.
    pub(crate) fn base(self) -> Option<Self> {
        match self {
            Self::Nothing
            | Self::Record
            | Self::Context
            | Self::Endpoint
            | Self::Channel
            | Self::LateChannel => None,
            Self::Counter | Self::Histogram => Some(Self::Nothing),
            Self::Line => Some(Self::Record),
            Self::Span => Some(Self::Context),
            Self::Scope
            | Self::Recording
            | Self::PanicBarrier
            | Self::Deadline
            | Self::Protected => Some(Self::Endpoint),
            Self::Client | Self::ClientOf1000 => Some(Self::Channel),
            Self::LateClient => Some(Self::LateChannel),
        }
    }

    /// Does it so many times.
    pub(crate) fn run(self, times: usize) -> Result<(), Failure> {
        let mut builder = tokio::runtime::Builder::new_current_thread();
        let runtime = builder.enable_all().build().failed_while("starting the runtime")?;
        runtime.block_on(async {
            match self {
                Self::Nothing => (0..times).for_each(|time| assert!(black_box(time) < times)),
                Self::Counter => count(times)?,
                Self::Histogram => record(times)?,
                Self::Record => records(times, false).await,
                Self::Line => records(times, true).await,
                Self::Context => contexts(times),
                Self::Span => spans(times),
                Self::Endpoint => call(times, &nothing()).await,
                Self::Scope => call(times, &Scope.layer(method(), nothing())).await,
                Self::Recording => {
                    call(times, &Recording::server().layer(method(), nothing())).await;
                }
                Self::PanicBarrier => call(times, &PanicBarrier.layer(method(), nothing())).await,
                Self::Deadline => call(times, &Deadline.layer(method(), nothing())).await,
                Self::Protected => call(times, &protected()).await,
                Self::Channel => Ground::new().calls(times, &nothing()),
                Self::Client => onion(times, 10, Nothing).await?,
                Self::ClientOf1000 => onion(times, 1_000, Nothing).await?,
                Self::LateChannel => Ground::new().calls(times, &BoxEndpoint::new(Late)),
                Self::LateClient => onion(times, 10, Late).await?,
            }
            Ok(())
        })
    }
}

fn count(times: usize) -> Result<(), Failure> {
    let counters = Metrics::new().counter::<()>("bench.counted", "What is counted.");
    let counter: Counter = counters.failed_while("binding a counter")?.with(&());
    for _ in 0..times {
        black_box(&counter).increment();
    }
    Ok(())
}

fn record(times: usize) -> Result<(), Failure> {
    const BOUNDARIES: [f64; 14] =
        [0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0];
    let metrics = Metrics::new();
    let histograms =
        metrics.histogram::<()>("bench.recorded", "What is recorded.", "s", &BOUNDARIES);
    let histogram: Histogram = histograms.failed_while("binding a histogram")?.with(&());
    for time in 0..times {
        black_box(&histogram).record(black_box((time % 100) as f64 / 1_000.0));
    }
    Ok(())
}

/// The records of calls that were answered, and where they are `written` their lines, with all
/// identifiers and the writer's share.
async fn records(times: usize, written: bool) {
    let platform = platform();
    let logs = Logs::new(LogSettings { format: Format::Json, ..LogSettings::default() });
    drop(platform.tasks().spawn(logs.write_to(tokio::io::sink())));
    let lines = logs.calls(Side::Server, method());
    let context = context(&platform);
    let sampler = Sampler::new(0.0);
    context.begin_span(sampler.begin(None, context.random()), None);
    let begun = Moment::of(Instant::now());
    for time in 1..=times {
        let record = Record {
            context: &context,
            ticket: Ticket::default(),
            started: begun.instant,
            nanos: moment::nanos() - begun.nanos,
            sampled: context.is_sampled(),
            outcome: Outcome::Answered(None),
            received: Volume { messages: 1, bytes: 37 },
            sent: Volume { messages: 1, bytes: 37 },
        };
        let access = black_box(Access::of(Side::Server, &record));
        let at = black_box(record.ended_unix_nanos());
        if written {
            lines.write(&access, &record, &[], at);
        }
        if time % WRITTEN_AT_ONCE == 0 {
            let _flushed = logs.flush(Instant::now() + Duration::from_secs(60)).await;
        }
    }
    debug_assert_eq!(logs.dropped().total(), 0);
}

fn contexts(times: usize) {
    let platform = platform();
    for _ in 0..times {
        let context = context(&platform);
        black_box(context.is_sampled());
    }
}

/// What a call that is not sampled pays for its trace.
fn spans(times: usize) {
    let (platform, sampler) = (platform(), Sampler::new(0.0));
    for _ in 0..times {
        let context = context(&platform);
        context.begin_span(sampler.begin(context.parent_trace(), context.random()), None);
        black_box(context.is_sampled());
    }
}

async fn call(times: usize, endpoint: &impl Endpoint) {
    let platform = platform();
    for _ in 0..times {
        let payload = Payload::unary(Codec::Json, Bytes::new());
        let request = Request::new(context(&platform), payload);
        black_box(endpoint.call(request).now_or_never());
    }
}

/// Calls through the client's whole stack.
async fn onion(
    times: usize,
    replicas: usize,
    replica: impl Endpoint + Clone,
) -> Result<(), Failure> {
    let ground = Ground::new();
    let client = client(replicas, replica, &ground.platform).await?;
    ground.calls(times, client.endpoint(0));
    Ok(())
}

/// Everything that protects a server's method, on.
fn protected() -> BoxEndpoint {
    fn on<S: Default + Glance>(set: impl FnOnce(&mut S)) -> Live<S> {
        let mut settings = S::default();
        set(&mut settings);
        Live::new(settings)
    }

    let limit = |key| {
        RateLimit::new(on(|settings: &mut RateLimitSettings| {
            (settings.mode, settings.rate, settings.key) = (Mode::On, 1e9, key);
        }))
    };
    let concurrency = on(|settings: &mut ConcurrencySettings| settings.mode = Mode::On);
    let inner = Idempotency::new(Live::new(IdempotencySettings::default()));
    let inner = inner.layer(method(), nothing());
    let inner = Concurrency::new(concurrency, Live::new(SheddingSettings::default()))
        .layer(method(), inner);
    let inner = limit(RateLimitKey::Principal).layer(method(), inner);
    BoxEndpoint::new(limit(RateLimitKey::Peer).layer(method(), inner))
}

impl fmt::Display for Loop {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.pad(self.name())
    }
}

impl FromStr for Loop {
    type Err = Failure;

    fn from_str(name: &str) -> Result<Self, Failure> {
        let known = Self::ALL.into_iter().find(|known| known.name() == name);
        known.ok_or_else(|| {
            let names = Self::ALL.map(Self::name).join(", ");
            Failure::new(format!("finding the loop `{name}`"), format!("there are {names}"))
        })
    }
}
