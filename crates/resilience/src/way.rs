//! The future of a layer that lets nearly all calls pass.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use futures_core::future::BoxFuture;
use kitfox_core::{Error, Reply};
use pin_project_lite::pin_project;

pin_project! {
    /// What becomes of a call at a layer.
    #[project = WayProjection]
    pub(crate) enum Way<'a, F> {
        /// It goes on.
        On { #[pin] call: F },
        /// It does not. None once that is said.
        Refused { error: Option<Error> },
        /// There is more to do than that; in a box, which only such a call pays for.
        Round { call: BoxFuture<'a, Result<Reply, Error>> },
    }
}

impl<F> Way<'_, F> {
    pub(crate) fn refused(error: Error) -> Self {
        Way::Refused { error: Some(error) }
    }
}

impl<F: Future<Output = Result<Reply, Error>>> Future for Way<'_, F> {
    type Output = Result<Reply, Error>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        match self.project() {
            WayProjection::On { call } => call.poll(cx),
            WayProjection::Refused { error } => {
                Poll::Ready(Err(error.take().expect("nobody polls a future that is done")))
            }
            WayProjection::Round { call } => call.as_mut().poll(cx),
        }
    }
}
