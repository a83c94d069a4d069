//! The price list: what a call costs on Kitfox's server, beside bare hyper, axum and tonic.
//! `docs/PRICE.md` holds its tables and says how they are made.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a program for the terminal")]

mod aims;
mod compile;
mod count;
mod failure;
mod load;
mod median;
mod process;
mod profile;
mod scratch;
mod servers;
mod subject;
mod table;
mod throughput;
mod tools;
mod wires;

use std::net::SocketAddr;
use std::process::ExitCode;

use crate::failure::{Failure, While};
use crate::load::Wire;
use crate::servers::Server;

const USAGE: &str = "usage: bench COMMAND
  wires [--check]        instructions, allocations and system calls of a call (about 3 minutes)
  throughput [--check]   requests per second and latencies (about 3 minutes)
  compile                seconds to compile a service of 1 and of 40 methods
  serve SERVER [WORKERS] one of hyper, axum, tonic, kitfox, on a free port until its input ends
  load WIRE ADDRESS CALLS
                         calls over json or grpc, 64 in flight
with --check a missed aim is a failure, with --check-counts one that is counted and not timed";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match run(&words) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("bench: {failure}");
            ExitCode::FAILURE
        }
    }
}

fn run(words: &[&str]) -> Result<(), Failure> {
    match *words {
        ["wires"] => wires::run().map(drop),
        ["wires", "--check"] => wires::run()?.check(),
        ["wires", "--check-counts"] => wires::run()?.check_counts(),
        ["throughput"] => throughput::run().map(drop),
        ["throughput", "--check"] => throughput::run()?.check(),
        ["compile"] => compile::run(),
        ["serve", server] => server.parse::<Server>()?.serve(None),
        ["serve", server, workers] => {
            let workers = workers.parse().failed_while("reading the number of workers")?;
            server.parse::<Server>()?.serve(Some(workers))
        }
        ["load", wire, address, calls] => {
            let wire: Wire = wire.parse()?;
            let address: SocketAddr = address.parse().failed_while("reading the address")?;
            let calls = calls.parse().failed_while("reading the number of calls")?;
            load::run(wire, address, calls)
        }
        _ => Err(Failure::new("reading the arguments", USAGE)),
    }
}
