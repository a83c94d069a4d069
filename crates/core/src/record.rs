//! The record of a call: what is known of it when it is over, and who is told.
//!
//! Every call leaves one record on either side, whatever becomes of it. The layer
//! [`layers::Recording`](crate::layers::Recording) sees to that; an [`Observer`], which a host
//! gives its [`Platform`](crate::Platform), makes metrics, spans and log lines of it.

use std::fmt;
use std::time::Duration;

use tokio::time::Instant;

use crate::contract::Method;
use crate::error::Origin;
use crate::meter::Measure;
use crate::{Code, Context, Error, Peer, TraceContext};

/// Who is told of every call of a host, and of the calls that its calls make.
pub trait Observer: Send + Sync + 'static {
    /// What records the calls of `method` on `side`. Asked once for each method, before its first
    /// call, so that handles are bound then.
    fn method(&self, side: Side, method: &'static Method) -> Box<dyn Recorder>;

    /// A request that reached no method: a path that is none, a body that is too large.
    fn edge(&self, edge: &Edge<'_>);

    /// Something that a layer counts, to be shown with the rest from now on.
    fn measure(&self, measure: Measure) {
        let _ = measure;
    }

    /// Itself, for whoever knows its type and looks for it in a platform.
    fn as_any(&self) -> &dyn std::any::Any;
}

/// Records the calls of one method on one side.
pub trait Recorder: Send + Sync + 'static {
    /// A call begins, or began at `started`. Its span begins in `context`
    /// ([`Context::begin_span`]). Nobody is told that an attempt begins.
    fn begin(&self, context: &Context, started: Instant) -> Ticket;

    /// The span of an attempt that begins, which is part of its call's; asked where that is recorded.
    fn attempt_span(&self, context: &Context) -> Option<TraceContext> {
        let _ = context;
        None
    }

    /// A call or an attempt is over. Comes exactly once for each. It may still be the current one of its
    /// thread, or not.
    fn end(&self, record: &Record<'_>);
}

/// What a [`Recorder`] knows a call by that it saw begin; its meaning is the recorder's.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Ticket(pub u64);

/// From where a call is seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Side {
    /// Where it is answered.
    Server,
    /// Where it is made, from first to last.
    Client,
    /// Where it is made: one try at it.
    Attempt,
}

/// A call that is over.
#[derive(Debug)]
pub struct Record<'a> {
    /// The call.
    pub context: &'a Context,
    /// What [`Recorder::begin`] gave; of an attempt, nothing.
    pub ticket: Ticket,
    /// When it came, or was made.
    pub started: Instant,
    /// How long it took until it was over (answered, or the stream that is its answer ended), in
    /// nanoseconds.
    pub nanos: u64,
    /// Whether its span is recorded.
    pub sampled: bool,
    /// What became of it.
    pub outcome: Outcome<'a>,
    /// The messages that came in.
    pub received: Volume,
    /// The messages that went out.
    pub sent: Volume,
}

/// What became of a call.
#[derive(Clone, Copy, Debug)]
pub enum Outcome<'a> {
    /// It was answered; with an HTTP status of the method's own choice, or that of its code.
    Answered(Option<u16>),
    /// It failed, before its answer or in the middle of it.
    Failed(&'a Error),
    /// Whoever waited for it went away.
    Dropped,
}

/// How a call ended, in one word.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Ending {
    /// With an answer.
    Answered,
    /// With an error of the business logic, of the peer or on the way.
    Failed,
    /// By the decision of a layer.
    Refused,
    /// At its deadline.
    Expired,
    /// With a panic.
    Panicked,
    /// Nobody waited for its answer any more.
    Dropped,
}

/// Messages and their bytes, encoded and without what a wire adds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Volume {
    /// How many.
    pub messages: u64,
    /// Their bytes together.
    pub bytes: u64,
}

/// A request that reached no method.
#[derive(Clone, Copy)]
pub struct Edge<'a> {
    /// The wire it came over, where that could be told.
    pub wire: Option<Wire>,
    /// Who sent it.
    pub peer: Option<&'a Peer>,
    /// Its HTTP method.
    pub verb: &'a str,
    /// The HTTP status of the answer; none where its sender went away before.
    pub status: Option<u16>,
    /// Why; none where its sender went away before.
    pub error: Option<&'a Error>,
    /// When it came, where a clock was read then.
    pub started: Option<Instant>,
}

/// What carries a call.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Wire {
    /// Nothing: caller and service are in one process, or nobody said.
    #[default]
    Local,
    /// A REST route.
    Rest,
    /// Connect.
    Connect,
    /// gRPC.
    Grpc,
    /// gRPC-Web.
    GrpcWeb,
}

/// Where in its stack a call is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(u8)]
pub enum Stage {
    /// On its way to its method, or its answer on the way back.
    #[default]
    Wire,
    /// In the layers around the method.
    Layers,
    /// In the method.
    Method,
    /// Its answer is a stream that is open.
    Stream,
    /// On its way to another process.
    Channel,
}

impl Record<'_> {
    /// The code it failed with; none where it was answered.
    #[must_use]
    pub fn code(&self) -> Option<Code> {
        match self.outcome {
            Outcome::Answered(_) => None,
            Outcome::Failed(error) => Some(error.code()),
            Outcome::Dropped => Some(Code::Canceled),
        }
    }

    /// Why it failed.
    #[must_use]
    pub fn error(&self) -> Option<&Error> {
        match self.outcome {
            Outcome::Failed(error) => Some(error),
            Outcome::Answered(_) | Outcome::Dropped => None,
        }
    }

    /// The layer that decided that it fails.
    #[must_use]
    pub fn layer(&self) -> Option<&'static str> {
        self.error().and_then(layer)
    }

    /// How it ended.
    #[must_use]
    pub fn ending(&self) -> Ending {
        match self.outcome {
            Outcome::Answered(_) => Ending::Answered,
            Outcome::Dropped => Ending::Dropped,
            Outcome::Failed(error) => match (layer(error), error.code()) {
                (Some(crate::layers::PANIC_BARRIER), _) => Ending::Panicked,
                (Some(_), Code::DeadlineExceeded) => Ending::Expired,
                (Some(_), _) => Ending::Refused,
                (None, _) => Ending::Failed,
            },
        }
    }

    /// How long it took.
    #[must_use]
    pub fn duration(&self) -> Duration {
        Duration::from_nanos(self.nanos)
    }

    /// When it was over, in nanoseconds since the beginning of 1970.
    #[must_use]
    pub fn ended_unix_nanos(&self) -> u64 {
        self.context.clock().unix_nanos(self.started).saturating_add(self.nanos)
    }
}

fn layer(error: &Error) -> Option<&'static str> {
    match error.origin() {
        Origin::Layer(name) => Some(name),
        _ => None,
    }
}

impl Ending {
    /// As logs and metrics have it: `answered`, `failed`, `refused`, `expired`, `panicked`,
    /// `dropped`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Ending::Answered => "answered",
            Ending::Failed => "failed",
            Ending::Refused => "refused",
            Ending::Expired => "expired",
            Ending::Panicked => "panicked",
            Ending::Dropped => "dropped",
        }
    }
}

impl Side {
    /// As logs have it: `server`, `client`, `attempt`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Side::Server => "server",
            Side::Client => "client",
            Side::Attempt => "attempt",
        }
    }
}

impl Wire {
    /// As logs have it: `local`, `rest`, `connect`, `grpc`, `grpc-web`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Wire::Local => "local",
            Wire::Rest => "rest",
            Wire::Connect => "connect",
            Wire::Grpc => "grpc",
            Wire::GrpcWeb => "grpc-web",
        }
    }
}

impl Stage {
    /// As the admin port shows it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Stage::Wire => "wire",
            Stage::Layers => "layers",
            Stage::Method => "method",
            Stage::Stream => "stream",
            Stage::Channel => "channel",
        }
    }

    pub(crate) const fn of(bits: u8) -> Self {
        match bits {
            1 => Stage::Layers,
            2 => Stage::Method,
            3 => Stage::Stream,
            4 => Stage::Channel,
            _ => Stage::Wire,
        }
    }
}

impl Volume {
    /// One message of so many bytes.
    #[must_use]
    pub fn one(bytes: usize) -> Self {
        Volume { messages: 1, bytes: bytes as u64 }
    }

    pub(crate) fn add(&mut self, messages: u64, bytes: u64) {
        self.messages += messages;
        self.bytes += bytes;
    }
}

impl fmt::Debug for Edge<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Edge")
            .field("wire", &self.wire)
            .field("verb", &self.verb)
            .field("status", &self.status)
            .field("error", &self.error)
            .finish_non_exhaustive()
    }
}
