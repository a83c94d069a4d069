//! The programs of others that count and load, and how to get the one that is missing.

use std::process::{Command, Stdio};

use crate::failure::Failure;

/// A program that must be installed.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Tool {
    pub(crate) program: &'static str,
    package: &'static str,
}

pub(crate) const VALGRIND: Tool = Tool { program: "valgrind", package: "valgrind" };
/// Speaks to a running valgrind.
pub(crate) const VGDB: Tool = Tool { program: "vgdb", package: "valgrind" };
pub(crate) const STRACE: Tool = Tool { program: "strace", package: "strace" };
pub(crate) const WRK: Tool = Tool { program: "wrk", package: "wrk" };
pub(crate) const H2LOAD: Tool = Tool { program: "h2load", package: "nghttp2-client" };

/// Fails before anything is measured when one of the tools is not there.
pub(crate) fn need(tools: &[Tool]) -> Result<(), Failure> {
    for Tool { program, package } in tools {
        let mut command = Command::new(program);
        let started = command.arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status();
        if started.is_err() {
            let advice = format!("it is not installed; on Debian: apt-get install {package}");
            return Err(Failure::new(format!("looking for {program}"), advice));
        }
    }
    Ok(())
}
