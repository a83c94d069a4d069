//! What becomes of a server that more is asked of than it can do.
//!
//! The simulation is an example of the crate that has the layer, and a build of its own: paused time
//! needs tokio's `test-util`, and what this program measures must not be built with that.

use std::process::Command;

use crate::failure::{Failure, While};

/// Runs it; with `check` a missed aim is a failure.
pub(crate) fn run(check: bool) -> Result<(), Failure> {
    let doing = "running the example `overload` of kitfox-resilience";
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    // Paused time is the same in every profile, and this one is there from the tests.
    let words = ["run", "--quiet", "-p", "kitfox-resilience", "--example", "overload"];
    let ended = Command::new(cargo)
        .args(words)
        .args(check.then_some(["--", "--check"]).into_iter().flatten())
        .status()
        .failed_while(doing)?;
    if ended.success() { Ok(()) } else { Err(Failure::new(doing, ended)) }
}
