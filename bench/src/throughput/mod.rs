//! `bench -- throughput`: requests per second and latencies, natively on tokio's default runtime.
//!
//! The rounds are interleaved (each server once, then each again), so that a machine that warms up
//! or is disturbed treats all alike, and every round starts its server anew. What is shown is the
//! median of the rounds. The load shares the machine's cores with the server, so the server's own
//! processor time for a call is shown beside the speed.

mod h2load;
mod processor;
pub(crate) mod stalled;
mod wrk;

use crate::aims::{self, Aims};
use crate::failure::Failure;
use crate::load::{Call, Shape, Wire};
use crate::median::median;
use crate::process::Running;
use crate::profile::{self, Programs};
use crate::subject::{Measured, Subject, working};
use crate::table::{Table, thousands};
use crate::tools::{self, H2LOAD, WRK};

const ROUNDS: usize = 5;
const SECONDS: u32 = 4;
const WARM_UP_SECONDS: u32 = 1;

/// What one round of a load generator says.
#[derive(Clone, Copy, Debug)]
struct Load {
    requests: f64,
    per_second: f64,
    p50_microseconds: f64,
    p99_microseconds: f64,
}

/// The medians of a subject's rounds.
#[derive(Debug)]
pub(crate) struct Speed {
    per_second: f64,
    p50_microseconds: f64,
    p99_microseconds: f64,
    processor_microseconds: f64,
}

/// Builds the shipped profile, measures everybody, prints; answers the aims.
pub(crate) fn run() -> Result<Aims, Failure> {
    tools::need(&[WRK, H2LOAD])?;
    let programs = profile::build_all()?;
    let speeds = measure(&programs, &working(&programs, Subject::ONIONS.to_vec()))?;
    for (wire, title) in [(Wire::Json, "JSON, by wrk"), (Wire::Grpc, "gRPC, by h2load")] {
        println!("\n{title}, profile `{}`\n", profile::SHIPPED.name);
        print!("{}", table(&speeds, wire));
    }
    let mut aims = Aims::default();
    judge(&mut aims, &speeds);
    print!("\n{aims}");
    Ok(aims)
}

/// Measures gRPC alone, for the aim on its speed.
pub(crate) fn glance() -> Result<Measured<Speed>, Failure> {
    let programs = profile::build_shipped()?;
    let mut subjects = Subject::UNARY.to_vec();
    subjects.retain(|subject| subject.call.wire == Wire::Grpc);
    measure(&programs, &working(&programs, subjects))
}

pub(crate) fn table(speeds: &Measured<Speed>, wire: Wire) -> Table {
    let mut table = Table::new(&[
        "server",
        "requests/s",
        "of peer",
        "p50 us",
        "of peer",
        "p99 us",
        "of peer",
        "server CPU us/request",
        "of peer",
    ]);
    for (subject, speed) in speeds.on(Call::unary(wire)) {
        let ratio = |number: fn(&Speed) -> f64| {
            speeds.ratio(*subject, number).map_or("-".to_owned(), |ratio| format!("{ratio:.2}"))
        };
        table.row([
            subject.name().to_owned(),
            thousands(speed.per_second),
            ratio(|speed| speed.per_second),
            thousands(speed.p50_microseconds),
            ratio(|speed| speed.p50_microseconds),
            thousands(speed.p99_microseconds),
            ratio(|speed| speed.p99_microseconds),
            format!("{:.1}", speed.processor_microseconds),
            ratio(|speed| speed.processor_microseconds),
        ]);
    }
    table
}

pub(crate) fn judge(aims: &mut Aims, speeds: &Measured<Speed>) {
    let ratio = speeds.ratio(Subject::kitfox(Wire::Grpc, Shape::Unary), |speed| speed.per_second);
    aims.add("gRPC requests per second of tonic's".to_owned(), aims::GRPC_THROUGHPUT, ratio);
}

fn measure(programs: &Programs, subjects: &[Subject]) -> Result<Measured<Speed>, Failure> {
    let mut rounds: Vec<Vec<(Load, f64)>> = vec![Vec::new(); subjects.len()];
    for round in 1..=ROUNDS {
        for (subject, rounds) in subjects.iter().zip(&mut rounds) {
            eprintln!("round {round} of {ROUNDS}, {}", subject.name());
            let mut running = subject.start(programs).run()?;
            running.read_on();
            load(subject.call.wire, &running, WARM_UP_SECONDS)?;
            let before = processor::seconds(running.id())?;
            let load = load(subject.call.wire, &running, SECONDS)?;
            let used = processor::seconds(running.id())? - before;
            running.end()?;
            rounds.push((load, used * 1e6 / load.requests));
        }
    }
    let mut speeds = Measured::new();
    for (subject, rounds) in subjects.iter().zip(&rounds) {
        let median = |number: fn(&(Load, f64)) -> f64| median(rounds.iter().map(number).collect());
        let speed = Speed {
            per_second: median(|(load, _)| load.per_second),
            p50_microseconds: median(|(load, _)| load.p50_microseconds),
            p99_microseconds: median(|(load, _)| load.p99_microseconds),
            processor_microseconds: median(|(_, processor)| *processor),
        };
        speeds.add(*subject, speed);
    }
    Ok(speeds)
}

fn load(wire: Wire, running: &Running, seconds: u32) -> Result<Load, Failure> {
    match wire {
        Wire::Json => wrk::run(running.address, seconds),
        _ => h2load::run(running.address, seconds),
    }
}
