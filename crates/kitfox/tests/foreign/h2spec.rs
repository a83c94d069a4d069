//! `h2spec` (`go install github.com/summerwind/h2spec/cmd/h2spec@latest`) against a host: what
//! RFC 9113 and RFC 7541 say of a server, case by case, the strict ones included.

use std::time::Duration;

use bytes::Bytes;
use kitfox::Host;
use kitfox::config::Environment;

use super::{run, text};

/// The cases that a host does not pass, each with the reason.
const NOT_OURS: [(&str, &str, &str); 2] = [
    (
        "http2/3.5",
        "Sends invalid connection preface",
        // It is answered 400 over HTTP/1.1 and the connection is closed. The case takes that
        // answer for a frame.
        "a port speaks HTTP/1.1, too: what is not the preface of HTTP/2 is a request of HTTP/1.1",
    ),
    (
        "http2/4.2",
        "Sends a large size HEADERS frame that exceeds the SETTINGS_MAX_FRAME_SIZE",
        // It is answered 431, as a head over `header_bytes` is. The next test makes the head
        // longer than the frames that a port takes.
        "its head of 20,000 bytes exceeds the size that HTTP/2 begins with, not the one that is set",
    ),
];

/// A fifth of a head that exceeds every frame that a port takes.
const LONG_HEADER: &str = "32000";

/// The fewest cases of a run that tells anything.
const CASES: usize = 140;

/// One case of the report.
#[derive(Debug)]
struct Case {
    section: String,
    name: String,
    /// What went wrong; empty where nothing did.
    failure: String,
}

impl Case {
    fn is(&self, (section, name, _): &(&str, &str, &str)) -> bool {
        self.section == *section && self.name == *name
    }
}

#[test]
fn h2spec_finds_nothing_but_what_is_known() {
    let Some((said, cases)) = cases("all", &[]) else { return };
    assert!(cases.len() >= CASES, "only {} cases ran: {said}", cases.len());
    let failed: Vec<_> = cases.iter().filter(|case| !case.failure.is_empty()).collect();
    let known = |case: &Case| NOT_OURS.iter().any(|known| case.is(known));
    let news: Vec<_> = failed.iter().filter(|case| !known(case)).collect();
    assert!(news.is_empty(), "{news:#?}");
    for known in &NOT_OURS {
        let fails = failed.iter().any(|case| case.is(known));
        assert!(fails, "it passes now, strike it out: {known:?}");
    }
    eprintln!("h2spec: {} of {} cases pass", cases.len() - failed.len(), cases.len());
}

#[test]
fn a_head_in_a_larger_frame_than_a_port_takes_ends_the_connection() {
    let arguments = ["http2/4.2", "--max-header-length", LONG_HEADER];
    let Some((said, cases)) = cases("frames", &arguments) else { return };
    assert!(cases.iter().any(|case| case.is(&NOT_OURS[1])), "{said}");
    let failed: Vec<_> = cases.iter().filter(|case| !case.failure.is_empty()).collect();
    assert!(failed.is_empty(), "{failed:#?}");
}

/// What h2spec says with `arguments`, and the cases of its report, which has a name of its own.
fn cases(name: &str, arguments: &[&str]) -> Option<(String, Vec<Case>)> {
    let file = format!("kitfox-h2spec-{}-{name}.xml", std::process::id());
    let path = std::env::temp_dir().join(file);
    let report = serving(|host, port| {
        let path = path.to_str().expect("a path in UTF-8");
        let mut all = vec!["-h", host, "-p", port, "--strict", "-o", "5", "-j", path];
        all.extend_from_slice(arguments);
        // It exits with a failure where a case fails; the report says which.
        let said = text(&run("h2spec", &all)?.stdout);
        Some((said, std::fs::read_to_string(path).expect("h2spec writes its report")))
    });
    let _ = std::fs::remove_file(&path);
    report.map(|(said, report)| (said, read(&report)))
}

/// What `test` says of a host that reads a request to its end and then takes its time: whoever
/// answers early has no error left to find in what still comes.
fn serving<T>(test: impl FnOnce(&str, &str) -> T) -> T {
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let slow = async |_: Bytes| {
        tokio::time::sleep(Duration::from_millis(20)).await;
        "answered"
    };
    let host = Host::new("spec")
        .mount(axum::Router::new().fallback(slow))
        .environment(Environment::default())
        .listen("127.0.0.1:0")
        .admin("127.0.0.1:0")
        .announce(false);
    let running = runtime.block_on(host.start()).expect("the host starts");
    let address = running.address();
    let said = test(&address.ip().to_string(), &address.port().to_string());
    running.shutdown();
    let _ = runtime.block_on(running.wait());
    said
}

/// The cases of a report in the form that JUnit has.
fn read(report: &str) -> Vec<Case> {
    let cases = report.split("<testcase ").skip(1).map(|case| {
        let (head, rest) = case.split_once('>').expect("a whole tag");
        let body = rest.split("</testcase>").next().unwrap_or_default();
        let failed = ["<failure", "<error"].iter().any(|tag| body.contains(tag));
        Case {
            section: attribute(head, "package"),
            name: attribute(head, "classname"),
            failure: if failed { body.trim().to_owned() } else { String::new() },
        }
    });
    cases.collect()
}

fn attribute(head: &str, name: &str) -> String {
    let start = head.find(&format!("{name}=\"")).expect("the attribute") + name.len() + 2;
    head[start..].split('"').next().unwrap_or_default().to_owned()
}

#[test]
fn a_report_is_read_with_its_failures() {
    let report = r#"<testsuites><testsuite>
        <testcase package="http2/1" classname="passes" time="0.1"></testcase>
        <testcase package="http2/2" classname="fails" time="0.1">
          <failure>closed</failure>
        </testcase>
        <testcase package="http2/3" classname="breaks"><error>timeout</error></testcase>"#;
    let cases = read(report);
    let failed: Vec<_> = cases.iter().map(|case| !case.failure.is_empty()).collect();
    assert_eq!(failed, [false, true, true]);
    assert_eq!((&*cases[1].section, &*cases[1].name), ("http2/2", "fails"));
    assert!(cases[1].failure.contains("closed"));
}
