//! The two build settings of the price list, and the building of this very program with them.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::failure::{Failure, While};

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

/// Builds with some profiles at the same time, since one that optimizes across all crates ends on one
/// core.
pub(crate) fn build<const N: usize>(profiles: [Profile; N]) -> Result<[PathBuf; N], Failure> {
    let built = std::thread::scope(|scope| {
        let building = profiles.map(|profile| scope.spawn(move || profile.build()));
        building.map(|building| building.join().expect("building does not panic"))
    });
    let built: Result<Vec<PathBuf>, Failure> = built.into_iter().collect();
    Ok(built?.try_into().expect("one for each"))
}

impl Profile {
    /// Builds all servers with this profile; answers where the program is.
    pub(crate) fn build(self) -> Result<PathBuf, Failure> {
        let doing = format!("building with profile {}", self.name);
        eprintln!("{doing}");
        let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
        let output = Command::new(cargo)
            .args(["build", "--quiet", "--package", "bench", "--profile", self.name])
            .args(["--message-format", "json-render-diagnostics"])
            .current_dir(Path::new(env!("CARGO_MANIFEST_DIR")))
            .stderr(Stdio::inherit())
            .output()
            .failed_while(&doing)?;
        if !output.status.success() {
            return Err(Failure::new(doing, output.status));
        }
        let messages = String::from_utf8_lossy(&output.stdout);
        let program = messages.lines().find_map(executable);
        program.ok_or_else(|| Failure::new(doing, "cargo named no executable"))
    }
}

fn executable(message: &str) -> Option<PathBuf> {
    let message: serde_json::Value = serde_json::from_str(message).ok()?;
    message["executable"].as_str().map(PathBuf::from)
}
