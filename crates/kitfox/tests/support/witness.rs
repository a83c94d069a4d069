//! Who is told of calls and keeps what it is told.

use std::any::Any;
use std::collections::HashSet;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use kitfox::record::{Edge, Ending, Observer, Record, Recorder, Side, Ticket, Volume, Wire};
use kitfox::{Code, Context, Method};
use tokio::time::Instant;

/// An observer whose clones share what they saw.
#[derive(Clone, Debug, Default)]
pub(crate) struct Witness(Arc<Mutex<State>>);

#[derive(Debug, Default)]
struct State {
    calls: Vec<Seen>,
    edges: Vec<SeenEdge>,
    next: u64,
    /// Those that have begun and are not over.
    open: HashSet<u64>,
}

/// A call that is over.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Seen {
    pub(crate) side: Side,
    pub(crate) method: &'static str,
    pub(crate) end: End,
    pub(crate) wire: Wire,
    pub(crate) peer: Option<SocketAddr>,
    pub(crate) principal: Option<String>,
    pub(crate) attempt: u32,
    pub(crate) started: Instant,
    pub(crate) duration: Duration,
    pub(crate) received: Volume,
    pub(crate) sent: Volume,
    pub(crate) fields: Vec<(&'static str, String)>,
}

/// How it ended, with which code, and the layer that decided so.
pub(crate) type End = (Ending, Option<Code>, Option<&'static str>);

/// A request that reached no method.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct SeenEdge {
    pub(crate) wire: Option<Wire>,
    pub(crate) verb: String,
    pub(crate) status: Option<u16>,
    pub(crate) code: Option<Code>,
    pub(crate) peer: Option<SocketAddr>,
}

impl Witness {
    /// What it saw of calls since it was asked last.
    pub(crate) fn take(&self) -> Vec<Seen> {
        std::mem::take(&mut self.state().calls)
    }

    /// What it saw at the edge since it was asked last.
    pub(crate) fn take_edges(&self) -> Vec<SeenEdge> {
        std::mem::take(&mut self.state().edges)
    }

    /// How many calls it saw begin that are not over.
    pub(crate) fn open(&self) -> usize {
        self.state().open.len()
    }

    /// How many calls that are over it holds.
    pub(crate) fn over(&self) -> usize {
        self.state().calls.len()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap()
    }
}

impl Observer for Witness {
    fn method(&self, side: Side, method: &'static Method) -> Box<dyn Recorder> {
        Box::new(Bound { witness: self.clone(), side, method })
    }

    fn edge(&self, edge: &Edge<'_>) {
        self.state().edges.push(SeenEdge {
            wire: edge.wire,
            verb: edge.verb.to_owned(),
            status: edge.status,
            code: edge.error.map(kitfox::Error::code),
            peer: edge.peer.map(kitfox::Peer::address),
        });
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}

struct Bound {
    witness: Witness,
    side: Side,
    method: &'static Method,
}

impl Recorder for Bound {
    fn begin(&self, _: &Context, _: Instant) -> Ticket {
        let state = &mut *self.witness.state();
        state.next += 1;
        state.open.insert(state.next);
        Ticket(state.next)
    }

    fn end(&self, record: &Record<'_>) {
        let context = record.context;
        let fields = context.take_fields();
        let seen = Seen {
            side: self.side,
            method: self.method.path,
            end: (record.ending(), record.code(), record.layer()),
            wire: context.wire(),
            peer: context.peer().map(kitfox::Peer::address),
            principal: context.principal().map(|principal| principal.name().to_owned()),
            attempt: context.attempt(),
            started: record.started,
            duration: record.duration(),
            received: record.received,
            sent: record.sent,
            fields: fields.into_iter().map(|it| (it.name, it.value.into_owned())).collect(),
        };
        let state = &mut *self.witness.state();
        let begun = self.side == Side::Attempt || state.open.remove(&record.ticket.0);
        assert!(begun, "it has ended before: {seen:?}");
        state.calls.push(seen);
    }
}
