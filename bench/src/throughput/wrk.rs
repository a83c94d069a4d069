//! JSON over HTTP/1.1, loaded by wrk.

use std::net::SocketAddr;
use std::process::Command;

use super::Load;
use crate::failure::{Failure, While};
use crate::load::script::TEXT;
use crate::load::{Call, Wire};
use crate::scratch::Scratch;
use crate::tools::WRK;

pub(super) fn run(server: SocketAddr, seconds: u32) -> Result<Load, Failure> {
    let script = Scratch::new("wrk.lua");
    let text = format!(
        "wrk.method = 'POST'\nwrk.body = '{{\"text\":\"{TEXT}\"}}'\n\
         wrk.headers['Content-Type'] = 'application/json'\n"
    );
    std::fs::write(script.path(), text).failed_while("writing wrk's script")?;
    let output = Command::new(WRK.program)
        .args(["--threads", "1", "--latency"])
        .args(["--connections", &Call::unary(Wire::Json).connections().to_string()])
        .args(["--duration", &format!("{seconds}s"), "--script"])
        .arg(script.path())
        .arg(format!("http://{server}/v1/uppercase"))
        .output()
        .failed_while("starting wrk")?;
    let report = String::from_utf8_lossy(&output.stdout);
    read(&report).ok_or_else(|| Failure::new("reading what wrk wrote", &report))
}

/// Answers nothing for a report with failed requests: such a run measures something else.
fn read(report: &str) -> Option<Load> {
    if report.contains("Non-2xx") || report.contains("Socket errors") {
        return None;
    }
    let line = |begin: &str| report.lines().find_map(|line| line.trim().strip_prefix(begin));
    let requests = report.lines().find_map(|line| line.split_once(" requests in "))?.0;
    Some(Load {
        requests: requests.trim().parse().ok()?,
        per_second: line("Requests/sec:")?.trim().parse().ok()?,
        p50_microseconds: microseconds(line("50%")?.trim())?,
        p99_microseconds: microseconds(line("99%")?.trim())?,
    })
}

fn microseconds(time: &str) -> Option<f64> {
    let units = [("us", 1.0), ("ms", 1e3), ("s", 1e6)];
    let (number, unit) =
        units.iter().find_map(|(unit, worth)| Some((time.strip_suffix(unit)?, worth)))?;
    Some(number.parse::<f64>().ok()? * unit)
}

#[cfg(test)]
mod tests {
    use super::*;

    const REPORT: &str = "\
Running 4s test @ http://127.0.0.1:4711/v1/uppercase
  1 threads and 64 connections
  Latency Distribution
     50%  815.00us
     75%    1.02ms
     90%    1.31ms
     99%    2.50ms
  310000 requests in 4.00s, 50.00MB read
Requests/sec:  77500.12
";

    #[test]
    fn a_report_is_read() {
        let load = read(REPORT).unwrap();
        assert_eq!(load.requests, 310_000.0);
        assert_eq!(load.per_second, 77_500.12);
        assert_eq!(load.p50_microseconds, 815.0);
        assert_eq!(load.p99_microseconds, 2_500.0);
    }

    #[test]
    fn failed_requests_spoil_a_report() {
        assert!(read(&format!("{REPORT}  Non-2xx or 3xx responses: 7\n")).is_none());
    }
}
