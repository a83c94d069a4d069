//! A replica as a process of its own.

use std::io::SeekFrom;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use kitfox::Platform;
use tokio::fs::File;
use tokio::io::{
    AsyncBufReadExt, AsyncRead, AsyncReadExt, AsyncSeekExt, AsyncWriteExt, BufReader, Lines,
};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};
use tokio::time::timeout;

use crate::registry::Registry;
use crate::role::Role;

/// How long a replica may take to start, on a machine that does much else.
const START: Duration = Duration::from_secs(30);

/// How long it may take to end, before it is killed: a little longer than its host takes.
const END: Duration = Duration::from_secs(31);

/// Which replica, and where.
#[derive(Clone, Debug)]
pub struct Spec {
    /// The program, which is this one.
    pub program: PathBuf,
    /// Of which service.
    pub role: Role,
    /// Which of them, from 1 on.
    pub number: u16,
    /// Where it listens; a free port if not given.
    pub port: u16,
    /// The shop's folder.
    pub data: PathBuf,
}

impl Spec {
    /// What people call it: `orders-2`.
    #[must_use]
    pub fn name(&self) -> String {
        format!("{}-{}", self.role.name(), self.number)
    }

    /// Where its log goes.
    #[must_use]
    pub fn log(&self) -> PathBuf {
        self.data.join("logs").join(self.name()).with_extension("log")
    }
}

/// A process that serves.
#[derive(Debug)]
pub struct Replica {
    child: Child,
    /// Apart from its process, for whoever waits for that would let go.
    leash: Option<ChildStdin>,
    /// Where its services listen.
    pub address: SocketAddr,
    /// Where its admin port is.
    pub admin: SocketAddr,
}

/// Why a replica is not there.
#[derive(Debug, thiserror::Error)]
pub enum ReplicaError {
    /// Its process cannot be started.
    #[error("could not start {name}: {cause}")]
    Start {
        /// Its name.
        name: String,
        /// Why not.
        cause: std::io::Error,
    },
    /// It ended before it served.
    #[error("{name} ended before it served: {why}")]
    Ended {
        /// Its name.
        name: String,
        /// The end of its log.
        why: String,
    },
    /// A bug.
    #[error("what starts a replica panicked")]
    Panicked,
    /// It does not come to serve.
    #[error("{name} does not serve after {START:?}; {log} may say why")]
    Slow {
        /// Its name.
        name: String,
        /// Its log.
        log: PathBuf,
    },
}

impl Replica {
    /// Starts a replica, and waits until it serves and can be found.
    ///
    /// It ends with whoever holds it, however that ends.
    ///
    /// # Errors
    /// When it does not come to serve.
    pub async fn start(spec: &Spec) -> Result<Self, ReplicaError> {
        let (name, log) = (spec.name(), spec.log());
        let failed = |cause| ReplicaError::Start { name: name.clone(), cause };
        let file = open(&log).await.map_err(failed)?;
        let errors = file.try_clone().await.map_err(failed)?.into_std().await;
        let mut command = Command::new(&spec.program);
        command.arg(spec.role.name()).arg("--leash").arg("--data").arg(&spec.data);
        command.env("KITFOX_LISTEN", format!("127.0.0.1:{}", spec.port));
        command.env("KITFOX_ADMIN", "127.0.0.1:0");
        for variable in ["KITFOX_LOG_ANSWERED", "KITFOX_LOG_REJECTED"] {
            if std::env::var_os(variable).is_none() {
                // A log of every call would be large by tomorrow. Those that break are there.
                command.env(variable, "0");
            }
        }
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(errors);
        #[cfg(unix)]
        // Ctrl-C at the terminal is for who started it, who then lets go.
        command.process_group(0);
        let mut child = command.spawn().map_err(failed)?;

        let leash = child.stdin.take();
        let output = child.stdout.take().map(|output| BufReader::new(output).lines());
        let Some(mut output) = output else {
            return Err(failed(std::io::Error::other("no output")));
        };
        let mut file = file;
        let found = timeout(START, addresses(&mut output, &mut file)).await;
        let Ok(found) = found else { return Err(ReplicaError::Slow { name, log }) };
        let Some((address, admin)) = found else {
            // Until it is gone, its last words may not be there.
            let _ = timeout(END, child.wait()).await;
            let why = last_line(&log).await.unwrap_or_default();
            return Err(ReplicaError::Ended { name, why });
        };
        drop(Platform::system().tasks().spawn(copy(output, file)));
        let registry = Registry::new(&spec.data);
        let known = timeout(START, registry.knows(spec.role, address)).await;
        known.map_err(|_| ReplicaError::Slow { name, log })?;
        Ok(Replica { child, leash, address, admin })
    }

    /// Starts replicas at the same time, and gives them in their order.
    ///
    /// # Errors
    /// When one does not come to serve; the others are ended then.
    pub async fn start_all(
        specs: impl IntoIterator<Item = Spec>,
    ) -> Result<Vec<(Spec, Self)>, ReplicaError> {
        let tasks = Platform::system();
        let start = |spec: Spec| {
            tasks.tasks().spawn(async move {
                let replica = Replica::start(&spec).await?;
                Ok((spec, replica))
            })
        };
        let starting: Vec<_> = specs.into_iter().map(start).collect();
        let mut started = Vec::new();
        for replica in starting {
            started.push(replica.await.map_err(|_| ReplicaError::Panicked)?);
        }
        started.into_iter().collect()
    }

    /// The process's number; none once it has ended.
    #[must_use]
    pub fn pid(&self) -> Option<u32> {
        self.child.id()
    }

    /// Waits until the process has ended.
    pub async fn ended(&mut self) -> Option<ExitStatus> {
        self.child.wait().await.ok()
    }

    /// Lets the replica finish its calls and end.
    pub async fn stop(mut self) {
        drop(self.leash.take());
        if timeout(END, self.child.wait()).await.is_err() {
            self.kill().await;
        }
    }

    /// Ends the process at once, in the middle of whatever it does (`SIGKILL`).
    pub async fn kill(mut self) {
        // Fails only where it has ended already.
        let _ = self.child.kill().await;
    }
}

async fn open(log: &Path) -> std::io::Result<File> {
    if let Some(folder) = log.parent() {
        tokio::fs::create_dir_all(folder).await?;
    }
    File::options().create(true).append(true).open(log).await
}

async fn last_line(log: &Path) -> std::io::Result<String> {
    let mut file = File::open(log).await?;
    let from = file.metadata().await?.len().saturating_sub(4096);
    file.seek(SeekFrom::Start(from)).await?;
    let mut end = Vec::new();
    file.read_to_end(&mut end).await?;
    let end = String::from_utf8_lossy(&end);
    Ok(end.trim_end().lines().last().unwrap_or_default().to_owned())
}

/// Where a host says that it listens; `None` where it ends before it says so.
async fn addresses(
    output: &mut Lines<BufReader<ChildStdout>>,
    log: &mut File,
) -> Option<(SocketAddr, SocketAddr)> {
    let address = after(" listens on http://", output, log).await?;
    let admin = after("admin on http://", output, log).await?;
    Some((address, admin))
}

async fn after<R: AsyncRead + Unpin>(
    words: &str,
    output: &mut Lines<BufReader<R>>,
    log: &mut File,
) -> Option<SocketAddr> {
    loop {
        let line = output.next_line().await.ok()??;
        let _ = log.write_all(format!("{line}\n").as_bytes()).await;
        if let Some((_, rest)) = line.split_once(words) {
            // The line is JSON, so that the address ends in a quote or a space.
            return rest.split([' ', '"']).next()?.parse().ok();
        }
    }
}

async fn copy(mut output: Lines<BufReader<ChildStdout>>, mut log: File) {
    // A full disk is no reason to leave the replica without a reader.
    while let Ok(Some(line)) = output.next_line().await {
        let _ = log.write_all(format!("{line}\n").as_bytes()).await;
    }
    let _ = log.flush().await;
}
