//! Ends a stream of HTTP/2 whose peer makes no room for its answer.
//!
//! hyper asks an answer's body for its next piece only when the peer has made room for the last
//! one. Until then nothing of the body is polled, so a timer of its own would never be heard, and a
//! peer that opens a stream's window no more would keep the answer, and whatever its call holds,
//! for as long as the connection lives. So the clock is around the stream's task: it runs while a
//! piece stands, and when it is over the stream is dropped, which resets it. For the same reason a
//! call would not hear that its deadline passes; so a piece stands for no longer than that, and a
//! moment.
//!
//! hyper's future of a stream hides its body. The two are polled on the same thread, one within the
//! other, and that is how the body says what it last did. A stream that is done in its first poll
//! never comes here.

use std::cell::Cell;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use pin_project_lite::pin_project;
use tokio::time::{Instant, Sleep, sleep_until};

/// What the body of an answer did in a poll of its stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Body {
    /// It was not asked.
    Unasked,
    /// It gave a piece, and was not asked again.
    Gave,
    /// It was asked for a piece that is still being made.
    Makes,
}

thread_local! {
    static BODY: Cell<Body> = const { Cell::new(Body::Unasked) };
    /// Until when the call of the body that gave a piece may have one that stands.
    static ENDS: Cell<Option<Instant>> = const { Cell::new(None) };
}

/// How long after its deadline a call may have a piece that stands: a peer that reads on is still told
/// of the deadline.
const MOMENT: Duration = Duration::from_secs(1);

/// A body is giving a piece, and its call has this deadline.
pub(crate) fn call_ends(deadline: Instant) {
    ENDS.set(deadline.checked_add(MOMENT));
}

/// Until when the last body that gave a piece since [`forget`] may have one that stands.
pub(super) fn ends() -> Option<Instant> {
    ENDS.get()
}

/// What was said before is of another connection.
pub(super) fn forget() {
    ENDS.set(None);
}

/// The body of an answer was asked for a piece; `there` is whether it was there.
pub(super) fn asked(there: bool) {
    BODY.set(if there { Body::Gave } else { Body::Makes });
}

/// What `poll`, a poll of a stream, comes to, and whether it left a piece that nobody has asked
/// behind yet.
pub(super) fn observed(poll: impl FnOnce() -> Poll<()>) -> (Poll<()>, bool) {
    BODY.set(Body::Unasked);
    forget();
    let polled = poll();
    (polled, BODY.get() == Body::Gave)
}

pin_project! {
    /// A stream that ends when a piece of its answer stands for too long.
    pub(super) struct Stallable<S> {
        #[pin]
        stream: S,
        patience: Duration,
        // When the piece that stands must have gone.
        until: Option<Instant>,
        // Until when one may stand at all.
        ends: Option<Instant>,
        // Made for the first piece that stands; it may ring too early, never too late.
        timer: Option<Pin<Box<Sleep>>>,
    }
}

impl<S> Stallable<S> {
    /// `stream`, where a piece may stand for as long as `patience`; `stands` is whether one does
    /// already.
    pub(super) fn new(stream: S, patience: Duration, stands: bool) -> Self {
        // What was said in the first poll, if there was one.
        let ends = if stands { ends() } else { None };
        let until = stands.then(|| soonest(patience, ends));
        Stallable { stream, patience, until, ends, timer: None }
    }
}

impl<S: Future<Output = ()>> Future for Stallable<S> {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let this = self.project();
        BODY.set(Body::Unasked);
        forget();
        if this.stream.poll(cx).is_ready() {
            return Poll::Ready(());
        }
        if let Some(ends) = ends() {
            *this.ends = Some(ends);
        }
        match BODY.get() {
            Body::Unasked => {}
            Body::Gave => *this.until = Some(soonest(*this.patience, *this.ends)),
            Body::Makes => *this.until = None,
        }
        let Some(until) = *this.until else { return Poll::Pending };
        let timer = this.timer.get_or_insert_with(|| Box::pin(sleep_until(until)));
        loop {
            ready!(timer.as_mut().poll(cx));
            if until <= Instant::now() {
                tracing::debug!("a peer made no room for an answer: its stream is reset");
                return Poll::Ready(());
            }
            timer.as_mut().reset(until);
        }
    }
}

/// When a piece that stands now must have gone.
fn soonest(patience: Duration, ends: Option<Instant>) -> Instant {
    let until = Instant::now() + patience;
    ends.map_or(until, |ends| until.min(ends))
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;

    use super::*;

    const PATIENCE: Duration = Duration::from_secs(30);

    /// When a stream is over whose body does at each second what `script` says, and nothing after.
    async fn over(script: &'static [Body], stands: bool) -> Option<Duration> {
        let start = Instant::now();
        let mut ticks = tokio::time::interval(Duration::from_secs(1));
        let mut script = script.iter();
        let stream = poll_fn(move |cx| {
            while ticks.poll_tick(cx).is_ready() {
                match script.next() {
                    Some(Body::Unasked) | None => {}
                    Some(body) => asked(*body == Body::Gave),
                }
            }
            Poll::Pending
        });
        let stream = Stallable::new(stream, PATIENCE, stands);
        let ended = tokio::time::timeout(Duration::from_secs(1000), stream).await;
        ended.is_ok().then(|| start.elapsed())
    }

    #[tokio::test(start_paused = true)]
    async fn a_piece_that_stands_ends_its_stream() {
        assert_eq!(over(&[Body::Gave], false).await, Some(PATIENCE));
        assert_eq!(over(&[], true).await, Some(PATIENCE));
    }

    #[tokio::test(start_paused = true)]
    async fn a_piece_that_is_still_being_made_has_no_hurry() {
        assert_eq!(over(&[], false).await, None);
        assert_eq!(over(&[Body::Gave, Body::Makes], false).await, None);
        assert_eq!(over(&[Body::Makes], true).await, None);
    }

    #[tokio::test(start_paused = true)]
    async fn each_piece_has_its_own_time() {
        let late = [Body::Gave, Body::Unasked, Body::Gave, Body::Makes, Body::Unasked, Body::Gave];
        let late: &'static [Body] = Box::leak(Box::new(late));
        assert_eq!(over(late, false).await, Some(PATIENCE + Duration::from_secs(5)));
    }

    #[tokio::test(start_paused = true)]
    async fn no_piece_stands_for_longer_than_its_call_may_take() {
        let start = Instant::now();
        let deadline = start + Duration::from_secs(7);
        let gives = || {
            call_ends(deadline);
            asked(true);
            Poll::<()>::Pending
        };
        // In its first poll, and later.
        let (polled, stands) = observed(gives);
        assert!(polled.is_pending() && stands);
        let first = Stallable::new(std::future::pending(), PATIENCE, stands);
        let later = Stallable::new(poll_fn(|_| gives()), PATIENCE, false);
        tokio::join!(first, later);
        assert_eq!(start.elapsed(), Duration::from_secs(7) + MOMENT);
    }

    #[test]
    fn a_first_poll_tells_whether_a_piece_stands() {
        let tell = |body: fn()| {
            let (polled, stands) = observed(|| {
                body();
                Poll::Pending
            });
            assert!(polled.is_pending());
            stands
        };
        assert!(tell(|| asked(true)));
        assert!(!tell(|| asked(false)));
        assert!(!tell(|| {}), "what was before is forgotten");
    }
}
