//! What the suite's runner starts: `conformance server` or `conformance client`.

#![expect(clippy::print_stderr, reason = "the runner shows what its programs say there")]

use std::error::Error;
use std::process::ExitCode;

const USAGE: &str =
    "usage: conformance server|client, started by `connectconformance`; see conformance/run";

#[tokio::main]
async fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let ended = match *words {
        ["server"] => conformance::serve().await,
        ["client"] => conformance::call().await,
        _ => {
            eprintln!("{USAGE}");
            return ExitCode::FAILURE;
        }
    };
    match ended {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("conformance: {error}");
            let mut cause = error.source();
            while let Some(error) = cause {
                eprintln!("  {error}");
                cause = error.source();
            }
            ExitCode::FAILURE
        }
    }
}
