//! The signals that end a process: `SIGTERM`, and Ctrl-C (`SIGINT`).

#[cfg(unix)]
use std::sync::Arc;
#[cfg(unix)]
use std::sync::atomic::AtomicBool;
#[cfg(unix)]
use std::task::Poll;

use futures_core::Stream;
use futures_util::stream;

use super::HostError;

/// The names of the signals that come from now on.
///
/// From the second one on the process ends at once, by the handler of the signal itself: a runtime
/// whose threads are all blocked hears no signal any more.
#[cfg(unix)]
pub(super) fn listen() -> Result<impl Stream<Item = &'static str> + Send + Unpin, HostError> {
    use signal_hook::consts::{SIGINT, SIGTERM};
    use signal_hook::flag::{register, register_conditional_shutdown};
    use tokio::signal::unix::{SignalKind, signal};

    let told = Arc::new(AtomicBool::new(false));
    for number in [SIGTERM, SIGINT] {
        // In this order, and before tokio: the first signal finds that nobody was told yet, and
        // tells; the second one finds it and goes no further.
        let exit_code = 128 + number;
        register_conditional_shutdown(number, exit_code, Arc::clone(&told))
            .and_then(|_| register(number, Arc::clone(&told)))
            .map_err(HostError::Signals)?;
    }
    let hear = |kind| signal(kind).map_err(HostError::Signals);
    let mut terminate = hear(SignalKind::terminate())?;
    let mut interrupt = hear(SignalKind::interrupt())?;
    Ok(stream::poll_fn(move |cx| {
        if let Poll::Ready(came) = terminate.poll_recv(cx) {
            return Poll::Ready(came.map(|()| "SIGTERM"));
        }
        interrupt.poll_recv(cx).map(|came| came.map(|()| "SIGINT"))
    }))
}

/// The names of the signals that come from now on.
#[cfg(not(unix))]
pub(super) fn listen() -> Result<impl Stream<Item = &'static str> + Send + Unpin, HostError> {
    let signals = stream::unfold((), async |()| {
        tokio::signal::ctrl_c().await.ok()?;
        Some(("Ctrl-C", ()))
    });
    Ok(Box::pin(signals))
}
