//! The signals that end a process, `SIGTERM` and Ctrl-C (`SIGINT`), and the one that has it read its
//! configuration again.

#[cfg(unix)]
use std::sync::Arc;
#[cfg(unix)]
use std::sync::atomic::AtomicBool;
#[cfg(unix)]
use std::task::Poll;

use futures_core::Stream;
use futures_util::stream;

use super::HostError;

/// The signal that has a host read its configuration again.
pub(super) const HANG_UP: &str = "SIGHUP";

/// The names of the signals that come from now on; `SIGHUP` where there is a file to be read again, and
/// else whoever closes a terminal ends what runs in it.
///
/// The second of those that end it ends the process at once, by the handler of the signal itself: a
/// runtime whose threads are all blocked hears no signal any more.
#[cfg(unix)]
pub(super) fn listen(
    has_file: bool,
) -> Result<impl Stream<Item = &'static str> + Send + Unpin, HostError> {
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
    let mut hang_up = has_file.then(|| hear(SignalKind::hangup())).transpose()?;
    Ok(stream::poll_fn(move |cx| {
        if let Poll::Ready(came) = terminate.poll_recv(cx) {
            return Poll::Ready(came.map(|()| "SIGTERM"));
        }
        if let Poll::Ready(came) = interrupt.poll_recv(cx) {
            return Poll::Ready(came.map(|()| "SIGINT"));
        }
        let Some(hang_up) = &mut hang_up else { return Poll::Pending };
        hang_up.poll_recv(cx).map(|came| came.map(|()| HANG_UP))
    }))
}

/// The names of the signals that come from now on.
#[cfg(not(unix))]
pub(super) fn listen(
    _: bool,
) -> Result<impl Stream<Item = &'static str> + Send + Unpin, HostError> {
    let signals = stream::unfold((), async |()| {
        tokio::signal::ctrl_c().await.ok()?;
        Some(("Ctrl-C", ()))
    });
    Ok(Box::pin(signals))
}
