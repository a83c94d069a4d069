//! The configuration of a host: variables of the environment, a line each (`NAME=value`), an empty
//! line, and the text of a file.

use std::io;
use std::net::SocketAddr;

use futures_util::future::BoxFuture;
use kitfox::platform::{Connection, Listener, Net, Random};
use kitfox::{Host, HostError, Platform};

use super::text::head_and_rest;
use crate::{outcome, runtime};

pub(super) const WORDS: &[&str] = &[
    "\n",
    "\n\n",
    "=",
    "KITFOX_LISTEN=",
    "KITFOX_ADMIN=",
    "KITFOX_LIMITS_BODY_BYTES=",
    "KITFOX_LIMITS_CALL_TIMEOUT=",
    "KITFOX_DRAIN_GRACE=",
    "KITFOX_ANNOUNCE=",
    "listen = ",
    "admin = ",
    "[limits]\n",
    "[drain]\n",
    "body_bytes = ",
    "call_timeout = ",
    "streams = ",
    "connections = ",
    "propagation = ",
    "\"5s\"",
    "\"4 MiB\"",
    "250ms",
    "1h30m",
    "0",
    "-1",
    "18446744073709551615",
    "true",
    "127.0.0.1:0",
    "[::]:80",
    "\"",
    "'''",
    "{",
    "}",
    "[[",
    "#",
];

pub(super) fn run(input: &[u8]) -> u64 {
    let (lines, file) = head_and_rest(input);
    let pairs = lines.iter().filter_map(|line| line.split_once('='));
    let mut host = Host::new("fuzzed")
        .announce(false)
        .environment(pairs.filter(|(name, _)| *name != "KITFOX_CONFIG").collect())
        .platform(Platform::new(Nothing, Random::seeded(1)));
    let path = std::env::temp_dir().join(format!("kitfox-fuzz-{}.toml", std::process::id()));
    if !file.is_empty() {
        std::fs::write(&path, file).expect("a temporary file can be written");
        host = host.config_file(&path);
    }
    let outcome = match runtime::run(host.start()) {
        Ok(_) => unreachable!("nothing can be listened on"),
        // It was taken: the host went on to its ports.
        Err(HostError::Bind { .. }) => 1,
        Err(error) => {
            let said = error.to_string();
            assert!(!said.is_empty());
            outcome::of(&said)
        }
    };
    if !file.is_empty() {
        let _ = std::fs::remove_file(&path);
    }
    outcome
}

/// A network where nothing can be listened on.
struct Nothing;

impl Net for Nothing {
    fn listen(&self, _: SocketAddr) -> BoxFuture<'_, io::Result<Box<dyn Listener>>> {
        Box::pin(async { Err(io::ErrorKind::AddrInUse.into()) })
    }

    fn connect<'a>(&'a self, _: &'a str) -> BoxFuture<'a, io::Result<Connection>> {
        Box::pin(async { Err(io::ErrorKind::ConnectionRefused.into()) })
    }
}
