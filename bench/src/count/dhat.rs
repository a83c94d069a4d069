//! Bytes that are allocated by the whole process, by valgrind's DHAT: callgrind knows how often the
//! allocator is called, and not for how much.

use std::ffi::OsString;
use std::path::Path;
use std::process::{Command, Stdio};

use super::per_message;
use crate::failure::{Failure, While};
use crate::load::{self, Call};
use crate::loops::Loop;
use crate::process::Start;
use crate::scratch::Scratch;
use crate::tools::VALGRIND;

/// The bytes of one call.
pub(crate) fn count(start: &Start<'_>, call: Call) -> Result<f64, Failure> {
    let log = Scratch::new("dhat");
    let mut start = start.clone();
    start.workers = Some(1);
    start.under = under(log.path());
    let [bytes] = per_message(call, |calls| {
        let mut running = start.run()?;
        running.read_on();
        load::run(call, running.address, calls)?;
        running.end()?;
        Ok([total(log.path())?])
    })?;
    Ok(bytes)
}

/// The bytes of so many times a loop.
pub(crate) fn count_loop(program: &Path, looped: Loop, times: usize) -> Result<u64, Failure> {
    let log = Scratch::new("dhat");
    let line = under(log.path());
    let ended = Command::new(&line[0])
        .args(&line[1..])
        .arg(program)
        .args(["loop", looped.name(), &times.to_string()])
        .stdout(Stdio::null())
        .status();
    let ended = ended.failed_while("starting a loop")?;
    if !ended.success() {
        return Err(Failure::new(format!("counting the bytes of {looped}"), ended));
    }
    total(log.path())
}

fn under(log: &Path) -> Vec<OsString> {
    let mut file = OsString::from("--log-file=");
    file.push(log);
    vec![VALGRIND.program.into(), "--tool=dhat".into(), "--dhat-out-file=/dev/null".into(), file]
}

/// `==17== Total:     1,024 bytes in 3 blocks`
fn total(log: &Path) -> Result<u64, Failure> {
    const DOING: &str = "reading what DHAT wrote";
    let log = std::fs::read_to_string(log).failed_while(DOING)?;
    bytes(&log).ok_or_else(|| Failure::new(DOING, &log))
}

fn bytes(log: &str) -> Option<u64> {
    let (_, total) = log.split_once("Total:")?;
    total.split_whitespace().next()?.replace(',', "").parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_total_of_a_report_is_read() {
        let log = "==17== DHAT\n==17== Total:     12,345 bytes in 67 blocks\n==17== At t-gmax: 0";
        assert_eq!(bytes(log), Some(12_345));
        assert_eq!(bytes("==17== killed"), None);
    }
}
