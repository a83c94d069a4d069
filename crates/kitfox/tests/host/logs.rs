//! What a host's log has, and what becomes of it where nobody takes it.

use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};
use std::time::Duration;

use kitfox::Running;
use serde_json::Value;
use tokio::io::AsyncWrite;
use tokio::time::Instant;

use super::{admin, host};
use crate::support::http::{Answer, begin_call, read, send};
use crate::support::memory::Memory;
use crate::support::probe::Probe;

/// The memory that lines may take up.
const BUFFER: usize = 64 * 1024;

/// A sink that takes everything.
#[derive(Clone, Default)]
pub(super) struct Taking(Arc<Mutex<Vec<u8>>>);

impl Taking {
    pub(super) fn lines(&self) -> Vec<Value> {
        let text = String::from_utf8(self.0.lock().unwrap().clone()).unwrap();
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    /// Those of calls and requests that are over.
    fn of_calls(&self) -> Vec<Value> {
        let mut lines = self.lines();
        lines.retain(|line| line["target"] == "kitfox::call");
        lines
    }
}

impl AsyncWrite for Taking {
    fn poll_write(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

/// A sink that takes nothing, ever.
struct Stalled;

impl AsyncWrite for Stalled {
    fn poll_write(self: Pin<&mut Self>, _: &mut Context<'_>, _: &[u8]) -> Poll<io::Result<usize>> {
        Poll::Pending
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Pending
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Pending
    }
}

async fn call(net: &Memory, running: &Running, method: &str) -> Answer {
    let mut connection = net.dial(running.address()).await.unwrap();
    begin_call(&mut connection, &format!("/probe.v1.Probe/{method}"), "{}").await;
    read(&mut connection).await
}

/// What `/metrics` says of a series without labels.
async fn metric(net: &Memory, running: &Running, name: &str) -> f64 {
    let text = admin(net, running, "/metrics").await.body;
    let line = text.lines().find_map(|line| line.strip_prefix(&format!("{name} ")));
    line.unwrap_or_else(|| panic!("no {name} in {text}")).parse().unwrap()
}

#[tokio::test(start_paused = true)]
async fn a_sink_that_stalls_keeps_no_call_waiting_and_what_is_lost_is_a_metric() {
    let net = Memory::default();
    let host = host(&net, &Probe::default()).log_to(Stalled).set("log.buffer_bytes", BUFFER);
    let running = host.start().await.unwrap();
    let begin = Instant::now();
    for _ in 0..1_000 {
        assert_eq!(call(&net, &running, "Echo").await.status, 200);
    }
    assert!(begin.elapsed() < Duration::from_secs(1), "{:?}", begin.elapsed());
    assert!(metric(&net, &running, "kitfox_logs_dropped_total").await > 500.0);
    assert!(metric(&net, &running, "kitfox_logs_buffered_bytes").await <= BUFFER as f64);
    let page = admin(&net, &running, "/log").await.body;
    assert!(!page.contains("lines lost   0\n"), "{page}");
    // The shutdown waits for the sink no longer than it may.
    running.shutdown();
    let _lines_are_lost = running.wait().await;
    assert!(begin.elapsed() < Duration::from_secs(60), "{:?}", begin.elapsed());
}

#[tokio::test(start_paused = true)]
async fn a_share_of_the_lines_is_written_by_what_became_of_the_call() {
    let (net, sink) = (Memory::default(), Taking::default());
    let host = host(&net, &Probe::default()).log_to(sink.clone());
    let host = host.set("log.answered", 0).set("log.rejected", 0).set("log.slow", "1s");
    let running = host.set("limits.call_timeout", "5s").start().await.unwrap();
    let refused = async || {
        let mut connection = net.dial(running.address()).await.unwrap();
        send(&mut connection, "GET", "/nowhere").await
    };
    for _ in 0..10 {
        assert_eq!(call(&net, &running, "Echo").await.status, 200);
        assert_eq!(refused().await.status, 404);
    }
    // What is slow and what went wrong has a line, whatever the shares are.
    assert_eq!(call(&net, &running, "Slow").await.status, 200);
    assert_eq!(call(&net, &running, "Hang").await.status, 504);
    running.shutdown();
    let _ended = running.wait().await;
    let lines = sink.of_calls();
    let said: Vec<_> = lines.iter().map(|line| line["message"].as_str().unwrap()).collect();
    assert_eq!(said, ["answered", "expired"], "{lines:#?}");
}

#[tokio::test(start_paused = true)]
async fn every_call_has_a_line_and_so_has_what_reaches_no_method() {
    let (net, sink) = (Memory::default(), Taking::default());
    let running = host(&net, &Probe::default()).log_to(sink.clone()).start().await.unwrap();
    call(&net, &running, "Echo").await;
    let mut connection = net.dial(running.address()).await.unwrap();
    send(&mut connection, "GET", "/nowhere").await;
    running.shutdown();
    let _ended = running.wait().await;
    let lines = sink.of_calls();
    assert_eq!(lines.len(), 2, "{lines:#?}");
    assert_eq!(
        (&lines[0]["method"], &lines[0]["code"]),
        (&"probe.v1.Probe/Echo".into(), &"ok".into())
    );
    assert_eq!((&lines[1]["method"], &lines[1]["status"]), (&"_OTHER".into(), &404.into()));
}
