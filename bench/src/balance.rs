//! How well calls are spread when one of ten replicas is in trouble.
//!
//! The simulation is an example of the crate that has the balancer, and a build of its own: paused
//! time needs tokio's `test-util`, and what this program measures must not be built with that.

use std::process::Command;

use crate::failure::{Failure, While};

/// Runs it; with `check` a missed aim is a failure.
pub(crate) fn run(check: bool) -> Result<(), Failure> {
    let doing = "running the example `balance` of kitfox-discovery";
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    // Paused time is the same in every profile; some millions of calls want an optimized one.
    let words = ["run", "--quiet", "--profile", "plain-release", "-p", "kitfox-discovery"];
    let ended = Command::new(cargo)
        .args(words)
        .args(["--example", "balance"])
        .args(check.then_some(["--", "--check"]).into_iter().flatten())
        .status()
        .failed_while(doing)?;
    if ended.success() { Ok(()) } else { Err(Failure::new(doing, ended)) }
}
