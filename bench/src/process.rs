//! A server in a process of its own, natively or under a tool.

use std::ffi::OsString;
use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};

use crate::failure::{Failure, While};
use crate::servers::Server;

/// How a server is started: which program, under which tool, on how many threads.
#[derive(Clone, Debug)]
pub(crate) struct Start<'a> {
    pub(crate) program: &'a Path,
    pub(crate) server: Server,
    /// The tool's command line, which the server's is appended to; empty: natively.
    pub(crate) under: Vec<OsString>,
    /// Threads of the server's runtime; tokio's default if not given.
    pub(crate) workers: Option<usize>,
    /// Where it sends its spans.
    pub(crate) collector: Option<SocketAddr>,
    /// Where its admin port listens; on a free one if not given.
    pub(crate) admin: Option<SocketAddr>,
}

/// A running server. Dropping it kills it.
#[derive(Debug)]
pub(crate) struct Running {
    pub(crate) address: SocketAddr,
    child: Child,
    /// What the server prints and nobody has read yet.
    output: Option<BufReader<ChildStdout>>,
}

impl Start<'_> {
    pub(crate) fn run(&self) -> Result<Running, Failure> {
        let doing = format!("starting {}", self.server);
        let mut line = self.under.clone();
        line.push(self.program.into());
        line.extend(["serve".into(), self.server.name().into()]);
        line.extend(self.workers.map(|workers| workers.to_string().into()));
        let mut command = Command::new(&line[0]);
        if let Some(collector) = self.collector {
            command.env("OTEL_EXPORTER_OTLP_ENDPOINT", format!("http://{collector}"));
        }
        if let Some(admin) = self.admin {
            command.env("KITFOX_ADMIN", admin.to_string());
        }
        let mut child = command
            .args(&line[1..])
            .env("OTEL_TRACES_SAMPLER", "parentbased_traceidratio")
            .env("OTEL_TRACES_SAMPLER_ARG", "0.01")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .failed_while(&doing)?;
        let output = child.stdout.take().expect("the output was piped a line above");
        let mut output = BufReader::new(output);
        match first_address(&mut output) {
            Some(address) => Ok(Running { address, child, output: Some(output) }),
            None => {
                let ended = child.kill().and_then(|()| child.wait()).failed_while(&doing)?;
                Err(Failure::new(doing, format!("it printed no address ({ended})")))
            }
        }
    }
}

impl Running {
    /// The process that was started; the server's own where no tool stands between.
    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// Reads what it prints from now on, and throws it away. Without this it prints into a pipe that
    /// fills.
    #[expect(clippy::disallowed_methods, reason = "a program without a runtime")]
    pub(crate) fn read_on(&mut self) {
        if let Some(mut output) = self.output.take() {
            std::thread::spawn(move || std::io::copy(&mut output, &mut std::io::sink()));
        }
    }

    /// Ends the server by closing its input, and waits until it (and its tool) are done.
    pub(crate) fn end(mut self) -> Result<(), Failure> {
        drop(self.child.stdin.take());
        let ended = self.child.wait().failed_while("ending a server")?;
        if ended.success() { Ok(()) } else { Err(Failure::new("ending a server", ended)) }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // Fails only if it is gone already.
        let _gone = self.child.kill();
        let _gone = self.child.wait();
    }
}

/// Reads lines until one names the address that is served, as in `http://127.0.0.1:8080`.
fn first_address(output: &mut impl BufRead) -> Option<SocketAddr> {
    let lines = output.lines().map_while(Result::ok);
    lines.filter_map(|line| address(&line)).next()
}

fn address(line: &str) -> Option<SocketAddr> {
    let (_before, after) = line.split_once("http://")?;
    let end = after.find(|letter: char| letter == '/' || letter.is_whitespace());
    after[..end.unwrap_or(after.len())].parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_address_is_found_wherever_it_stands_in_a_line() {
        let expected = "127.0.0.1:4711".parse().ok();
        assert_eq!(address("http://127.0.0.1:4711"), expected);
        assert_eq!(address("strings listens on http://127.0.0.1:4711/ for all"), expected);
        assert_eq!(address("http://localhost"), None);
        assert_eq!(address("ready"), None);
    }
}
