//! The phases of the shutdown, and that it always ends.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures_util::stream::poll_fn;
use kitfox::config::Drain;
use kitfox::{Context, Ending, HostError, Phase};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::sync::mpsc;
use tokio::time::Instant;

use super::{DRAIN, SLACK, admin, bare, host};
use crate::support::http::{begin_call, read};
use crate::support::memory::Memory;
use crate::support::probe::{Probe, SLOW};

const HANG: &str = "/probe.v1.Probe/Hang";

#[tokio::test(start_paused = true)]
async fn the_phases_come_in_their_order_and_an_idle_host_waits_only_for_propagation() {
    let net = Memory::default();
    let running = host(&net, &Probe::default()).start().await.unwrap();
    let handle = running.handle();
    assert_eq!(handle.phase(), Phase::Serving);
    let start = Instant::now();
    let times = Arc::new(Mutex::new(Vec::new()));
    let watch = async {
        for phase in
            [Phase::Leaving, Phase::Finishing, Phase::Background, Phase::Flushing, Phase::Ended]
        {
            handle.reached(phase).await;
            times.lock().unwrap().push((phase, start.elapsed()));
        }
    };
    running.shutdown();
    let (ending, ()) = tokio::join!(running.wait(), watch);
    assert_eq!(ending, Ending::Clean);
    assert_eq!(handle.phase(), Phase::Ended);
    let times = times.lock().unwrap().clone();
    assert_eq!(times[0], (Phase::Leaving, Duration::ZERO));
    for (phase, time) in &times[1..] {
        assert!(
            (DRAIN.propagation..DRAIN.propagation + SLACK).contains(time),
            "{phase:?} {time:?}"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn readiness_fails_before_the_port_closes_and_calls_are_taken_until_then() {
    let net = Memory::default();
    let running = host(&net, &Probe::default()).start().await.unwrap();
    assert_eq!(admin(&net, &running, "/readyz").await.status, 200);

    running.shutdown();
    running.handle().reached(Phase::Leaving).await;
    let answer = admin(&net, &running, "/readyz").await;
    assert_eq!(answer.status, 503);
    assert!(answer.body.contains("leaving"), "{}", answer.body);
    let mut connection = net.dial(running.address()).await.unwrap();
    begin_call(&mut connection, "/probe.v1.Probe/Echo", "{}").await;
    assert_eq!(read(&mut connection).await.status, 200);

    let address = running.address();
    running.handle().reached(Phase::Background).await;
    assert!(net.dial(address).await.is_err());
    assert_eq!(running.wait().await, Ending::Clean);
}

#[tokio::test(start_paused = true)]
async fn a_call_in_flight_is_finished() {
    let (net, probe) = (Memory::default(), Probe::default());
    let running = host(&net, &probe).start().await.unwrap();
    let mut connection = net.dial(running.address()).await.unwrap();
    // Longer than the propagation delay, so that it is finished after the port closed.
    begin_call(&mut connection, "/probe.v1.Probe/Slow", "{}").await;
    probe.called(1).await;
    let start = Instant::now();
    tokio::time::sleep(SLOW / 2).await;
    running.handle().shutdown();
    let answer = read(&mut connection).await;
    assert_eq!(answer.status, 200);
    assert_eq!(running.wait().await, Ending::Clean);
    assert!(start.elapsed() < SLOW / 2 + DRAIN.propagation + SLACK);
}

#[tokio::test(start_paused = true)]
async fn a_call_that_never_returns_is_dropped_at_its_deadline() {
    let (net, probe) = (Memory::default(), Probe::default());
    let running = host(&net, &probe).start().await.unwrap();
    let mut connection = net.dial(running.address()).await.unwrap();
    begin_call(&mut connection, HANG, "{}").await;
    probe.called(1).await;
    let start = Instant::now();
    running.shutdown();
    assert_eq!(running.wait().await, Ending::Late(Phase::Finishing));
    let expected = DRAIN.propagation + DRAIN.calls;
    assert!((expected..expected + SLACK).contains(&start.elapsed()), "{:?}", start.elapsed());
}

#[tokio::test(start_paused = true)]
async fn half_open_and_idle_connections_hold_nothing_up() {
    let net = Memory::default();
    let running = host(&net, &Probe::default()).start().await.unwrap();
    let mut half = net.dial(running.address()).await.unwrap();
    half.write_all(b"POST /v1/echo HTTP/1.1\r\nhost: te").await.unwrap();
    let mut body_missing = net.dial(running.address()).await.unwrap();
    let head = "POST /v1/echo HTTP/1.1\r\nhost: test\r\ncontent-type: application/json\r\n\
                content-length: 100\r\n\r\n{";
    body_missing.write_all(head.as_bytes()).await.unwrap();
    let mut silent = net.dial(running.address()).await.unwrap();
    tokio::time::sleep(Duration::from_secs(1)).await;

    let start = Instant::now();
    running.shutdown();
    let _ = running.wait().await;
    assert!(start.elapsed() < DRAIN.propagation + DRAIN.calls + SLACK, "{:?}", start.elapsed());
    for connection in [&mut half, &mut body_missing, &mut silent] {
        let mut rest = Vec::new();
        // The end, by whatever name; an open connection would hang here.
        let _ = connection.read_to_end(&mut rest).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_worker_that_ignores_the_shutdown_is_dropped_at_its_deadline() {
    struct Dropped(Arc<AtomicBool>);
    impl Drop for Dropped {
        fn drop(&mut self) {
            self.0.store(true, Ordering::SeqCst);
        }
    }
    let dropped = Arc::new(AtomicBool::new(false));
    let shared = Arc::clone(&dropped);
    let running = bare(&Memory::default())
        .worker("deaf", move |_| {
            let held = Dropped(Arc::clone(&shared));
            async move {
                std::future::pending::<()>().await;
                drop(held);
            }
        })
        .start()
        .await
        .unwrap();
    tokio::task::yield_now().await;
    let start = Instant::now();
    running.shutdown();
    assert_eq!(running.wait().await, Ending::Late(Phase::Background));
    assert!(dropped.load(Ordering::SeqCst));
    let expected = DRAIN.propagation + DRAIN.tasks;
    assert!((expected..expected + SLACK).contains(&start.elapsed()), "{:?}", start.elapsed());
}

#[tokio::test(start_paused = true)]
async fn workers_are_told_after_the_last_call_and_awaited() {
    let (net, probe) = (Memory::default(), Probe::default());
    let told_in = Arc::new(Mutex::new(None));
    let host = host(&net, &probe);
    let (handle, told) = (host.handle(), Arc::clone(&told_in));
    let running = host
        .worker("tidy", move |cx: Context| {
            let (handle, told) = (handle.clone(), Arc::clone(&told));
            async move {
                let _ = cx.done().await;
                *told.lock().unwrap() = Some(handle.phase());
                tokio::time::sleep(Duration::from_secs(1)).await;
            }
        })
        .start()
        .await
        .unwrap();
    let mut connection = net.dial(running.address()).await.unwrap();
    begin_call(&mut connection, HANG, "{}").await;
    probe.called(1).await;
    running.shutdown();
    assert_eq!(running.wait().await, Ending::Late(Phase::Finishing));
    assert_eq!(*told_in.lock().unwrap(), Some(Phase::Background));
}

#[tokio::test(start_paused = true)]
async fn detached_work_is_awaited_and_the_admin_port_answers_meanwhile() {
    let (net, probe) = (Memory::default(), Probe::default());
    let running = host(&net, &probe).start().await.unwrap();
    let mut connection = net.dial(running.address()).await.unwrap();
    running.shutdown();
    running.handle().reached(Phase::Leaving).await;
    tokio::time::sleep(DRAIN.propagation / 2).await;
    begin_call(&mut connection, "/probe.v1.Probe/Detach", "{}").await;
    assert_eq!(read(&mut connection).await.status, 200);
    assert!(!probe.detached_work_is_done());

    running.handle().reached(Phase::Background).await;
    assert_eq!(admin(&net, &running, "/healthz").await.status, 200);
    let answer = admin(&net, &running, "/readyz").await;
    assert_eq!((answer.status, probe.detached_work_is_done()), (503, false));
    assert_eq!(running.wait().await, Ending::Clean);
    assert!(probe.detached_work_is_done());
}

#[tokio::test(start_paused = true)]
async fn one_signal_shuts_down_in_order() {
    let (signals, mut next) = mpsc::channel(2);
    let host = bare(&Memory::default());
    let handle = host.handle();
    let signal = async {
        handle.reached(Phase::Serving).await;
        signals.send("SIGTERM").await.unwrap();
        handle.reached(Phase::Ended).await;
    };
    let start = Instant::now();
    let running = host.start().await.unwrap();
    let run = running.run_with_signals(poll_fn(|cx| next.poll_recv(cx)));
    let (ended, ()) = tokio::join!(run, signal);
    ended.unwrap();
    assert!(start.elapsed() >= DRAIN.propagation);
}

#[tokio::test(start_paused = true)]
async fn a_second_signal_ends_at_once_whatever_is_in_flight() {
    let (net, probe) = (Memory::default(), Probe::default());
    let (signals, mut next) = mpsc::channel(2);
    let host = host(&net, &probe).listen("127.0.0.1:8080");
    let handle = host.handle();
    let start = Instant::now();
    let signal = async {
        handle.reached(Phase::Serving).await;
        let mut connection = net.dial(([127, 0, 0, 1], 8080).into()).await.unwrap();
        begin_call(&mut connection, HANG, "{}").await;
        probe.called(1).await;
        signals.send("SIGTERM").await.unwrap();
        handle.reached(Phase::Finishing).await;
        signals.send("SIGINT").await.unwrap();
        let mut rest = Vec::new();
        let _ = connection.read_to_end(&mut rest).await;
        assert!(rest.is_empty());
    };
    let running = host.start().await.unwrap();
    let run = running.run_with_signals(poll_fn(|cx| next.poll_recv(cx)));
    let (ended, ()) = tokio::join!(run, signal);
    let error = ended.unwrap_err();
    assert!(matches!(error, HostError::Interrupted { signal: "SIGINT", phase: Phase::Finishing }));
    assert!(start.elapsed() < DRAIN.propagation + SLACK);
}

#[tokio::test(start_paused = true)]
async fn a_host_that_was_told_to_end_before_it_ran_ends() {
    let host = bare(&Memory::default());
    host.handle().shutdown();
    assert_eq!(host.start().await.unwrap().wait().await, Ending::Clean);
}

#[tokio::test(start_paused = true)]
async fn a_host_that_does_not_come_up_leaves_no_port_open() {
    let net = Memory::default();
    let first = bare(&net).start().await.unwrap();
    let error = bare(&net).admin("127.0.0.1:7000").start().await.unwrap_err();
    assert!(matches!(error, HostError::Bind { key: "listen", .. }), "{error}");
    assert_eq!(format!("{error:?}"), error.to_string());
    tokio::task::yield_now().await;
    assert!(net.dial(([127, 0, 0, 1], 7000).into()).await.is_err());
    first.shutdown();
    assert_eq!(first.wait().await, Ending::Clean);
}

/// The only test here on real time: a blocked thread needs another one to look on.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn what_blocks_its_thread_is_named_and_not_waited_for() {
    let (release, blocked) = std::sync::mpsc::channel::<()>();
    let (begun, began) = std::sync::mpsc::channel();
    let blocked = Mutex::new(Some((blocked, begun)));
    let soon = Duration::from_millis(20);
    let drain = Drain { propagation: Duration::ZERO, calls: soon, tasks: soon, ..DRAIN };
    let running = bare(&Memory::default())
        .drain(drain)
        .worker("blocker", move |_| {
            let (blocked, begun) = blocked.lock().unwrap().take().unwrap();
            async move {
                begun.send(()).unwrap();
                let _ = blocked.recv();
            }
        })
        .start()
        .await
        .unwrap();
    began.recv().unwrap();
    running.shutdown();
    assert_eq!(running.wait().await, Ending::Stuck(1));
    drop(release);
}

#[test]
fn a_host_runs_in_a_task_too() {
    fn is_send(_: &impl Send) {}
    let host = bare(&Memory::default());
    is_send(&host);
    is_send(&host.run());
}
