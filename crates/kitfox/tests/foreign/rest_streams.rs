//! curl reads a stream over REST, as lines of JSON and as server-sent events.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};

use kitfox::Ending;
use serde_json::{Value, json};
use tokio::runtime::Runtime;

use super::script::talking;
use super::{missing, run, text};

const VERSIONS: [&str; 2] = ["--http1.1", "--http2-prior-knowledge"];
const EVENTS: &str = "text/event-stream";

/// curl prints the body as it comes (`-N`), and the headers beside it.
fn arguments<'a>(version: &'a str, accept: &'a str, url: &'a str) -> [&'a str; 9] {
    ["-sN", "-m", "20", "-D", "/dev/stderr", "-H", accept, version, url]
}

/// Runs `test` against the host of [`talking`], which ends without a call that hangs.
fn serving(test: impl FnOnce(&str) -> Option<()>) {
    let runtime = Runtime::new().expect("a runtime");
    let running = talking(&runtime);
    let _ = test(&format!("http://{}/v1/count", running.address()));
    running.shutdown();
    assert_eq!(runtime.block_on(running.wait()), Ending::Clean);
}

/// The body of a whole stream, whose headers say that it is of type `kind`.
fn whole(version: &str, kind: &str, url: &str) -> Option<String> {
    let output = run("curl", &arguments(version, &format!("accept: {kind}"), url))?;
    let head = text(&output.stderr);
    assert!(output.status.success(), "{head}");
    is_of(&head, kind);
    Some(text(&output.stdout))
}

fn is_of(head: &str, kind: &str) {
    assert!(head.lines().next().is_some_and(|line| line.contains(" 200")), "{head}");
    assert!(head.contains(&format!("content-type: {kind}\r\n")), "{head}");
}

/// The problem of a stream that was told to fail after its second number.
fn is_the_failure(problem: &Value) {
    assert_eq!(problem["code"], "out_of_range");
    assert_eq!(problem["status"], 400);
    assert_eq!(problem["detail"], "no number comes after 2");
    assert_eq!(problem["reason"], "OVER");
}

#[test]
fn curl_reads_lines_of_json() {
    serving(|count| {
        for kind in ["application/jsonl", "application/x-ndjson"] {
            for version in VERSIONS {
                let body = whole(version, kind, &format!("{count}/2"))?;
                assert_eq!(body, "{\"number\":1}\n{\"number\":2}\n");

                let body = whole(version, kind, &format!("{count}/2?fail=true"))?;
                let mut lines =
                    body.lines().map(|line| serde_json::from_str::<Value>(line).expect("JSON"));
                assert_eq!(lines.next(), Some(json!({"number": 1})));
                assert_eq!(lines.next(), Some(json!({"number": 2})));
                is_the_failure(&lines.next().expect("a line of the failure")["error"]);
                assert_eq!(lines.next(), None);
            }
        }
        Some(())
    });
}

#[test]
fn curl_reads_server_sent_events() {
    serving(|count| {
        for version in VERSIONS {
            let body = whole(version, EVENTS, &format!("{count}/2"))?;
            let numbers = "data: {\"number\":1}\n\ndata: {\"number\":2}\n\n";
            assert_eq!(body, format!("{numbers}event: end\ndata: {{}}\n\n"));

            let body = whole(version, EVENTS, &format!("{count}/2?fail=true"))?;
            let error = body.strip_prefix(numbers).expect("what came before the failure");
            let problem = error.strip_prefix("event: error\ndata: ").expect("one event more");
            is_the_failure(&serde_json::from_str(problem).expect("a problem, and nothing more"));
            assert!(problem.ends_with("\n\n"), "{problem:?}");
        }
        Some(())
    });
}

/// Ends with the test, whatever becomes of it.
struct Reader(Child);

impl Drop for Reader {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn curl_reads_a_message_while_the_stream_goes_on() {
    serving(|count| {
        let url = format!("{count}/2?wait=true");
        for (kind, expected) in [
            ("application/jsonl", "{\"number\":1}\n{\"number\":2}\n"),
            (EVENTS, "data: {\"number\":1}\n\ndata: {\"number\":2}\n\n"),
        ] {
            for version in VERSIONS {
                let accept = format!("accept: {kind}");
                let mut curl = Command::new("curl");
                curl.args(arguments(version, &accept, &url));
                let mut reader = match curl.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn() {
                    Ok(child) => Reader(child),
                    Err(why) => return missing("curl".as_ref(), &why.to_string()),
                };
                let mut body = BufReader::new(reader.0.stdout.take().expect("a pipe"));
                let mut read = String::new();
                // It never ends of itself: curl gives up in the end, and so would this.
                while read.len() < expected.len() {
                    let count = body.read_line(&mut read).expect("text");
                    assert_ne!(count, 0, "it ended with {read:?}");
                }
                assert_eq!(read, expected);
                assert!(reader.0.try_wait().expect("a child").is_none(), "curl has ended");
            }
        }
        Some(())
    });
}
