//! gRPC over HTTP/2, loaded by h2load.

use std::net::SocketAddr;
use std::process::Command;

use super::Load;
use crate::failure::{Failure, While};
use crate::load::script::{TEXT, frame};
use crate::load::{Call, Wire};
use crate::scratch::Scratch;
use crate::tools::H2LOAD;

pub(super) fn run(server: SocketAddr, seconds: u32) -> Result<Load, Failure> {
    let call = Call::unary(Wire::Grpc);
    let (message, log) = (Scratch::new("h2load.body"), Scratch::new("h2load.log"));
    std::fs::write(message.path(), frame(TEXT)).failed_while("writing h2load's message")?;
    // It appends to a log that is there already.
    let _gone = std::fs::remove_file(log.path());
    let output = Command::new(H2LOAD.program)
        .args(["--threads", "1"])
        .args(["--clients", &call.connections().to_string()])
        .args(["--max-concurrent-streams", &call.streams().to_string()])
        .args(["--duration", &seconds.to_string()])
        .args(["--header", "content-type: application/grpc", "--header", "te: trailers", "--data"])
        .arg(message.path())
        .arg(format!("--log-file={}", log.path().display()))
        .arg(format!("http://{server}/strings.v1.Strings/Uppercase"))
        .output()
        .failed_while("starting h2load")?;
    let report = String::from_utf8_lossy(&output.stdout);
    let log = std::fs::read_to_string(log.path()).failed_while("reading h2load's log")?;
    read(&report, &log).ok_or_else(|| Failure::new("reading what h2load wrote", &report))
}

/// Answers nothing for a report with failed requests: such a run measures something else.
fn read(report: &str, log: &str) -> Option<Load> {
    let number = |text: &str| text.split_whitespace().next()?.parse::<f64>().ok();
    let finished = report.lines().find(|line| line.starts_with("finished in"))?;
    let requests = report.lines().find(|line| line.starts_with("requests:"))?;
    let named = |name: &str| {
        let part = requests.trim_start_matches("requests:").split(',');
        part.filter(|part| part.ends_with(name)).find_map(number)
    };
    if named(" failed")? + named(" errored")? > 0.0 {
        return None;
    }
    let mut latencies: Vec<u32> = log.lines().filter_map(latency).collect();
    latencies.sort_unstable();
    Some(Load {
        requests: named(" succeeded")?,
        per_second: number(finished.split(", ").nth(1)?)?,
        p50_microseconds: percentile(&latencies, 50)?,
        p99_microseconds: percentile(&latencies, 99)?,
    })
}

/// A line of the log: when it started, its status, its microseconds.
fn latency(line: &str) -> Option<u32> {
    line.rsplit('\t').next()?.parse().ok()
}

fn percentile(sorted: &[u32], percent: usize) -> Option<f64> {
    sorted.get(sorted.len() * percent / 100).map(|value| f64::from(*value))
}

#[cfg(test)]
mod tests {
    use super::*;

    const REPORT: &str = "\
finished in 4.00s, 61234.50 req/s, 5.43MB/s
requests: 244938 total, 244938 started, 244938 done, 244938 succeeded, 0 failed, 0 errored, 0 timeout
status codes: 244938 2xx, 0 3xx, 0 4xx, 0 5xx
";

    #[test]
    fn a_report_and_its_log_are_read() {
        let log: String = (1..=100).map(|time| format!("17000\t200\t{time}\n")).collect();
        let load = read(REPORT, &log).unwrap();
        assert_eq!(load.requests, 244_938.0);
        assert_eq!(load.per_second, 61_234.5);
        assert_eq!((load.p50_microseconds, load.p99_microseconds), (51.0, 100.0));
    }

    #[test]
    fn failed_requests_spoil_a_report() {
        assert!(read(&REPORT.replace("0 failed", "3 failed"), "1\t200\t5\n").is_none());
    }
}
