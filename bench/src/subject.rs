//! What is measured: a server on a wire, and the peer that it is measured beside.

use std::path::Path;

use crate::failure::Failure;
use crate::load::{self, Wire};
use crate::process::Start;
use crate::servers::Server;

/// A server on one of its wires.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Subject {
    pub(crate) server: Server,
    pub(crate) wire: Wire,
}

impl Subject {
    /// All, in the order of the tables.
    pub(crate) const ALL: [Self; 5] = [
        Self { server: Server::Hyper, wire: Wire::Json },
        Self { server: Server::Axum, wire: Wire::Json },
        Self { server: Server::Kitfox, wire: Wire::Json },
        Self { server: Server::Tonic, wire: Wire::Grpc },
        Self { server: Server::Kitfox, wire: Wire::Grpc },
    ];

    pub(crate) fn name(self) -> &'static str {
        match (self.server, self.wire) {
            (Server::Hyper, _) => "bare hyper",
            (Server::Axum, _) => "bare axum",
            (Server::Tonic, _) => "bare tonic",
            (Server::Kitfox, Wire::Json) => "Kitfox, JSON",
            (Server::Kitfox, Wire::Grpc) => "Kitfox, gRPC",
        }
    }

    /// The server that the ratios of a wire refer to.
    pub(crate) fn peer(wire: Wire) -> Self {
        let server = match wire {
            Wire::Json => Server::Axum,
            Wire::Grpc => Server::Tonic,
        };
        Self { server, wire }
    }

    pub(crate) fn kitfox(wire: Wire) -> Self {
        Self { server: Server::Kitfox, wire }
    }

    /// How it is started natively on tokio's default runtime.
    pub(crate) fn start(self, program: &Path) -> Start<'_> {
        Start { program, server: self.server, under: Vec::new(), workers: None }
    }
}

/// Those that serve and answer rightly, an empty text too; the others are told with the reason.
pub(crate) fn working(program: &Path) -> Vec<Subject> {
    let works = |subject: &Subject| match try_out(*subject, program) {
        Ok(()) => true,
        Err(failure) => {
            eprintln!("{} is left out: {failure}", subject.name());
            false
        }
    };
    Subject::ALL.into_iter().filter(works).collect()
}

fn try_out(subject: Subject, program: &Path) -> Result<(), Failure> {
    let running = subject.start(program).run()?;
    load::run(subject.wire, running.address, 100)?;
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

    pub(crate) fn on(&self, wire: Wire) -> impl Iterator<Item = &(Subject, T)> {
        self.0.iter().filter(move |(subject, _)| subject.wire == wire)
    }

    /// A number of one subject beside the same of the wire's peer.
    pub(crate) fn ratio(&self, subject: Subject, number: impl Fn(&T) -> f64) -> Option<f64> {
        let own = number(self.of(subject)?);
        let peer = number(self.of(Subject::peer(subject.wire))?);
        Some(own / peer)
    }
}
