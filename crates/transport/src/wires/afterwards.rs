//! What happens to an answer when it is there: HEAD loses its body, and a page of another origin is
//! told what it may read. An application beside the services sees to its own answers.

use std::sync::Arc;

use http::header::CONTENT_LENGTH;
use http::request::Parts;
use http::{HeaderValue, Method, Response};
use http_body::Body;
use kitfox_core::Endpoint;

use super::Inner;
use super::body::AnswerBody;
use super::cors::{Asked, Cors};

/// What is left to be done.
pub(super) struct Afterwards {
    /// Only the headers were asked for.
    head: bool,
    page: Option<(Arc<Cors>, Asked)>,
}

impl Afterwards {
    /// Of the answer to `request`; nothing for nearly every one.
    ///
    /// # Errors
    /// With the answer to a browser that asks first what a page may.
    pub(super) fn of<E: Endpoint>(
        wires: &Inner<E>,
        request: &Parts,
    ) -> Result<Option<Box<Self>>, Box<Response<AnswerBody>>> {
        let head = request.method == Method::HEAD;
        match &wires.cors {
            None if !head => Ok(None),
            cors => Afterwards::needed(wires, cors.as_ref(), head, request),
        }
    }

    #[cold]
    fn needed<E: Endpoint>(
        wires: &Inner<E>,
        cors: Option<&Arc<Cors>>,
        head: bool,
        request: &Parts,
    ) -> Result<Option<Box<Self>>, Box<Response<AnswerBody>>> {
        let path = request.uri.path();
        let ours = wires.fallback.is_none() || wires.methods.owns(path) || wires.routes.knows(path);
        if !ours {
            return Ok(None);
        }
        if let Some(told) = cors.and_then(|cors| cors.preflight(request)) {
            return Err(Box::new(told));
        }
        let page = cors.and_then(|cors| Some((Arc::clone(cors), cors.asked(request)?)));
        Ok((head || page.is_some()).then(|| Box::new(Afterwards { head, page })))
    }

    /// Does it.
    #[cold]
    pub(super) fn change(self, response: &mut Response<AnswerBody>) {
        if self.head {
            let body = std::mem::replace(response.body_mut(), AnswerBody::empty());
            if let Some(length) = body.size_hint().exact() {
                response.headers_mut().insert(CONTENT_LENGTH, HeaderValue::from(length));
            }
        }
        if let Some((cors, asked)) = self.page {
            asked.mark(&cors, response.headers_mut());
        }
    }
}
