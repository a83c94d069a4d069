//! System calls of the whole process, by strace, natively on tokio's default runtime.
//!
//! Which task runs on which thread is chance here, and now and then a run makes several times the
//! calls of its neighbours, so the price is the median of some counts.

use std::path::Path;

use super::per_message;
use crate::failure::{Failure, While};
use crate::load::{self, Call};
use crate::median::median;
use crate::process::Start;
use crate::scratch::Scratch;
use crate::tools::STRACE;

/// The system calls that hand bytes to a socket.
const WRITES: [&str; 5] = ["write", "writev", "sendto", "sendmsg", "sendmmsg"];

/// An odd number, so that there is one in the middle.
const COUNTS: usize = 5;

/// What strace knows of one call.
#[derive(Clone, Copy, Debug)]
pub(crate) struct SystemCalls {
    pub(crate) all: f64,
    pub(crate) writes: f64,
}

pub(crate) fn count(start: &Start<'_>, call: Call) -> Result<SystemCalls, Failure> {
    let scratch = Scratch::new("strace");
    let mut start = start.clone();
    start.under = [STRACE.program, "-f", "-c", "-U", "calls,name", "-o"].map(Into::into).into();
    start.under.push(scratch.path().into());

    let (mut all, mut writes) = (Vec::new(), Vec::new());
    for _ in 0..COUNTS {
        let price = per_message(call, |calls| sums(&report(&start, call, calls, scratch.path())?))?;
        all.push(price[0]);
        writes.push(price[1]);
    }
    Ok(SystemCalls { all: median(all), writes: median(writes) })
}

/// Runs a server under strace, and answers what that wrote.
fn report(start: &Start<'_>, call: Call, calls: usize, file: &Path) -> Result<String, Failure> {
    let running = start.run()?;
    load::run(call, running.address, calls)?;
    running.end()?;
    std::fs::read_to_string(file).failed_while("reading what strace wrote")
}

/// Adds up the lines of a summary: a number, the system call's name.
fn sums(report: &str) -> Result<[u64; 2], Failure> {
    let (mut all, mut writes) = (0, 0);
    let calls = report.lines().filter_map(|line| line.trim().split_once(' '));
    for (count, name) in calls.filter(|(count, _)| count.starts_with(|c: char| c.is_ascii_digit()))
    {
        let name = name.trim();
        if name == "total" {
            continue;
        }
        let count: u64 = count.parse().failed_while("reading strace's summary")?;
        all += count;
        if WRITES.contains(&name) {
            writes += count;
        }
    }
    Ok([all, writes])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_summary_is_added_up_without_its_total() {
        let report = "    calls syscall\n--------- -------\n       30 writev\n       12 read\n        \
                      3 sendto\n--------- -------\n       45 total\n";
        assert_eq!(sums(report).unwrap(), [45, 33]);
    }
}
