use std::io;
use std::pin::Pin;
use std::sync::Mutex;
use std::task::{Context as TaskContext, Poll, Waker};
use std::time::Duration;

use kitfox_core::{Platform, TraceContext};
use tokio::io::AsyncWrite;

use super::*;

/// 2026-11-24T08:25:04.123456Z
const AT: u64 = 1_795_508_704_123_456_789;

/// What `logs` wrote so far.
pub(super) fn written(logs: &Logs) -> String {
    let mut text = Vec::new();
    while let Some(chunk) = logs.buffer().take() {
        text.extend_from_slice(chunk.bytes());
        logs.buffer().done(chunk, true);
    }
    String::from_utf8(text).unwrap()
}

pub(super) fn logs(format: Format) -> Logs {
    Logs::new(LogSettings { format, ..LogSettings::default() })
}

fn trace() -> TraceContext {
    "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01".parse().unwrap()
}

/// One line with everything.
fn everything(line: &mut Line<'_>) {
    line.message("an \"odd\"\n\u{1b}[31mthing");
    line.trace(&trace());
    line.text("text", "a=b c");
    line.text("empty", "");
    line.number("count", 7);
    line.integer("below", -7);
    line.float("share", 0.25);
    line.float("none", f64::NAN);
    line.boolean("late", true);
    line.number("most", u64::MAX);
    line.duration("took", Duration::from_micros(1_500));
    line.debug("debug", &Some("x\u{9b}"));
    line.field("password", "open sesame");
    line.field("level", "five");
}

fn line_of(format: Format, write: impl FnOnce(&mut Line<'_>)) -> String {
    let logs = logs(format);
    logs.line(Level::WARN, AT, "shop::db", write);
    written(&logs)
}

#[test]
fn a_json_line_has_everything_and_is_json() {
    let line = line_of(Format::Json, everything);
    assert!(line.ends_with("}\n") && line.matches('\n').count() == 1, "{line}");
    let value: serde_json::Value = serde_json::from_str(&line).unwrap();
    let expected = serde_json::json!({
        "time": "2026-11-24T08:25:04.123456Z",
        "level": "warn",
        "target": "shop::db",
        "message": "an \"odd\"\n\u{1b}[31mthing",
        "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
        "span_id": "00f067aa0ba902b7",
        "text": "a=b c",
        "empty": "",
        "count": 7,
        "below": -7,
        "share": 0.25,
        "none": "NaN",
        "late": true,
        "most": u64::MAX,
        "took": 0.0015,
        "debug": "Some(\"x\\u{9b}\")",
        "password": "[redacted]",
        "field.level": "five",
    });
    assert_eq!(value, expected, "{line}");
}

#[test]
fn a_logfmt_line_has_everything() {
    let expected = concat!(
        r#"time=2026-11-24T08:25:04.123456Z level=warn target=shop::db "#,
        r#"message="an \"odd\"\n\u001b[31mthing" trace_id=4bf92f3577b34da6a3ce929d0e0e4736 "#,
        r#"span_id=00f067aa0ba902b7 text="a=b c" empty="" count=7 below=-7 share=0.25 none=NaN "#,
        r#"late=true most=18446744073709551615 took=0.001500s debug="Some(\"x\\u{9b}\")" password=[redacted] "#,
        "field.level=five\n"
    );
    assert_eq!(line_of(Format::Logfmt, everything), expected);
}

#[test]
fn names_are_safe_too() {
    let write = |line: &mut Line<'_>| line.field("a b=\"\u{1b}", "c");
    assert!(line_of(Format::Logfmt, write).ends_with(" a_b____u001b=c\n"));
    assert!(line_of(Format::Json, write).ends_with(",\"a b=\\\"\\u001b\":\"c\"}\n"));
    assert!(!line_of(Format::Pretty, write).contains('\u{1b}'));
}

#[test]
fn a_line_that_is_too_long_is_cut_and_says_so() {
    for format in [Format::Json, Format::Logfmt, Format::Pretty] {
        for text in ["x".repeat(100_000), "\u{1}".repeat(100_000), "é".repeat(100_000)] {
            let line = line_of(format, |line| {
                line.message("long");
                line.text("text", &text);
                line.text("more", &text);
            });
            assert!(line.len() <= 16 * 1024, "{} bytes", line.len());
            assert!(line.contains('…') && line.contains("cut") && !line.contains("more"));
            if format == Format::Json {
                serde_json::from_str::<serde_json::Value>(&line).unwrap();
            }
        }
        let many = line_of(format, |line| {
            for _ in 0..10_000 {
                line.number("number", 1);
            }
        });
        assert!(many.len() <= 16 * 1024 && many.contains("cut"));
    }
}

#[test]
fn a_value_that_logs_when_it_is_formatted_does_no_harm() {
    struct Talkative(Logs);
    impl fmt::Display for Talkative {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            self.0.line(Level::INFO, AT, "inner", |line| line.message("inner"));
            f.write_str("outer")
        }
    }
    let logs = logs(Format::Logfmt);
    logs.line(Level::INFO, AT, "outer", |line| line.display("who", &Talkative(logs.clone())));
    let text = written(&logs);
    assert_eq!(text.lines().count(), 2, "{text}");
    assert!(text.ends_with("target=outer who=outer\n"), "{text}");
}

#[test]
fn who_exports_is_handed_what_the_line_says() {
    let logs = logs(Format::Json);
    let seen: Arc<Mutex<Vec<String>>> = Arc::default();
    let told = Arc::clone(&seen);
    assert!(logs.export(move |record| {
        let attributes: Vec<_> = record.attributes().collect();
        let LogRecord { level, unix_nanos, target, message, trace, .. } = record;
        assert_eq!((*level, *unix_nanos, *target), (Level::WARN, AT, "shop::db"));
        assert_eq!(trace.map(ToString::to_string), Some(self::trace().to_string()));
        told.lock().unwrap().push(format!("{message:?} {attributes:?}"));
    }));
    logs.line(Level::WARN, AT, "shop::db", everything);
    let seen = seen.lock().unwrap().join("\n");
    for part in [
        r#""an \"odd\"\n\u{1b}[31mthing""#,
        r#"("text", Text("a=b c"))"#,
        r#"("count", Integer(7))"#,
        r#"("below", Integer(-7))"#,
        r#"("late", Boolean(true))"#,
        r#"("most", Text("18446744073709551615"))"#,
        r#"("took", Float(0.0015))"#,
        r#"("debug", Text("Some(\"x\\u{9b}\")"))"#,
        r#"("password", Text("[redacted]"))"#,
    ] {
        assert!(seen.contains(part), "{part} in {seen}");
    }
}

/// A sink that takes something only when it is told to.
#[derive(Clone, Default)]
struct Sink(Arc<Mutex<SinkState>>);

#[derive(Default)]
struct SinkState {
    text: Vec<u8>,
    writes: usize,
    stalled: bool,
    broken: bool,
    waker: Option<Waker>,
}

impl Sink {
    fn set(&self, change: impl FnOnce(&mut SinkState)) {
        let mut state = self.0.lock().unwrap();
        change(&mut state);
        if let Some(waker) = state.waker.take() {
            waker.wake();
        }
    }

    fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().text.clone()).unwrap()
    }
}

impl AsyncWrite for Sink {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut TaskContext<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let mut state = self.0.lock().unwrap();
        if state.broken {
            return Poll::Ready(Err(io::ErrorKind::BrokenPipe.into()));
        }
        if state.stalled {
            state.waker = Some(cx.waker().clone());
            return Poll::Pending;
        }
        state.writes += 1;
        state.text.extend_from_slice(bytes);
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut TaskContext<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut TaskContext<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

fn say(logs: &Logs, what: &str) {
    logs.line(Level::INFO, AT, "test", |line| line.message(what));
}

fn in_a_second() -> Instant {
    Instant::now() + Duration::from_secs(1)
}

#[tokio::test(start_paused = true)]
async fn many_lines_are_written_at_once() {
    let (logs, sink) = (logs(Format::Logfmt), Sink::default());
    let _task = Platform::system().tasks().spawn(logs.write_to(sink.clone()));
    for burst in 1..=3 {
        for _ in 0..50 {
            say(&logs, "hello");
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
        assert_eq!(sink.text().lines().count(), burst * 50);
        assert_eq!(sink.0.lock().unwrap().writes, burst);
    }
}

#[tokio::test(start_paused = true)]
async fn a_flush_does_not_wait_for_more_lines() {
    let (logs, sink) = (logs(Format::Logfmt), Sink::default());
    let _task = Platform::system().tasks().spawn(logs.write_to(sink.clone()));
    let begin = Instant::now();
    for _ in 0..3 {
        say(&logs, "hello");
        assert_eq!(logs.flush(in_a_second()).await, Flushed { left: 0 });
    }
    assert_eq!(sink.text().lines().count(), 3);
    assert_eq!(begin.elapsed(), Duration::ZERO);
}

#[tokio::test(start_paused = true)]
async fn a_stalled_sink_costs_lines_and_a_line_tells_of_them() {
    let settings =
        LogSettings { format: Format::Logfmt, buffer_bytes: 64 * 1024, ..LogSettings::default() };
    let (logs, sink) = (Logs::new(settings), Sink::default());
    let _task = Platform::system().tasks().spawn(logs.write_to(sink.clone()));
    sink.set(|sink| sink.stalled = true);
    for _ in 0..5_000 {
        say(&logs, "hello");
        tokio::task::yield_now().await;
    }
    let dropped = logs.dropped();
    assert!(dropped.total() > 3_000 && logs.buffered_bytes() <= 64 * 1024, "{dropped:?}");
    let begin = Instant::now();
    let Flushed { left } = logs.flush(in_a_second()).await;
    assert_eq!(begin.elapsed(), Duration::from_secs(1));
    assert_eq!(left + dropped.total(), 5_000);

    sink.set(|sink| sink.stalled = false);
    assert_eq!(logs.flush(in_a_second()).await.left, 0);
    tokio::time::sleep(Duration::from_millis(20)).await;
    let text = sink.text();
    let told = format!("dropped={0} info={0}\n", dropped.total());
    assert!(text.ends_with(&told), "{told} in {}", text.lines().last().unwrap());
    assert_eq!(text.lines().filter(|line| line.ends_with("message=hello")).count() as u64, left);
}

#[tokio::test(start_paused = true)]
async fn a_broken_sink_loses_lines_and_is_tried_again() {
    let (logs, sink) = (logs(Format::Logfmt), Sink::default());
    let _task = Platform::system().tasks().spawn(logs.write_to(sink.clone()));
    sink.set(|sink| sink.broken = true);
    say(&logs, "lost");
    tokio::time::sleep(Duration::from_millis(500)).await;
    assert_eq!(logs.dropped().of(Level::INFO), 1);
    sink.set(|sink| sink.broken = false);
    say(&logs, "kept");
    tokio::time::sleep(Duration::from_secs(2)).await;
    let text = sink.text();
    assert!(text.contains("message=kept\n") && text.contains("dropped=1 info=1\n"), "{text}");
}

#[tokio::test(start_paused = true)]
async fn a_closed_writer_writes_all_and_ends_even_if_its_sink_is_broken() {
    for broken in [false, true] {
        let (logs, sink) = (logs(Format::Logfmt), Sink::default());
        let task = Platform::system().tasks().spawn(logs.write_to(sink.clone()));
        sink.set(|sink| sink.broken = broken);
        say(&logs, "last words");
        let begin = Instant::now();
        assert_eq!(logs.close(in_a_second()).await.left, 0);
        task.await.unwrap();
        assert!(begin.elapsed() < Duration::from_millis(100));
        assert_eq!(sink.text().contains("last words"), !broken);
        assert_eq!(logs.dropped().total(), u64::from(broken));
    }
}

#[tokio::test(start_paused = true)]
async fn what_a_writer_has_in_hand_when_it_is_ended_is_counted() {
    let (logs, sink) = (logs(Format::Logfmt), Sink::default());
    let platform = Platform::system();
    let task = platform.tasks().spawn(logs.write_to(sink.clone()));
    sink.set(|sink| sink.stalled = true);
    say(&logs, "hello");
    tokio::time::sleep(Duration::from_millis(20)).await;
    platform.tasks().end();
    let _ended = task.await;
    assert_eq!(logs.dropped().total(), 1);
}

#[tokio::test(start_paused = true)]
async fn the_last_words_of_a_process_are_written_at_once() {
    struct Last(Arc<Mutex<Vec<u8>>>);
    impl io::Write for Last {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
    let (logs, last) = (logs(Format::Logfmt), Arc::<Mutex<Vec<u8>>>::default());
    let said = || String::from_utf8(std::mem::take(&mut last.lock().unwrap())).unwrap();
    say(&logs, "left");
    logs.write_at_once(Last(Arc::clone(&last))).unwrap();
    assert_eq!(said().lines().count(), 1);
    say(&logs, "last");
    assert!(said().ends_with("message=last\n"));
    assert_eq!((logs.buffered_bytes(), logs.flush(in_a_second()).await.left), (0, 0));

    let sink = Sink::default();
    let _task = Platform::system().tasks().spawn(logs.write_to(sink.clone()));
    say(&logs, "again");
    assert_eq!(logs.flush(in_a_second()).await.left, 0);
    assert_eq!((said().len(), sink.text().lines().count()), (0, 1));
}

#[test]
fn the_filter_is_replaced_for_calls_too() {
    let logs = logs(Format::Json);
    assert!(logs.enabled_for_calls(Level::INFO) && !logs.enabled_for_calls(Level::DEBUG));
    logs.set_filter("info,kitfox::call=warn".parse().unwrap());
    assert!(logs.enabled_for_calls(Level::WARN) && !logs.enabled_for_calls(Level::INFO));
    assert!(logs.enabled(Level::INFO, "shop"));
    logs.set_filter("off".parse().unwrap());
    assert!(!logs.enabled_for_calls(Level::ERROR));
}
