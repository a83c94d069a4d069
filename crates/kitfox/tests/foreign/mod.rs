//! Clients of others call a host over real sockets.
//!
//! A test whose client is not installed says so and passes, unless `KITFOX_FOREIGN=required` is
//! set, as the gate does.

mod collector;
mod grpcio;
mod h2spec;
mod printed;
mod prometheus;
mod reflection;
mod rest_streams;
mod script;
mod talk;

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::LazyLock;

use kitfox::{Host, config::Environment};
use strings::{Service, StringsServer};

/// A host of the strings service on a free port, for as long as `test` runs.
pub(super) fn serving(test: impl FnOnce(&str)) {
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let host = Host::new("strings")
        .serve(StringsServer::new(Service))
        .environment(Environment::default())
        .listen("127.0.0.1:0")
        .admin("127.0.0.1:0")
        .announce(false);
    let running = runtime.block_on(host.start()).expect("the host starts");
    test(&running.address().to_string());
    running.shutdown();
    let _ = runtime.block_on(running.wait());
}

/// Runs a foreign client; `None` when it is not there and need not be.
pub(super) fn run(program: impl AsRef<OsStr>, arguments: &[&str]) -> Option<Output> {
    let program = program.as_ref();
    match Command::new(program).args(arguments).output() {
        Ok(output) => Some(output),
        Err(why) => missing(program, &why.to_string()),
    }
}

pub(super) fn missing<T>(program: &OsStr, why: &str) -> Option<T> {
    let required = std::env::var_os("KITFOX_FOREIGN").is_some_and(|value| value == "required");
    assert!(!required, "{} is required and cannot be run: {why}", program.display());
    eprintln!("SKIPPED: {} cannot be run: {why}", program.display());
    None
}

/// A directory with the `strings.proto` that the contract is.
fn directory_of_proto() -> PathBuf {
    static WRITTEN: LazyLock<PathBuf> = LazyLock::new(|| {
        let directory = Path::new(env!("CARGO_TARGET_TMPDIR")).join("foreign");
        let files = kitfox::contract::proto(&[strings::StringsClient::CONTRACT]).unwrap();
        std::fs::create_dir_all(&directory).unwrap();
        std::fs::write(directory.join("strings.proto"), &files[0].text).unwrap();
        directory
    });
    WRITTEN.clone()
}

pub(super) fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// Status and body of what curl gets.
fn curl(url: &str, arguments: &[&str]) -> Option<(u16, String)> {
    let mut all = vec!["-s", "-m", "20", "-w", "\n%{http_code}", url];
    all.extend_from_slice(arguments);
    let output = run("curl", &all)?;
    assert!(output.status.success(), "curl failed: {}", text(&output.stderr));
    let answer = text(&output.stdout);
    let (body, status) = answer.rsplit_once('\n').expect("a status in the last line");
    Some((status.parse().expect("a status"), body.to_owned()))
}

const JSON: [&str; 2] = ["-H", "content-type: application/json"];

#[test]
fn curl_calls_rest() {
    serving(|address| {
        for version in ["--http1.1", "--http2-prior-knowledge"] {
            let url = format!("http://{address}/v1/uppercase");
            let call = |body| curl(&url, &[version, JSON[0], JSON[1], "-d", body]);
            let Some(answer) = call(r#"{"text":"straße"}"#) else { return };
            assert_eq!(answer, (200, r#"{"text":"STRASSE"}"#.to_owned()));

            let (status, problem) = call("{}").expect("curl is there");
            assert_eq!(status, 400);
            let problem: serde_json::Value = serde_json::from_str(&problem).expect("JSON");
            assert_eq!(problem["detail"], "nothing to do: the text is empty");
            assert_eq!(problem["reason"], "EMPTY");
            assert_eq!(problem["code"], "invalid_argument");

            let url = format!("http://{address}/v1/count/gr%C3%B6%C3%9Fe");
            let count = curl(&url, &[version]).expect("curl is there");
            assert_eq!(count, (200, r#"{"count":"5"}"#.to_owned()));
        }
    });
}

#[test]
fn curl_calls_connect() {
    serving(|address| {
        for version in ["--http1.1", "--http2-prior-knowledge"] {
            let url = format!("http://{address}/strings.v1.Strings/Uppercase");
            let call = |body| curl(&url, &[version, JSON[0], JSON[1], "-d", body]);
            let Some(answer) = call(r#"{"text":"straße"}"#) else { return };
            assert_eq!(answer, (200, r#"{"text":"STRASSE"}"#.to_owned()));

            let (status, error) = call("{}").expect("curl is there");
            assert_eq!(status, 400);
            let error: serde_json::Value = serde_json::from_str(&error).expect("JSON");
            assert_eq!(error["code"], "invalid_argument");
            assert_eq!(error["message"], "nothing to do: the text is empty");
            assert_eq!(error["details"][0]["type"], "google.rpc.ErrorInfo");
        }
    });
}

#[test]
fn curl_calls_grpc_too_late() {
    serving(|address| {
        let url = format!("http://{address}/strings.v1.Strings/Uppercase");
        let call = ["--http2-prior-knowledge", "-D", "-", "-d", ""];
        let headers = ["-H", "content-type: application/grpc", "-H", "grpc-timeout: 0n"];
        let Some((status, answer)) = curl(&url, &[&call[..], &headers[..]].concat()) else {
            return;
        };
        assert_eq!(status, 200);
        assert!(answer.contains("grpc-status: 4"), "{answer}");
        assert!(answer.contains("grpc-message: the deadline had passed"), "{answer}");
    });
}

#[test]
fn grpcurl_calls_grpc() {
    serving(|address| {
        let directory = directory_of_proto();
        let directory = directory.to_str().expect("a path in UTF-8");
        let call = |method: &str, body: &str| {
            let arguments = ["-plaintext", "-max-time", "20", "-import-path", directory];
            let mut arguments = arguments.to_vec();
            arguments.extend_from_slice(&["-proto", "strings.proto", "-d", body, address, method]);
            run("grpcurl", &arguments)
        };
        let uppercase = "strings.v1.Strings/Uppercase";
        let Some(answer) = call(uppercase, r#"{"text":"straße"}"#) else { return };
        assert!(answer.status.success(), "{}", text(&answer.stderr));
        assert!(text(&answer.stdout).contains(r#""text": "STRASSE""#));

        let answer = call("strings.v1.Strings/Count", r#"{"text":"größe"}"#).expect("it is there");
        assert!(text(&answer.stdout).contains(r#""count": "5""#), "{}", text(&answer.stderr));

        let refused = call(uppercase, "{}").expect("it is there");
        assert!(!refused.status.success());
        let said = text(&refused.stderr);
        for part in ["InvalidArgument", "nothing to do: the text is empty", "google.rpc.ErrorInfo"]
        {
            assert!(said.contains(part), "{part} is not in {said}");
        }
    });
}
