//! `bench -- compile`: how long a service of forty methods compiles beside a service of one.
//!
//! Two packages are written into a temporary folder, each a whole program: the messages, the trait,
//! the implementation and a host that serves it. Only the package itself is compiled anew each time,
//! without incremental compilation; its dependencies are warm. The runs are interleaved.

#![expect(clippy::disallowed_methods, reason = "measures the real time that cargo takes")]

mod source;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Instant;

use crate::failure::{Failure, While};
use crate::median::median;
use crate::table::Table;

const METHODS: [usize; 2] = [1, 40];
const RUNS: usize = 3;

/// What is timed: the words for cargo.
const STEPS: [&[&str]; 3] = [&["check"], &["build"], &["build", "--release"]];

/// Generates, warms up, times, prints.
pub(crate) fn run() -> Result<(), Failure> {
    let workspace = Workspace::write()?;
    let heads = ["cargo", "1 method, s", "40 methods, s", "39 more cost, s"];
    let mut table = Table::new(&heads);
    for step in STEPS {
        eprintln!("warming up for cargo {}", step.join(" "));
        for methods in METHODS {
            workspace.seconds(step, methods)?;
        }
        let mut seconds = METHODS.map(|_| Vec::new());
        for run in 1..=RUNS {
            eprintln!("run {run} of {RUNS}");
            for (methods, seconds) in METHODS.into_iter().zip(&mut seconds) {
                seconds.push(workspace.seconds(step, methods)?);
            }
        }
        let [one, forty] = seconds.map(median);
        let cells = [one, forty, forty - one].map(|seconds| format!("{seconds:.2}"));
        table.row([step.join(" ")].into_iter().chain(cells));
    }
    println!("\nCompiling a service of so many methods, dependencies warm\n\n{table}");
    Ok(())
}

/// The folder of the generated packages, gone with this value.
struct Workspace {
    folder: PathBuf,
    target: PathBuf,
}

impl Workspace {
    fn write() -> Result<Self, Failure> {
        const DOING: &str = "writing the packages to compile";
        let name = format!("kitfox-bench-{}-compile", std::process::id());
        let program = std::env::current_exe().failed_while(DOING)?;
        // Beside the profile's folder, so that the dependencies are warm the next time too.
        let target = program.ancestors().nth(2).unwrap_or(&program).join("compile");
        let workspace = Self { folder: std::env::temp_dir().join(name), target };
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
        for methods in METHODS {
            let package = workspace.package(methods);
            fs::create_dir_all(package.join("src")).failed_while(DOING)?;
            let manifest = source::manifest(methods, &root.join("crates/kitfox"));
            fs::write(package.join("Cargo.toml"), manifest).failed_while(DOING)?;
            fs::write(package.join("src/main.rs"), source::program(methods)).failed_while(DOING)?;
        }
        let members = "[workspace]\nresolver = \"3\"\nmembers = [\"methods-*\"]\n";
        fs::write(workspace.folder.join("Cargo.toml"), members).failed_while(DOING)?;
        // The versions that everything else here is built with.
        let lock = workspace.folder.join("Cargo.lock");
        fs::copy(root.join("Cargo.lock"), lock).failed_while(DOING)?;
        Ok(workspace)
    }

    fn package(&self, methods: usize) -> PathBuf {
        self.folder.join(source::name(methods))
    }

    /// Compiles one of the packages anew; answers how long cargo took.
    fn seconds(&self, step: &[&str], methods: usize) -> Result<f64, Failure> {
        let doing = format!("compiling {methods} methods");
        let program = self.package(methods).join("src/main.rs");
        // A newer time stamp is what makes cargo compile it again.
        fs::write(program, source::program(methods)).failed_while(&doing)?;
        let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
        let started = Instant::now();
        let ended = Command::new(cargo)
            .args(step)
            .args(["--quiet", "--package", &source::name(methods), "--target-dir"])
            .arg(&self.target)
            .current_dir(&self.folder)
            .env("CARGO_INCREMENTAL", "0")
            .stdin(Stdio::null())
            .status()
            .failed_while(&doing)?;
        let seconds = started.elapsed().as_secs_f64();
        if ended.success() { Ok(seconds) } else { Err(Failure::new(doing, ended)) }
    }
}

impl Drop for Workspace {
    fn drop(&mut self) {
        // It may never have been written.
        let _gone = fs::remove_dir_all(&self.folder);
    }
}
