//! The price list: what a call costs on Kitfox's server, beside bare hyper, axum and tonic.
//! `docs/PRICE.md` holds its tables and says how they are made.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a program for the terminal")]

mod aims;
mod balance;
mod collector;
mod compile;
mod count;
mod failure;
mod load;
mod loops;
mod median;
mod overload;
mod price;
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
use crate::load::{Call, Shape, Wire};
use crate::loops::Loop;
use crate::servers::Server;

const USAGE: &str = "usage: bench COMMAND
  wires [--check]        instructions, allocations and system calls of a call (about 3 minutes)
  price [--check]        what the record of a call costs, beside bare and hand-glued servers
                         (about 7 minutes); with --check docs/price.tsv is compared, with --write
                         it is written
  throughput [--check]   requests per second and latencies (about 3 minutes)
  stalled [--check]      the same with a log that nobody reads and no collector (about 2 minutes)
  compile                seconds to compile a service of 1 and of 40 methods
  overload [--check]     an overloaded server, in paused time (about a minute)
  balance [--check]      replicas of which one is in trouble, in paused time (about a minute)
  serve SERVER [WORKERS] one of hyper, axum, tonic, kitfox and its kin, on a free port until its
                         input ends
  loop NAME TIMES        something small, so many times, for callgrind
  load WIRE ADDRESS CALLS [SHAPE]
                         calls over json, grpc, connect or lines; SHAPE is unary, a number of bytes,
                         server-stream, client-stream, client-singles or both-stream
  count SERVER WIRE SHAPE...
                         counts of this build alone, for work on one row
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
        ["wires", "--check-counts"] => wires::run_counts()?.check_counts(),
        ["price"] => price::run(),
        ["price", "--check"] => price::check(),
        ["price", "--write"] => price::write(),
        ["throughput"] => throughput::run().map(drop),
        ["throughput", "--check"] => throughput::run()?.check(),
        ["stalled"] => throughput::stalled::run().map(drop),
        ["stalled", "--check"] => throughput::stalled::run()?.check(),
        ["compile"] => compile::run(),
        ["overload"] => overload::run(false),
        ["overload", "--check"] => overload::run(true),
        ["balance"] => balance::run(false),
        ["balance", "--check"] => balance::run(true),
        ["serve", server] => server.parse::<Server>()?.serve(None),
        ["serve", server, workers] => {
            let workers = workers.parse().failed_while("reading the number of workers")?;
            server.parse::<Server>()?.serve(Some(workers))
        }
        ["loop", name, times] => {
            let times = times.parse().failed_while("reading how often")?;
            name.parse::<Loop>()?.run(times)
        }
        ["load", wire, address, calls] => load(wire, address, calls, Shape::Unary),
        ["load", wire, address, calls, shape] => load(wire, address, calls, shape.parse()?),
        ["count", server, wire, ref shapes @ ..] => {
            let (server, wire): (Server, Wire) = (server.parse()?, wire.parse()?);
            wires::count_here(server, wire, shapes)
        }
        _ => Err(Failure::new("reading the arguments", USAGE)),
    }
}

fn load(wire: &str, address: &str, calls: &str, shape: Shape) -> Result<(), Failure> {
    let wire: Wire = wire.parse()?;
    let address: SocketAddr = address.parse().failed_while("reading the address")?;
    let calls = calls.parse().failed_while("reading the number of calls")?;
    load::run(Call { wire, shape }, address, calls)
}
