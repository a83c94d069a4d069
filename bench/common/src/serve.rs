//! How a server is run: until whoever started it closes its input.

use std::net::SocketAddr;

use tokio::io::AsyncReadExt;
use tokio::net::TcpListener;

use crate::{Failure, While};

/// Runs `server` on tokio's multi-thread runtime until standard input ends, so that whoever started
/// the process can end it in an orderly way (callgrind writes its counts at a regular exit).
///
/// `workers` is the number of the runtime's threads; without it, tokio's default.
///
/// # Errors
/// What the server fails with.
pub fn until_end_of_input(
    workers: Option<usize>,
    server: impl Future<Output = Result<(), Failure>>,
) -> Result<(), Failure> {
    let mut builder = tokio::runtime::Builder::new_multi_thread();
    builder.enable_all();
    if let Some(workers) = workers {
        builder.worker_threads(workers);
    }
    let runtime = builder.build().failed_while("starting the runtime")?;
    let ended = runtime.block_on(async {
        tokio::select! {
            biased;
            result = server => result,
            () = end_of_input() => Ok(()),
        }
    });
    // A server that failed leaves a thread behind that still waits for input.
    runtime.shutdown_background();
    ended
}

/// Binds a free port of 127.0.0.1 and prints it as the first line, where `bench` reads it.
///
/// # Errors
/// When there is none.
#[expect(clippy::disallowed_methods, reason = "peers bind as their users do")]
pub async fn listen() -> Result<TcpListener, Failure> {
    let any = SocketAddr::from(([127, 0, 0, 1], 0));
    let listener = TcpListener::bind(any).await.failed_while("binding a port of 127.0.0.1")?;
    let bound = listener.local_addr().failed_while("reading the bound address")?;
    println!("http://{bound}");
    Ok(listener)
}

async fn end_of_input() {
    let mut input = tokio::io::stdin();
    let mut buffer = [0; 64];
    while matches!(input.read(&mut buffer).await, Ok(read) if read > 0) {}
}
