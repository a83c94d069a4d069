//! What whoever started the process reads on standard error, without a subscriber of logs.

use std::io::Write;

/// Prints `line`. That nobody reads it is no failure.
pub(crate) fn notice(line: &str) {
    // In one piece, so that no other thread's line comes in between.
    let line = format!("{line}\n");
    let _ = std::io::stderr().lock().write_all(line.as_bytes());
}
