//! The onion as it is glued together of the usual crates around an axum and a tonic server: what
//! Kitfox's is compared with.
//!
//! Every call leaves a line of JSON on standard output, a counter and a histogram, and where it is
//! sampled a span, which goes to a collector in batches; it is held to a rate limit and a timeout, and
//! a panic is its own failure. All is written as the crates' documentation writes it, and set as
//! cheaply as it can be without losing any of that.
#![expect(clippy::print_stderr, reason = "a program for the terminal")]

mod axum;
mod limit;
mod measure;
mod telemetry;
mod tonic;

use std::process::ExitCode;
use std::time::Duration;

use bench_common::{Failure, While, serve};

const USAGE: &str = "usage: bench-peers serve glued-axum|glued-tonic [WORKERS]
Where spans go and which are sampled is said as OpenTelemetry says it: OTEL_EXPORTER_OTLP_ENDPOINT,
OTEL_TRACES_SAMPLER, OTEL_TRACES_SAMPLER_ARG.";

/// How long a call may take.
const TIMEOUT: Duration = Duration::from_secs(30);

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match run(&words) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("bench-peers: {failure}");
            ExitCode::FAILURE
        }
    }
}

fn run(words: &[&str]) -> Result<(), Failure> {
    let (server, workers) = match *words {
        ["serve", server] => (server, None),
        ["serve", server, workers] => (server, Some(workers)),
        _ => return Err(Failure::new("reading the arguments", USAGE)),
    };
    let workers = workers.map(str::parse).transpose();
    let workers = workers.failed_while("reading the number of workers")?;
    serve::until_end_of_input(workers, async {
        let _telemetry = telemetry::install()?;
        match server {
            "glued-axum" => axum::run().await,
            "glued-tonic" => tonic::run().await,
            _ => Err(Failure::new("reading the arguments", USAGE)),
        }
    })
}
