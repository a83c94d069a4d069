//! What is measured: a server and a kind of call, and the peer that it is measured beside.

use crate::failure::Failure;
use crate::load::{self, Call, Shape, Wire};
use crate::process::Start;
use crate::profile::Programs;
use crate::servers::{Onion, Server};

/// A server and one kind of the calls that it answers.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Subject {
    pub(crate) server: Server,
    pub(crate) call: Call,
}

/// The sizes of texts that are counted.
pub(crate) const SIZES: [usize; 5] = [16, 256, 4 * 1024, 64 * 1024, 1024 * 1024];

/// The shapes of streams.
pub(crate) const STREAMS: [Shape; 4] =
    [Shape::ServerStream, Shape::ClientStream, Shape::ClientSingles, Shape::BothStream];

impl Subject {
    /// The calls of the price list, in the order of its tables.
    pub(crate) const UNARY: [Self; 5] = [
        Self::unary(Server::Hyper, Wire::Json),
        Self::unary(Server::Axum, Wire::Json),
        Self::unary(Server::Kitfox(Onion::Wires), Wire::Json),
        Self::unary(Server::Tonic, Wire::Grpc),
        Self::unary(Server::Kitfox(Onion::Wires), Wire::Grpc),
    ];

    /// The same with the whole onion, and with the usual crates around the peers.
    pub(crate) const ONIONS: [Self; 9] = [
        Self::unary(Server::Hyper, Wire::Json),
        Self::unary(Server::Axum, Wire::Json),
        Self::unary(Server::GluedAxum, Wire::Json),
        Self::unary(Server::Kitfox(Onion::Wires), Wire::Json),
        Self::unary(Server::Kitfox(Onion::Record), Wire::Json),
        Self::unary(Server::Tonic, Wire::Grpc),
        Self::unary(Server::GluedTonic, Wire::Grpc),
        Self::unary(Server::Kitfox(Onion::Wires), Wire::Grpc),
        Self::unary(Server::Kitfox(Onion::Record), Wire::Grpc),
    ];

    pub(crate) const fn unary(server: Server, wire: Wire) -> Self {
        Self { server, call: Call::unary(wire) }
    }

    /// The calls of the price list that one server answers.
    pub(crate) fn unary_of(server: Server) -> Vec<Self> {
        Self::UNARY.into_iter().filter(|subject| subject.server == server).collect()
    }

    /// Everything that is counted of one server.
    pub(crate) fn counted(server: Server) -> Vec<Self> {
        let unary = Self::unary_of(server);
        let of = |wire, shape| Self { server, call: Call { wire, shape } };
        let wires: &[Wire] = match server {
            Server::Axum => &[Wire::Json],
            Server::Tonic => &[Wire::Grpc],
            Server::Kitfox(Onion::Wires) => &[Wire::Json, Wire::Grpc],
            _ => &[],
        };
        let sized = wires.iter().flat_map(|wire| SIZES.map(|size| of(*wire, Shape::Sized(size))));
        let streams = wires.iter().filter(|wire| **wire == Wire::Grpc);
        let streams = streams.flat_map(|wire| STREAMS.map(|shape| of(*wire, shape)));
        unary.into_iter().chain(sized).chain(streams).collect()
    }

    pub(crate) fn name(self) -> &'static str {
        match (self.server, self.call.wire) {
            (Server::Hyper, _) => "bare hyper",
            (Server::Axum, _) => "bare axum",
            (Server::Tonic, _) => "bare tonic",
            (Server::GluedAxum, _) => "hand-glued axum",
            (Server::GluedTonic, _) => "hand-glued tonic",
            (Server::Kitfox(onion), wire) => onion.title(wire),
        }
    }

    /// The server that the ratios of this one refer to.
    pub(crate) fn peer(self) -> Self {
        let (server, wire) = match self.call.wire {
            Wire::Json => (Server::Axum, Wire::Json),
            // Nobody else streams here.
            Wire::Grpc | Wire::Connect | Wire::Lines => (Server::Tonic, Wire::Grpc),
        };
        Self { server, call: Call { wire, ..self.call } }
    }

    pub(crate) const fn kitfox(wire: Wire, shape: Shape) -> Self {
        Self { server: Server::Kitfox(Onion::Wires), call: Call { wire, shape } }
    }

    /// How it is started natively on tokio's default runtime.
    pub(crate) fn start(self, programs: &Programs) -> Start<'_> {
        let program = programs.of(self.server);
        Start {
            program,
            server: self.server,
            under: Vec::new(),
            workers: None,
            collector: None,
            admin: None,
        }
    }
}

/// Those that answer rightly, an empty text too; the others are told with the reason.
pub(crate) fn working(programs: &Programs, mut subjects: Vec<Subject>) -> Vec<Subject> {
    subjects.retain(|subject| match try_out(*subject, programs) {
        Ok(()) => true,
        Err(failure) => {
            let Subject { call, .. } = subject;
            eprintln!("{} is left out, {}: {failure}", subject.name(), call.shape);
            false
        }
    });
    subjects
}

fn try_out(subject: Subject, programs: &Programs) -> Result<(), Failure> {
    let running = subject.start(programs).run()?;
    load::run(subject.call, running.address, 10)?;
    running.end()
}

/// What was measured of each subject, in order.
#[derive(Debug)]
pub(crate) struct Measured<T>(Vec<(Subject, T)>);

impl<T> Measured<T> {
    pub(crate) fn new() -> Self {
        Self(Vec::new())
    }

    pub(crate) fn add(&mut self, subject: Subject, value: T) {
        self.0.push((subject, value));
    }

    pub(crate) fn of(&self, subject: Subject) -> Option<&T> {
        self.0.iter().find(|(known, _)| *known == subject).map(|(_, value)| value)
    }

    /// All of one kind of call.
    pub(crate) fn on(&self, call: Call) -> impl Iterator<Item = &(Subject, T)> {
        self.0.iter().filter(move |(subject, _)| subject.call == call)
    }

    /// A number of one subject beside the same of its peer.
    pub(crate) fn ratio(&self, subject: Subject, number: impl Fn(&T) -> f64) -> Option<f64> {
        let own = number(self.of(subject)?);
        let peer = number(self.of(subject.peer())?);
        Some(own / peer)
    }
}
