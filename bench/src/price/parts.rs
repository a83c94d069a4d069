//! What each part of the onion adds to a call: by the difference of two servers, or of two loops.

use std::path::Path;

use super::row::{Price, Row, Rows};
use crate::aims::{self, Aims};
use crate::count::{callgrind, dhat};
use crate::failure::Failure;
use crate::load::Wire;
use crate::loops::Loop;
use crate::servers::{Onion, Server};
use crate::subject::Subject;
use crate::table::{Table, thousands};

/// How often a loop is gone through, in a short and in a long run.
const TIMES: [usize; 2] = [4_096, 12_288];

/// What an onion has more than another.
const LAYERS: [(&str, Onion, Onion); 4] = [
    ("record: metrics, identifiers, place among calls in flight", Onion::Metrics, Onion::Wires),
    ("its line, written", Onion::Lines, Onion::Metrics),
    ("its span in one of a hundred, exported", Onion::Record, Onion::Lines),
    ("its span each time, exported", Onion::Traced, Onion::Lines),
];

/// Counts all loops.
pub(super) fn count(program: &Path, rows: &mut Rows) -> Result<(), Failure> {
    let mut counted = Vec::new();
    for looped in Loop::ALL {
        eprintln!("counting {looped}");
        let [short, long] = TIMES;
        let ([instructions, allocations], [more, more_allocations]) = (
            callgrind::count_loop(program, looped, short)?,
            callgrind::count_loop(program, looped, long)?,
        );
        let (bytes, more_bytes) =
            (dhat::count_loop(program, looped, short)?, dhat::count_loop(program, looped, long)?);
        // Exact: counts of a run of seconds stay far below 2^53.
        let each =
            |short: u64, long: u64| (long as f64 - short as f64) / (TIMES[1] - TIMES[0]) as f64;
        let price = Price {
            instructions: each(instructions, more),
            allocations: each(allocations, more_allocations),
            bytes: each(bytes, more_bytes),
        };
        counted.push((looped, price));
    }
    for (looped, price) in &counted {
        let Some(base) = looped.base() else { continue };
        if let Some((_, base)) = counted.iter().find(|(known, _)| *known == base) {
            rows.add(Row::Part(*looped), price.over(*base));
        }
    }
    Ok(())
}

pub(super) fn table(rows: &Rows) -> Table {
    let mut table = Table::new(&["part", "instructions", "allocations", "bytes"]);
    let mut add = |name: String, price: Price| {
        let Price { instructions, allocations, bytes } = price;
        let allocations = format!("{allocations:.2}");
        table.row([name, thousands(instructions), allocations, thousands(bytes)]);
    };
    for (wire, title) in [(Wire::Json, "JSON"), (Wire::Grpc, "gRPC")] {
        let of = |onion| rows.of(Row::Call(Subject::unary(Server::Kitfox(onion), wire)));
        for (name, with, without) in LAYERS {
            if let (Some(with), Some(without)) = (of(with), of(without)) {
                add(format!("{title}: {name}"), with.over(without));
            }
        }
    }
    for (row, price) in rows.all() {
        if let Row::Part(looped) = row {
            add(looped.title().to_owned(), *price);
        }
    }
    table
}

pub(super) fn judge(aims: &mut Aims, rows: &Rows) {
    for (looped, bound) in [
        (Loop::Line, aims::LINE),
        (Loop::Counter, aims::COUNTER),
        (Loop::Histogram, aims::HISTOGRAM),
        (Loop::Span, aims::UNSAMPLED),
        (Loop::Client, aims::CLIENT),
    ] {
        let price = rows.of(Row::Part(looped)).map(|price| price.instructions);
        aims.add(format!("instructions, {}", looped.title()), bound, price);
    }
    let of = |looped| Some(rows.of(Row::Part(looped))?.instructions);
    let ratio = of(Loop::ClientOf1000).zip(of(Loop::Client)).map(|(many, few)| many / few);
    aims.add("instructions, 1,000 replicas of 10".to_owned(), aims::THOUSAND, ratio);
}
