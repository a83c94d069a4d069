//! What a call costs, counted and not timed.
//!
//! Everything is counted twice, in a short run and in a long one; the difference divided by the
//! difference in calls is the price of one call. So start-up, the opening of connections and
//! warm-up cancel.

pub(crate) mod callgrind;
pub(crate) mod strace;

use std::path::Path;

use crate::failure::{Failure, While};
use crate::load::{self, Wire};
use crate::process::Start;

/// Calls of the short and of the long run. The short one must outlast the warm-up: hyper reads the
/// first 50 or so calls of a connection into its first 8 KiB buffer, and only from then on is a
/// buffer allocated from time to time. That is 3,500 calls on 64 connections.
const SHORT: usize = 8_000;
const LONG: usize = 16_000;

/// The price of one call, from a count that a run of so many calls yields.
fn per_call<const N: usize>(
    count: impl Fn(usize) -> Result<[u64; N], Failure>,
) -> Result<[f64; N], Failure> {
    let (short, long) = (count(SHORT)?, count(LONG)?);
    Ok(std::array::from_fn(|index| difference(short[index], long[index])))
}

fn difference(short: u64, long: u64) -> f64 {
    // Exact: counts of a run of seconds stay far below 2^53.
    (long as f64 - short as f64) / (LONG - SHORT) as f64
}

/// Runs a server under a tool that writes a file, and answers that file.
fn report(start: &Start<'_>, wire: Wire, calls: usize, file: &Path) -> Result<String, Failure> {
    let running = start.run()?;
    load::run(wire, running.address, calls)?;
    running.end()?;
    let report = std::fs::read_to_string(file);
    report.failed_while(format!("reading what {} wrote", start.under[0].display()))
}
