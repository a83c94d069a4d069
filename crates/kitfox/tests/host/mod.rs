//! The host.

mod admin;
mod configuration;
mod dial;
mod filter;
mod guard;
mod health;
mod logs;
mod mount;
mod pages;
mod process;
mod registration;
mod reload;
mod shutdown;
mod sockets;
mod workers;

use std::path::PathBuf;
use std::time::Duration;

use kitfox::config::{Drain, Environment};
use kitfox::{Host, Running};
use serde_json::Value;
use tokio::io::AsyncWriteExt;

use crate::support::http::{Answer, read, send};
use crate::support::memory::Memory;
use crate::support::probe::Probe;

/// The parts of the shutdown in these tests.
const DRAIN: Drain = Drain {
    propagation: Duration::from_secs(3),
    calls: Duration::from_secs(10),
    tasks: Duration::from_secs(6),
    grace: Duration::from_secs(30),
    flush: Duration::from_secs(2),
};

/// What dropped tasks may take to be gone.
const SLACK: Duration = Duration::from_millis(200);

/// The head of somebody on this machine.
const HERE: &str = "host: localhost\r\n";

/// A file that is gone when the test is over.
struct File(PathBuf);

impl File {
    fn new(name: &str, text: &str) -> Self {
        let file = File(PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(name));
        file.write(text);
        file
    }

    fn write(&self, text: &str) {
        std::fs::write(&self.0, text).unwrap();
    }

    fn path(&self) -> String {
        self.0.display().to_string()
    }
}

impl Drop for File {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}

/// A host on `net` that serves `probe`.
fn host(net: &Memory, probe: &Probe) -> Host {
    bare(net).serve(probe.clone())
}

/// A host on `net` that serves nothing, and reads nothing of this process's environment.
fn bare(net: &Memory) -> Host {
    Host::new("probe")
        .platform(net.platform())
        .environment(Environment::default())
        .announce(false)
        .drain(DRAIN)
}

/// Asks the admin port of `running` with more lines in the head, and a body.
async fn ask(net: &Memory, running: &Running, line: &str, head: &str, body: &str) -> Answer {
    let mut connection = net.dial(running.admin_address()).await.unwrap();
    let length = body.len();
    let request = format!(
        "{line} HTTP/1.1\r\n{head}connection: close\r\ncontent-length: {length}\r\n\r\n{body}"
    );
    connection.write_all(request.as_bytes()).await.unwrap();
    read(&mut connection).await
}

/// A page of the admin port of `running`, as a program gets it.
async fn json(net: &Memory, running: &Running, path: &str) -> Value {
    let head = format!("{HERE}accept: application/json\r\n");
    let answer = ask(net, running, &format!("GET {path}"), &head, "").await;
    assert!(answer.head.contains("content-type: application/json"), "{}", answer.head);
    serde_json::from_str(&answer.body).unwrap()
}

/// Asks the admin port of `running`.
async fn admin(net: &Memory, running: &Running, path: &str) -> Answer {
    let mut connection = net.dial(running.admin_address()).await.unwrap();
    send(&mut connection, "GET", path).await
}
