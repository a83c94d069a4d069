//! The servers that are compared. All of them answer `Uppercase` and do the same work: decode
//! `{"text"}`, upper-case it, encode `{"text"}`; an empty text is an error of the caller.
//!
//! Every one is written as its documentation tells an ordinary user to, and runs on tokio's
//! multi-thread runtime.

mod axum;
mod hyper;
mod kitfox;
mod tonic;

use std::fmt;
use std::str::FromStr;

use bench_common::{Failure, serve};

pub(crate) use self::kitfox::Onion;

/// A server to be measured, by the name that `bench -- serve` knows it by.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Server {
    Hyper,
    Axum,
    Tonic,
    Kitfox(Onion),
    /// axum and tonic with the crates around them that are usual; of `bench-peers`.
    GluedAxum,
    GluedTonic,
}

impl Server {
    /// All of them.
    pub(crate) const ALL: [Self; 11] = [
        Self::Hyper,
        Self::Axum,
        Self::Tonic,
        Self::GluedAxum,
        Self::GluedTonic,
        Self::Kitfox(Onion::Wires),
        Self::Kitfox(Onion::Metrics),
        Self::Kitfox(Onion::Lines),
        Self::Kitfox(Onion::Record),
        Self::Kitfox(Onion::Traced),
        Self::Kitfox(Onion::Protected),
    ];
    /// Those with nothing around them.
    pub(crate) const BARE: [Self; 4] =
        [Self::Hyper, Self::Axum, Self::Tonic, Self::Kitfox(Onion::Wires)];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Hyper => "hyper",
            Self::Axum => "axum",
            Self::Tonic => "tonic",
            Self::GluedAxum => "glued-axum",
            Self::GluedTonic => "glued-tonic",
            Self::Kitfox(onion) => onion.name(),
        }
    }

    /// Whether it is one of `bench-peers`.
    pub(crate) fn is_glued(self) -> bool {
        matches!(self, Self::GluedAxum | Self::GluedTonic)
    }

    /// Whether it sends spans to a collector.
    pub(crate) fn is_exported(self) -> bool {
        match self {
            Self::Kitfox(onion) => onion.is_exported(),
            _ => self.is_glued(),
        }
    }

    /// Serves on a free port of 127.0.0.1 until standard input ends.
    ///
    /// `workers` is the number of the runtime's threads; without it, tokio's default.
    pub(crate) fn serve(self, workers: Option<usize>) -> Result<(), Failure> {
        serve::until_end_of_input(workers, self.run())
    }

    async fn run(self) -> Result<(), Failure> {
        match self {
            Self::Hyper => hyper::run().await,
            Self::Axum => axum::run().await,
            Self::Tonic => tonic::run().await,
            Self::Kitfox(onion) => kitfox::run(onion).await,
            Self::GluedAxum | Self::GluedTonic => {
                Err(Failure::new(format!("serving {self}"), "it is one of `bench-peers`"))
            }
        }
    }
}

impl fmt::Display for Server {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.pad(self.name())
    }
}

impl FromStr for Server {
    type Err = Failure;

    fn from_str(name: &str) -> Result<Self, Failure> {
        let known = Self::ALL.into_iter().find(|server| server.name() == name);
        known.ok_or_else(|| {
            let names = Self::ALL.map(Self::name).join(", ");
            Failure::new(format!("finding the server `{name}`"), format!("there are {names}"))
        })
    }
}
