//! How an HTTP/1.1 connection is closed on a peer that is still sending.
//!
//! A socket that is closed over bytes that nobody read resets the connection, and a peer that is
//! reset may lose the answer that it has not read yet: the 413 for the very body that it sends
//! (RFC 9112, 9.6). So the sending side closes first, and what still comes is thrown away for a
//! while: in portions with a pause after each, because a peer that sends as fast as it can would
//! otherwise be at the limit before it has looked at its answer.

use std::future::Future;
use std::mem::MaybeUninit;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use kitfox_core::platform::Connection;
use tokio::io::{AsyncRead, ReadBuf};
use tokio::time::{Instant, Sleep, sleep_until};

/// The most bytes that are thrown away.
const MOST: usize = 1024 * 1024;
/// The longest that they are waited for: a peer may be far away, or have a lot to do.
const LONGEST: Duration = Duration::from_secs(3);
/// How many are thrown away before a pause, and how long that is: sixteen fit well into the longest.
const PORTION: usize = 64 * 1024;
const PAUSE: Duration = Duration::from_millis(60);
/// How many are read at a time.
const PIECE: usize = 8 * 1024;

/// The end of a connection, after its sending side was closed.
#[derive(Debug)]
pub(super) struct Linger {
    thrown: usize,
    /// What may be thrown away before the next pause.
    portion: usize,
    /// Set when there is something to wait for.
    timer: Option<Timer>,
}

#[derive(Debug)]
struct Timer {
    sleep: Pin<Box<Sleep>>,
    /// When nobody is waited for any more.
    end: Instant,
    /// Nothing is read before `sleep` is over.
    pausing: bool,
}

impl Default for Linger {
    fn default() -> Self {
        Linger { thrown: 0, portion: PORTION, timer: None }
    }
}

impl Linger {
    /// Ready when the peer has ended, too, and at last when it has sent enough or long enough.
    pub(super) fn poll(&mut self, connection: &mut Connection, cx: &mut Context<'_>) -> Poll<()> {
        let mut bytes = [MaybeUninit::uninit(); PIECE];
        while self.thrown < MOST {
            if let Some(timer) = self.timer.as_mut().filter(|timer| timer.pausing) {
                ready!(timer.sleep.as_mut().poll(cx));
                timer.pausing = false;
                timer.sleep.as_mut().reset(timer.end);
            }
            let mut buffer = ReadBuf::uninit(&mut bytes);
            let read = Pin::new(&mut *connection).poll_read(cx, &mut buffer);
            if read.is_pending() {
                return self.timer().sleep.as_mut().poll(cx);
            }
            let count = buffer.filled().len();
            if !matches!(read, Poll::Ready(Ok(()))) || count == 0 {
                break;
            }
            self.thrown += count;
            self.portion = self.portion.saturating_sub(count);
            if self.portion == 0 {
                self.portion = PORTION;
                let timer = self.timer();
                timer.pausing = true;
                timer.sleep.as_mut().reset(timer.end.min(Instant::now() + PAUSE));
            }
        }
        Poll::Ready(())
    }

    fn timer(&mut self) -> &mut Timer {
        self.timer.get_or_insert_with(|| {
            let end = Instant::now() + LONGEST;
            Timer { sleep: Box::pin(sleep_until(end)), end, pausing: false }
        })
    }
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;

    use super::*;
    use tokio::io::{AsyncWriteExt, DuplexStream, duplex};

    fn pair() -> (DuplexStream, Connection) {
        let (peer, own) = duplex(64 * 1024);
        (peer, Connection::new(own, ([127, 0, 0, 1], 7).into()))
    }

    /// How long it lingers for, and how much it throws away.
    async fn linger(mut connection: Connection) -> (Duration, usize) {
        let (begun, mut linger) = (Instant::now(), Linger::default());
        poll_fn(|cx| linger.poll(&mut connection, cx)).await;
        (begun.elapsed(), linger.thrown)
    }

    #[tokio::test(start_paused = true)]
    async fn a_peer_that_still_sends_is_waited_for_until_it_ends() {
        let (mut peer, connection) = pair();
        let send = async {
            for _ in 0..10 {
                peer.write_all(&[7; 1000]).await.unwrap();
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
            drop(peer);
        };
        let (lingered, ()) = tokio::join!(linger(connection), send);
        assert_eq!(lingered, (Duration::from_millis(200), 10_000));
    }

    #[tokio::test(start_paused = true)]
    async fn nobody_is_waited_for_for_long() {
        let (_silent, connection) = pair();
        assert_eq!(linger(connection).await, (LONGEST, 0));
        let (mut endless, connection) = pair();
        let send = async { while endless.write_all(&[7; 1000]).await.is_ok() {} };
        let ((took, thrown), ()) = tokio::join!(linger(connection), send);
        assert!(took < LONGEST && (MOST..MOST + PIECE).contains(&thrown), "{took:?} {thrown}");
    }

    #[tokio::test(start_paused = true)]
    async fn who_sends_as_fast_as_it_can_has_time_to_look_at_its_answer() {
        let (mut endless, connection) = pair();
        let send = async { while endless.write_all(&[7; 1000]).await.is_ok() {} };
        let ((took, _), ()) = tokio::join!(linger(connection), send);
        assert!(took > LONGEST / 4, "{took:?}");
    }
}
