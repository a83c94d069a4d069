//! The two build settings of the price list, and the building of this very program with them.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::failure::{Failure, While};

use crate::servers::Server;

/// A Cargo profile of the workspace.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Profile {
    pub(crate) name: &'static str,
    pub(crate) meaning: &'static str,
}

/// What users ship.
pub(crate) const SHIPPED: Profile =
    Profile { name: "release", meaning: "as shipped: fat LTO, one codegen unit" };
/// What `cargo build --release` does where nobody sets anything.
pub(crate) const DEFAULT: Profile =
    Profile { name: "plain-release", meaning: "cargo's default: no LTO, 16 codegen units" };

/// The built programs.
#[derive(Debug)]
pub(crate) struct Programs {
    /// This one.
    bench: PathBuf,
    /// Those of `bench-peers`, where they were built as well.
    peers: Option<PathBuf>,
}

impl Programs {
    /// This very program, as it runs.
    pub(crate) fn running() -> Result<Self, Failure> {
        let bench = std::env::current_exe().failed_while("looking for this program")?;
        Ok(Self { bench, peers: None })
    }

    /// The program that has a server.
    pub(crate) fn of(&self, server: Server) -> &Path {
        match &self.peers {
            Some(peers) if server.is_glued() => peers,
            _ => &self.bench,
        }
    }

    /// This program.
    pub(crate) fn bench(&self) -> &Path {
        &self.bench
    }
}

// What is built at the same time takes less: a build that optimizes across all crates ends on one core.

/// Builds this program in both profiles.
pub(crate) fn build_both() -> Result<[Programs; 2], Failure> {
    let (shipped, default) = at_the_same_time(|| SHIPPED.build(), || DEFAULT.build())?;
    Ok([shipped, default].map(|bench| Programs { bench, peers: None }))
}

/// Builds this program as it is shipped.
pub(crate) fn build_shipped() -> Result<Programs, Failure> {
    Ok(Programs { bench: SHIPPED.build()?, peers: None })
}

/// Builds this program and `bench-peers` as they are shipped.
pub(crate) fn build_all() -> Result<Programs, Failure> {
    let (bench, peers) = at_the_same_time(|| SHIPPED.build(), build_peers)?;
    Ok(Programs { bench, peers: Some(peers) })
}

fn at_the_same_time(
    one: impl FnOnce() -> Result<PathBuf, Failure> + Send,
    other: impl FnOnce() -> Result<PathBuf, Failure>,
) -> Result<(PathBuf, PathBuf), Failure> {
    std::thread::scope(|scope| {
        let one = scope.spawn(one);
        let other = other();
        Ok((one.join().expect("building does not panic")?, other?))
    })
}

impl Profile {
    fn build(self) -> Result<PathBuf, Failure> {
        let arguments = ["--package", "bench", "--profile", self.name];
        built(&format!("building with profile {}", self.name), &arguments, FOLDER)
    }
}

const FOLDER: &str = env!("CARGO_MANIFEST_DIR");

/// They are a workspace of their own; its lock file says with which versions.
fn build_peers() -> Result<PathBuf, Failure> {
    let arguments = ["--locked", "--release", "--target-dir", "../../target/peers"];
    built("building bench-peers", &arguments, concat!(env!("CARGO_MANIFEST_DIR"), "/peers"))
}

/// Builds a program; answers where it is.
fn built(doing: &str, arguments: &[&str], folder: &str) -> Result<PathBuf, Failure> {
    eprintln!("{doing}");
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let output = Command::new(cargo)
        .args(["build", "--quiet", "--message-format", "json-render-diagnostics"])
        .args(arguments)
        .current_dir(folder)
        .stderr(Stdio::inherit())
        .output()
        .failed_while(doing)?;
    if !output.status.success() {
        return Err(Failure::new(doing, output.status));
    }
    let messages = String::from_utf8_lossy(&output.stdout);
    let program = messages.lines().find_map(executable);
    program.ok_or_else(|| Failure::new(doing, "cargo named no executable"))
}

fn executable(message: &str) -> Option<PathBuf> {
    let message: serde_json::Value = serde_json::from_str(message).ok()?;
    message["executable"].as_str().map(PathBuf::from)
}
