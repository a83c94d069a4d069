//! `bench -- price`: what the record of a call and each of its parts cost, the whole onion beside the
//! peers, and beside those with the usual crates around them.
//!
//! Everything is built as it is shipped and counted in the same run. `docs/price.tsv` has the numbers
//! of the last run that somebody looked at: a check fails where one has grown without the table.

mod committed;
mod parts;
mod row;

use crate::aims::{self, Aims};
use crate::collector::Collector;
use crate::count::callgrind::{Counter, Work};
use crate::count::dhat;
use crate::failure::Failure;
use crate::load::Wire;
use crate::profile::{self, Programs};
use crate::servers::{Onion, Server};
use crate::subject::{Subject, working};
use crate::table::{Table, thousands};
use crate::tools::{self, VALGRIND, VGDB};

use row::{Price, Row, Rows};

/// The servers of the table on each wire, bare ones first.
const SERVERS: [(Wire, &[Server]); 2] = [
    (Wire::Json, &[Server::Hyper, Server::Axum, Server::GluedAxum]),
    (Wire::Grpc, &[Server::Tonic, Server::GluedTonic]),
];

/// Spans are sent every few seconds at least, and so many runs take longer.
const WARM_UPS: usize = 10;

/// Counts, prints, and writes the table.
pub(crate) fn write() -> Result<(), Failure> {
    committed::write(&count()?)
}

/// Counts and prints.
pub(crate) fn run() -> Result<(), Failure> {
    print!("\n{}", judge(&count()?));
    Ok(())
}

/// The same, compares with the table, and fails where an aim is missed.
pub(crate) fn check() -> Result<(), Failure> {
    let rows = count()?;
    let aims = judge(&rows);
    print!("\n{aims}");
    committed::compare(&rows)?;
    aims.check()
}

fn count() -> Result<Rows, Failure> {
    tools::need(&[VALGRIND, VGDB])?;
    let programs = profile::build_all()?;
    let collector = Collector::start()?;
    let mut rows = Rows::default();
    for (wire, peers) in SERVERS {
        let onions = Onion::ALL.map(Server::Kitfox);
        for server in peers.iter().copied().chain(onions) {
            let subject = Subject::unary(server, wire);
            rows.add(Row::Call(subject), call(subject, &programs, &collector)?);
        }
    }
    parts::count(programs.bench(), &mut rows)?;
    let name = profile::SHIPPED.name;
    for (wire, title) in [(Wire::Json, "JSON"), (Wire::Grpc, "gRPC")] {
        println!("\nA call, {title}, profile `{name}`\n\n{}", calls(&rows, wire));
    }
    println!("What each part adds to a call, profile `{name}`\n\n{}", parts::table(&rows));
    Ok(rows)
}

fn call(subject: Subject, programs: &Programs, collector: &Collector) -> Result<Price, Failure> {
    let Subject { server, call } = subject;
    if working(programs, vec![subject]).is_empty() {
        return Err(Failure::new(format!("counting {server}"), "it answers wrongly"));
    }
    eprintln!("counting {server}, {}", call.wire);
    let mut start = subject.start(programs);
    start.collector = server.is_exported().then_some(collector.address);
    let mut counter = Counter::start(&start)?;
    warm_up(&counter, subject, collector)?;
    let Work { instructions, allocations } = counter.count(call)?;
    counter.end()?;
    let bytes = dhat::count(&start, call)?;
    Ok(Price { instructions, allocations, bytes })
}

/// Makes calls until the first spans have come, where there are any: opening the connection is not
/// part of a call, and what `tracing` asks in one can change with the first export.
fn warm_up(counter: &Counter, subject: Subject, collector: &Collector) -> Result<(), Failure> {
    let Subject { server, call } = subject;
    let before = collector.received();
    for _ in 0..WARM_UPS {
        counter.warm_up(call)?;
        if !server.is_exported() || collector.received() > before {
            return Ok(());
        }
    }
    Err(Failure::new(format!("counting {server}"), "it sent no span"))
}

/// A row for each server.
fn calls(rows: &Rows, wire: Wire) -> Table {
    let mut table =
        Table::new(&["server", "instructions", "of bare", "of glued", "allocations", "bytes"]);
    let (bare, glued) = peers(wire);
    for (row, price) in rows.all() {
        let Row::Call(subject) = row else { continue };
        if subject.call.wire != wire {
            continue;
        }
        let ratio = |peer| ratio(rows, subject.server, wire, peer);
        let shown =
            |ratio: Option<f64>| ratio.map_or("-".to_owned(), |ratio| format!("{ratio:.2}"));
        table.row([
            subject.name().to_owned(),
            thousands(price.instructions),
            shown(ratio(bare)),
            shown(ratio(glued)),
            format!("{:.1}", price.allocations),
            thousands(price.bytes),
        ]);
    }
    table
}

/// The bare server, and that with the usual crates around it.
fn peers(wire: Wire) -> (Server, Server) {
    match wire {
        Wire::Json => (Server::Axum, Server::GluedAxum),
        _ => (Server::Tonic, Server::GluedTonic),
    }
}

fn ratio(rows: &Rows, server: Server, wire: Wire, peer: Server) -> Option<f64> {
    let of = |server| rows.of(Row::Call(Subject::unary(server, wire)));
    Some(of(server)?.instructions / of(peer)?.instructions)
}

fn judge(rows: &Rows) -> Aims {
    let mut aims = Aims::default();
    let [record, traced, protected] =
        [Onion::Record, Onion::Traced, Onion::Protected].map(Server::Kitfox);
    let (json, grpc, glued) = (Wire::Json, Wire::Grpc, Server::GluedAxum);
    for (name, bound, server, wire, peer) in [
        ("recorded JSON of bare axum", aims::RECORD_JSON, record, json, Server::Axum),
        ("recorded JSON of glued", aims::RECORD_JSON_GLUED, record, json, glued),
        ("recorded gRPC of bare tonic", aims::RECORD_GRPC, record, grpc, Server::Tonic),
        ("traced JSON of bare axum", aims::TRACED_JSON, traced, json, Server::Axum),
        ("protected JSON of bare axum", aims::PROTECTED_JSON, protected, json, Server::Axum),
        ("protected JSON of glued", aims::RECORD_JSON_GLUED, protected, json, glued),
        ("protected gRPC of bare tonic", aims::RECORD_GRPC, protected, grpc, Server::Tonic),
    ] {
        aims.add(format!("instructions, {name}"), bound, ratio(rows, server, wire, peer));
    }
    parts::judge(&mut aims, rows);
    aims
}
