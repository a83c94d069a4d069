//! Instructions and allocations of the whole process, by callgrind.
//!
//! Both come from the same run of an ordinary build: callgrind records how often each function was
//! called, so the calls of the C library's allocator need no counting allocator in the program,
//! which would change the instructions. valgrind runs one thread at a time and `--fair-sched` lets
//! them take turns; with a single worker beside the accepting thread nothing depends on who steals
//! whose task, and repeated counts differ by less than 1 %.

use std::collections::HashMap;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use super::each;
use crate::failure::{Failure, While};
use crate::load::{self, Call};
use crate::loops::Loop;
use crate::process::{Running, Start};
use crate::scratch::{Folder, Scratch};
use crate::servers::{Onion, Server};
use crate::tools::{VALGRIND, VGDB};

/// One worker thread, see above.
const WORKERS: usize = 1;

/// Within this time what a run has left is exported, and is counted with it. Where few calls are
/// traced, that is nothing beside the rest.
const EXPORT: Duration = Duration::from_millis(1_500);

/// What Rust's system allocator calls for memory; `free` is not counted.
const ALLOCATORS: [&str; 4] = ["malloc", "calloc", "realloc", "posix_memalign"];

/// What callgrind knows of one message.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Work {
    pub(crate) instructions: f64,
    pub(crate) allocations: f64,
}

/// A server under callgrind that counts one kind of call after the other.
#[derive(Debug)]
pub(crate) struct Counter {
    server: Running,
    reports: Folder,
    dumps: usize,
    /// After each run.
    rest: Duration,
}

impl Counter {
    pub(crate) fn start(start: &Start<'_>) -> Result<Self, Failure> {
        let reports = Folder::new("callgrind")?;
        let mut file = OsString::from("--callgrind-out-file=");
        file.push(reports.path().join("report"));
        let mut start = start.clone();
        start.workers = Some(WORKERS);
        start.under = vec![VALGRIND.program.into(), "--tool=callgrind".into(), "--quiet".into()];
        start.under.extend(["--fair-sched=yes".into(), "--separate-threads=no".into(), file]);
        let mut server = start.run()?;
        server.read_on();
        let rest = match start.server {
            Server::Kitfox(Onion::Traced) => EXPORT,
            _ => Duration::ZERO,
        };
        Ok(Self { server, reports, dumps: 0, rest })
    }

    /// Makes calls that are not counted, so that whatever a server does once is done: a heap that
    /// grows, a first export.
    pub(crate) fn warm_up(&self, call: Call) -> Result<(), Failure> {
        load::run(call, self.server.address, call.runs()[0])
    }

    pub(crate) fn count(&mut self, call: Call) -> Result<Work, Failure> {
        // What came before belongs to nobody.
        self.dump()?;
        let mut least = [[u64::MAX; 2]; 2];
        for _ in 0..call.times() {
            // Short and long by turns, so that what lasts a while disturbs both.
            for (least, calls) in least.iter_mut().zip(call.runs()) {
                let counts = self.run(call, calls)?;
                *least = std::array::from_fn(|index| least[index].min(counts[index]));
            }
        }
        let [instructions, allocations] = each(call, least);
        Ok(Work { instructions, allocations })
    }

    #[expect(clippy::disallowed_methods, reason = "a program without a runtime")]
    fn run(&mut self, call: Call, calls: usize) -> Result<[u64; 2], Failure> {
        load::run(call, self.server.address, calls)?;
        std::thread::sleep(self.rest);
        counts(&self.dump()?)
    }

    pub(crate) fn end(self) -> Result<(), Failure> {
        self.server.end()
    }

    /// What was counted since the last time.
    fn dump(&mut self) -> Result<String, Failure> {
        const DOING: &str = "asking callgrind for its counts";
        let process = format!("--pid={}", self.server.id());
        let mut command = Command::new(VGDB.program);
        command.args([&process, "dump"]).stdout(Stdio::null()).stderr(Stdio::null());
        let ended = command.status().failed_while(DOING)?;
        if !ended.success() {
            return Err(Failure::new(DOING, ended));
        }
        self.dumps += 1;
        let file: PathBuf = self.reports.path().join(format!("report.{}", self.dumps));
        std::fs::read_to_string(file).failed_while(DOING)
    }
}

/// What so many times a loop cost: instructions and allocations.
pub(crate) fn count_loop(program: &Path, looped: Loop, times: usize) -> Result<[u64; 2], Failure> {
    let report = Scratch::new("callgrind.loop");
    let mut file = OsString::from("--callgrind-out-file=");
    file.push(report.path());
    let ended = Command::new(VALGRIND.program)
        .args(["--tool=callgrind", "--quiet"])
        .arg(file)
        .arg(program)
        .args(["loop", looped.name(), &times.to_string()])
        .stdout(Stdio::null())
        .status();
    let ended = ended.failed_while("starting a loop")?;
    if !ended.success() {
        return Err(Failure::new(format!("counting {looped}"), ended));
    }
    let report = std::fs::read_to_string(report.path());
    counts(&report.failed_while("reading callgrind's report")?)
}

fn counts(report: &str) -> Result<[u64; 2], Failure> {
    Ok([instructions(report)?, allocations(report)])
}

fn instructions(report: &str) -> Result<u64, Failure> {
    let totals = report.lines().find_map(|line| line.strip_prefix("totals: "));
    let totals = totals.ok_or_else(|| Failure::new("reading callgrind's report", "no totals"))?;
    totals.trim().parse().failed_while("reading callgrind's totals")
}

/// Adds up the calls of allocating functions: `cfn=` names the function that is called, by a
/// number that was given its name where it stood first, and the `calls=` after it says how often.
fn allocations(report: &str) -> u64 {
    let mut names = HashMap::new();
    let mut called = None;
    let mut sum = 0;
    for line in report.lines() {
        if let Some(function) = line.strip_prefix("fn=") {
            name(&mut names, function);
        } else if let Some(function) = line.strip_prefix("cfn=") {
            called = name(&mut names, function);
        } else if let Some(calls) = line.strip_prefix("calls=")
            && called.take().is_some_and(|called| ALLOCATORS.contains(&called))
        {
            let count = calls.split(' ').next().and_then(|count| count.parse::<u64>().ok());
            sum += count.unwrap_or_default();
        }
    }
    sum
}

/// Resolves `(17) malloc`, and `(17)` ever after.
fn name<'a>(names: &mut HashMap<&'a str, &'a str>, function: &'a str) -> Option<&'a str> {
    match function.split_once(' ') {
        Some((number, name)) => {
            names.insert(number, name);
            Some(name)
        }
        None => names.get(function).copied(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const REPORT: &str = "\
fn=(1) main
12 30
cfn=(2) malloc
calls=3 0
13 90
cfn=(3) free
calls=9 0
14 90
fn=(2)
1 90
fn=(4) grow
cfn=(2)
calls=4 +8
15 9
cfn=(5) realloc
calls=1 0
16 9
totals: 1234
";

    #[test]
    fn instructions_are_the_sum_over_all_threads() {
        assert_eq!(instructions(REPORT).unwrap(), 1234);
        assert!(instructions("fn=(1) main").is_err());
    }

    #[test]
    fn allocations_are_the_calls_of_allocating_functions() {
        assert_eq!(allocations(REPORT), 3 + 4 + 1);
    }
}
