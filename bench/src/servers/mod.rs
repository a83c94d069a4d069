//! The servers that are compared. All of them answer `Uppercase` and do the same work: decode
//! `{"text"}`, upper-case it, encode `{"text"}`; an empty text is an error of the caller.
//!
//! Every one is written as its documentation tells an ordinary user to, and runs on tokio's
//! multi-thread runtime.

mod axum;
mod hyper;
mod kitfox;
pub(crate) mod messages;
mod tonic;

use std::fmt;
use std::net::SocketAddr;
use std::str::FromStr;

use tokio::io::AsyncReadExt;
use tokio::net::TcpListener;

use crate::failure::{Failure, While};

/// A server to be measured, by the name that `bench -- serve` knows it by.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Server {
    Hyper,
    Axum,
    Tonic,
    Kitfox,
}

impl Server {
    pub(crate) const ALL: [Self; 4] = [Self::Hyper, Self::Axum, Self::Tonic, Self::Kitfox];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Hyper => "hyper",
            Self::Axum => "axum",
            Self::Tonic => "tonic",
            Self::Kitfox => "kitfox",
        }
    }

    /// Serves on a free port of 127.0.0.1 until standard input ends, so that whoever started the
    /// process can end it in an orderly way (callgrind writes its counts at a regular exit).
    ///
    /// `workers` is the number of the runtime's threads; without it, tokio's default.
    pub(crate) fn serve(self, workers: Option<usize>) -> Result<(), Failure> {
        let mut builder = tokio::runtime::Builder::new_multi_thread();
        builder.enable_all();
        if let Some(workers) = workers {
            builder.worker_threads(workers);
        }
        let runtime = builder.build().failed_while("starting the runtime")?;
        let ended = runtime.block_on(async {
            tokio::select! {
                result = self.run() => result,
                () = end_of_input() => Ok(()),
            }
        });
        // A server that failed leaves a thread behind that still waits for input.
        runtime.shutdown_background();
        ended
    }

    async fn run(self) -> Result<(), Failure> {
        match self {
            Self::Hyper => hyper::run().await,
            Self::Axum => axum::run().await,
            Self::Tonic => tonic::run().await,
            Self::Kitfox => kitfox::run().await,
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

/// Binds a free port and prints it as the first line, where [`crate::process`] reads it.
#[expect(clippy::disallowed_methods, reason = "peers bind as their users do")]
async fn listen() -> Result<TcpListener, Failure> {
    let any = SocketAddr::from(([127, 0, 0, 1], 0));
    let listener = TcpListener::bind(any).await.failed_while("binding a port of 127.0.0.1")?;
    let bound = listener.local_addr().failed_while("reading the bound address")?;
    println!("http://{bound}");
    Ok(listener)
}

async fn end_of_input() {
    let mut input = tokio::io::stdin();
    let mut buffer = [0; 64];
    while matches!(input.read(&mut buffer).await, Ok(read) if read > 0) {}
}
