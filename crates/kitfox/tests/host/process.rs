//! A process of its own, with the operating system's signals.
//!
//! The process is this very test binary, told to run one ignored test: a host.

use std::io::{BufRead, BufReader};
use std::process::{Child, ChildStdout, Command, ExitStatus, Stdio};
use std::time::Duration;

use kitfox::platform::Connection;
use kitfox::{Host, Platform, Request, layer_fn};

use super::File;
use crate::support::http::{begin_call, send};
use crate::support::probe::Probe;

/// Far more than any of these processes needs, and far less than its handlers take.
const PATIENCE: Duration = Duration::from_secs(20);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "the process that the other tests of this file start"]
async fn a_host_of_its_own() {
    let tell = layer_fn(|request: Request, next| async move {
        println!("called");
        next.call(request).await
    });
    Host::new("probe").serve(Probe::default()).layer(tell).run().await.unwrap();
}

struct Process {
    child: Child,
    output: BufReader<ChildStdout>,
    services: String,
    admin: String,
}

impl Process {
    /// Starts the host and reads where it listens.
    fn start() -> Self {
        Process::start_with("")
    }

    /// The same with a file of this path as its configuration.
    fn start_with(file: &str) -> Self {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .env("KITFOX_CONFIG", file)
            .args(["--ignored", "--exact", "--nocapture", "host::process::a_host_of_its_own"])
            .env("KITFOX_LISTEN", "127.0.0.1:0")
            .env("KITFOX_ADMIN", "127.0.0.1:0")
            .stdout(Stdio::piped())
            .env("KITFOX_LISTN", "a typing error")
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut output = BufReader::new(child.stdout.take().unwrap());
        let services = after(&mut output, "probe listens on http://");
        let admin = after(&mut output, "admin on http://");
        Process { child, output, services, admin }
    }

    async fn connect(&self, address: &str) -> Connection {
        Platform::system().net().connect(address).await.unwrap()
    }

    /// Begins a call that never ends, and waits until it is there.
    async fn call(&mut self, method: &str) -> Connection {
        let mut connection = self.connect(&self.services).await;
        begin_call(&mut connection, &format!("/probe.v1.Probe/{method}"), "{}").await;
        after(&mut self.output, "called");
        connection
    }

    fn signal(&self, signal: &str) {
        let sent = Command::new("kill").args([signal, &self.child.id().to_string()]).status();
        assert!(sent.unwrap().success());
    }

    /// Waits until the host says on its admin port that it is shutting down.
    async fn leaving(&self) {
        let wait = async {
            loop {
                let mut connection = self.connect(&self.admin).await;
                if send(&mut connection, "GET", "/readyz").await.status == 503 {
                    return;
                }
            }
        };
        tokio::time::timeout(PATIENCE, wait).await.expect("readiness fails at shutdown");
    }

    async fn ended(mut self) -> ExitStatus {
        let wait = async {
            loop {
                if let Some(status) = self.child.try_wait().unwrap() {
                    return status;
                }
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        };
        let status = tokio::time::timeout(PATIENCE, wait).await;
        let _ = self.child.kill();
        drop(self.output);
        status.expect("the process ends")
    }
}

/// Reads up to the line that contains `words`, and gives the word after them.
fn after(output: &mut impl BufRead, words: &str) -> String {
    loop {
        let mut line = String::new();
        assert_ne!(output.read_line(&mut line).unwrap(), 0, "the process has ended");
        // The harness may have left its own words on the line.
        if let Some((_, rest)) = line.split_once(words) {
            // A line of the log is JSON.
            return rest.split([' ', '"', '\n']).next().unwrap_or_default().to_owned();
        }
    }
}

#[tokio::test]
async fn sigterm_and_ctrl_c_end_an_idle_process_with_success() {
    for signal in ["-TERM", "-INT"] {
        let process = Process::start();
        process.signal(signal);
        assert!(process.ended().await.success(), "{signal}");
    }
}

#[tokio::test]
async fn a_hang_up_has_a_process_with_a_file_read_it_again_and_ends_one_without() {
    let file = File::new("hang-up.toml", "");
    let mut process = Process::start_with(&file.path());
    file.write("server.rate_limit.rate = 7\n");
    process.signal("-HUP");
    assert_eq!(after(&mut process.output, "the configuration was read "), "again");
    process.signal("-TERM");
    assert!(process.ended().await.success());

    let process = Process::start();
    process.signal("-HUP");
    if ignores_hang_ups() {
        // Started by `nohup`, and so is the host: it goes on.
        process.signal("-TERM");
        assert!(process.ended().await.success());
        return;
    }
    assert_eq!(process.ended().await.code(), None, "as whoever closes its terminal ends it");
}

/// Whether this process does, and so do those that it starts.
fn ignores_hang_ups() -> bool {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let ignored = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    // The lowest bit is that of the first signal.
    ignored.is_some_and(|mask| u64::from_str_radix(mask.trim(), 16).is_ok_and(|mask| mask & 1 == 1))
}

#[tokio::test]
async fn typing_errors_and_what_a_shutdown_waits_for_are_on_standard_error() {
    let mut process = Process::start();
    let mut errors = BufReader::new(process.child.stderr.take().unwrap());
    assert_eq!(after(&mut errors, "warning: the variable "), "KITFOX_LISTN");
    let _connection = process.call("Hang").await;
    process.signal("-TERM");
    assert_eq!(after(&mut errors, "finishing the calls of "), "1");
    process.signal("-TERM");
    assert_eq!(process.ended().await.code(), Some(143));
}

#[tokio::test]
async fn a_second_signal_ends_the_process_at_once() {
    let mut process = Process::start();
    let _connection = process.call("Hang").await;
    process.signal("-TERM");
    process.leaving().await;
    process.signal("-TERM");
    assert_eq!(process.ended().await.code(), Some(143));
}

#[tokio::test]
async fn a_second_signal_ends_even_a_process_whose_threads_are_blocked() {
    let mut process = Process::start();
    let mut connections = Vec::new();
    for _ in 0..2 {
        connections.push(process.connect(&process.services).await);
    }
    for connection in &mut connections {
        begin_call(connection, "/probe.v1.Probe/Block", "{}").await;
    }
    // The second one is not even seen where the first one keeps tokio from looking.
    after(&mut process.output, "called");
    process.signal("-TERM");
    process.signal("-INT");
    // The two may be delivered in either order.
    let code = process.ended().await.code();
    assert!(code == Some(130) || code == Some(143), "{code:?}");
}
