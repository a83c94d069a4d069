//! `bench -- stalled`: what a log that nobody reads and a collector that is not there do to calls.
//!
//! Pairs of runs, one undisturbed and one disturbed, by turns; the ratio of their medians. The memory
//! of the disturbed server and what it lost are printed: the buffers are bounded, and the loss is on
//! `/metrics`.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};

use super::{Load, load};
use crate::aims::{Aims, Bound};
use crate::collector::Collector;
use crate::failure::{Failure, While};
use crate::load::Wire;
use crate::median::median;
use crate::process::Running;
use crate::profile::{self, Programs};
use crate::servers::{Onion, Server};
use crate::subject::Subject;
use crate::table::{Table, thousands};
use crate::tools::{self, WRK};

const PAIRS: usize = 7;
const SECONDS: u32 = 4;
const WARM_UP_SECONDS: u32 = 1;

/// How far the disturbed may be from the undisturbed.
const LEAST: Bound = Bound::AtLeast(0.95);
const MOST: Bound = Bound::Below(1.05);

/// The names in `/metrics` of what was lost.
const LOST: [&str; 2] = ["kitfox_logs_dropped", "kitfox_export_dropped"];

/// A run with all that is known of its server at its end.
struct Run {
    load: Load,
    memory_bytes: f64,
    lost: Vec<(String, f64)>,
}

/// Builds, measures, prints; answers the aims.
pub(crate) fn run() -> Result<Aims, Failure> {
    tools::need(&[WRK])?;
    let programs = profile::build_shipped()?;
    let collector = Collector::start()?;
    let (mut well, mut badly) = (Vec::new(), Vec::new());
    for pair in 1..=PAIRS {
        eprintln!("pair {pair} of {PAIRS}");
        well.push(once(&programs, Some(collector.address))?);
        badly.push(once(&programs, None)?);
    }
    print(&well, &badly);
    let mut aims = Aims::default();
    let mut judge = |name: &str, number: fn(&Load) -> f64| {
        let of = |runs: &[Run]| median(runs.iter().map(|run| number(&run.load)).collect());
        let ratio = of(&badly) / of(&well);
        aims.add(format!("{name}, disturbed of undisturbed"), LEAST, Some(ratio));
        aims.add(format!("{name}, disturbed of undisturbed"), MOST, Some(ratio));
    };
    judge("throughput", |load| load.per_second);
    judge("p99", |load| load.p99_microseconds);
    let lost = badly.iter().flat_map(|run| &run.lost).map(|(_, number)| number).sum::<f64>();
    aims.add(
        "lines and spans lost, as /metrics has it".to_owned(),
        Bound::AtLeast(1.0),
        Some(lost),
    );
    print!("\n{aims}");
    Ok(aims)
}

/// One run: with a collector and a reader of the log, or with neither.
fn once(programs: &Programs, collector: Option<SocketAddr>) -> Result<Run, Failure> {
    let subject = Subject::unary(Server::Kitfox(Onion::Record), Wire::Json);
    let admin = free_address()?;
    let mut start = subject.start(programs);
    start.admin = Some(admin);
    // Nobody listens where nobody was bound before.
    start.collector = Some(match collector {
        Some(collector) => collector,
        None => free_address()?,
    });
    let mut running = start.run()?;
    if collector.is_some() {
        running.read_on();
    }
    load(Wire::Json, &running, WARM_UP_SECONDS)?;
    let load = load(Wire::Json, &running, SECONDS)?;
    let run = Run { load, memory_bytes: memory(&running)?, lost: lost(admin)? };
    // A log that nobody reads would keep its end waiting.
    running.read_on();
    running.end()?;
    Ok(run)
}

fn print(well: &[Run], badly: &[Run]) {
    let mut table =
        Table::new(&["pair", "requests/s", "disturbed", "p99 us", "disturbed", "MiB", "disturbed"]);
    for (pair, (well, badly)) in well.iter().zip(badly).enumerate() {
        let mebibytes = |run: &Run| format!("{:.1}", run.memory_bytes / 1024.0 / 1024.0);
        table.row([
            (pair + 1).to_string(),
            thousands(well.load.per_second),
            thousands(badly.load.per_second),
            thousands(well.load.p99_microseconds),
            thousands(badly.load.p99_microseconds),
            mebibytes(well),
            mebibytes(badly),
        ]);
    }
    println!("\nA log that nobody reads and no collector, JSON, by wrk\n\n{table}");
    for (name, number) in badly.iter().flat_map(|run| &run.lost) {
        println!("{name} {number}");
    }
}

fn free_address() -> Result<SocketAddr, Failure> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).failed_while("finding a port")?;
    listener.local_addr().failed_while("finding a port")
}

/// The memory that the server's process holds.
fn memory(running: &Running) -> Result<f64, Failure> {
    let file = format!("/proc/{}/status", running.id());
    let text = std::fs::read_to_string(&file).failed_while(format!("reading {file}"))?;
    resident(&text).ok_or_else(|| Failure::new(format!("reading {file}"), "no VmRSS"))
}

fn resident(status: &str) -> Option<f64> {
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kibibytes: f64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kibibytes * 1024.0)
}

/// What was lost, as the admin port's `/metrics` has it.
fn lost(admin: SocketAddr) -> Result<Vec<(String, f64)>, Failure> {
    const DOING: &str = "reading /metrics";
    let mut stream = TcpStream::connect(admin).failed_while(DOING)?;
    let request = "GET /metrics HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n";
    stream.write_all(request.as_bytes()).failed_while(DOING)?;
    let mut text = String::new();
    stream.read_to_string(&mut text).failed_while(DOING)?;
    Ok(losses(&text))
}

fn losses(metrics: &str) -> Vec<(String, f64)> {
    let lines = metrics.lines().filter(|line| LOST.iter().any(|name| line.starts_with(name)));
    let pair = |line: &str| {
        let (name, number) = line.rsplit_once(' ')?;
        Some((name.to_owned(), number.parse().ok()?))
    };
    lines.filter_map(pair).filter(|(_, number)| *number > 0.0).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_lost_is_read_of_the_metrics() {
        let text = "# HELP kitfox_logs_dropped_total x\nkitfox_logs_dropped_total 7\n\
                    kitfox_export_dropped_total{signal=\"traces\"} 0\nother 9\n";
        assert_eq!(losses(text), [("kitfox_logs_dropped_total".to_owned(), 7.0)]);
    }

    #[test]
    fn the_memory_of_a_process_is_read() {
        assert_eq!(resident("Name:\tbench\nVmRSS:\t    2048 kB\n"), Some(2048.0 * 1024.0));
        assert_eq!(resident("Name:\tbench\n"), None);
    }
}
