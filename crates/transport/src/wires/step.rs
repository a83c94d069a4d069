//! What happens to a request, decided before there is a future.

use futures_core::future::BoxFuture;
use http::Response;
use http_body::Body;

use super::body::AnswerBody;
use super::call::Call;
use super::metadata::close_after;

/// What happens to a request.
pub(super) enum Step<'a, E, B> {
    /// It is a call on the direct path.
    Call(Call<'a, E, B>),
    /// It has its answer.
    Answered(Box<Response<AnswerBody>>),
    /// Somebody else answers. In a box, so that the direct path is not as large as that one.
    Aside(BoxFuture<'a, Response<AnswerBody>>),
}

impl<E, B> Step<'_, E, B> {
    /// In a box as well: it is the rare case, and large. Over HTTP/1.1 a connection cannot be used
    /// again where the `rest` of the request is in the way.
    #[cold]
    pub(super) fn refused(mut response: Response<AnswerBody>, rest: Rest) -> Self {
        if rest == Rest::Unread {
            close_after(response.headers_mut());
        }
        Step::Answered(Box::new(response))
    }
}

/// What is left of a request when it is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Rest {
    Nothing,
    /// A body that nobody reads.
    Unread,
}

impl Rest {
    pub(super) fn of(body: &impl Body) -> Self {
        if body.is_end_stream() { Rest::Nothing } else { Rest::Unread }
    }
}
