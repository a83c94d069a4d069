//! Why a request gets no answer of its method: an [`Error`], and what HTTP adds to it.

use http::StatusCode;
use http::header::{ALLOW, HeaderName, HeaderValue};
use kitfox_core::{Code, Error};

use crate::names::ACCEPT_POST;

/// The name of the wires among the layers, in errors.
pub(super) const WIRE: &str = "wire";

/// A failed call, or a request that is none.
#[derive(Debug)]
pub(super) struct Refusal {
    pub(super) error: Error,
    /// The HTTP status where it is not the code's own; gRPC has none.
    pub(super) status: Option<StatusCode>,
    /// Whether an HTTP/1 connection cannot be used again: the rest of the body is in the way.
    pub(super) close: bool,
}

impl From<Error> for Refusal {
    fn from(error: Error) -> Self {
        Refusal { error, status: None, close: false }
    }
}

impl Refusal {
    /// A decision of the wire itself.
    #[cold]
    pub(super) fn new(code: Code, message: impl Into<std::borrow::Cow<'static, str>>) -> Self {
        Refusal::from(Error::by_layer(WIRE, code, message))
    }

    pub(super) fn with_status(mut self, status: StatusCode) -> Self {
        self.status = Some(status);
        self
    }

    pub(super) fn closing(mut self) -> Self {
        self.close = true;
        self
    }

    pub(super) fn with_header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.error.metadata_mut().headers.headers_mut().insert(name, value);
        self
    }

    /// The body is larger than `limit` bytes.
    #[cold]
    pub(super) fn too_large(limit: usize) -> Self {
        let message = format!("the request's body is larger than the limit of {limit} bytes");
        Refusal::new(Code::ResourceExhausted, message)
            .with_status(StatusCode::PAYLOAD_TOO_LARGE)
            .closing()
    }

    /// A message of a stream announces more than `limit` bytes.
    #[cold]
    pub(super) fn message_too_large(announced: usize, limit: usize) -> Self {
        let message = format!(
            "a message of the request has {announced} bytes, and the limit is {limit} bytes"
        );
        Refusal::new(Code::ResourceExhausted, message)
    }

    /// The content type is none that is served here; `accepted` are.
    #[cold]
    pub(super) fn wrong_content(said: Option<&[u8]>, accepted: &'static str) -> Self {
        let message = match said {
            Some(said) => {
                format!("the content type `{}` is not served here: use {accepted}", shown(said))
            }
            None => format!("the request has no content type: use {accepted}"),
        };
        Refusal::new(Code::InvalidArgument, message)
            .with_status(StatusCode::UNSUPPORTED_MEDIA_TYPE)
            .with_header(ACCEPT_POST.clone(), HeaderValue::from_static(accepted))
    }

    /// The path is known, and not with this HTTP method; `allowed` are.
    #[cold]
    pub(super) fn wrong_verb(verb: &http::Method, path: &str, allowed: &str) -> Self {
        let message = format!("`{}` takes {allowed}, not {verb}", shown(path.as_bytes()));
        let allow = HeaderValue::from_str(allowed);
        Refusal::new(Code::Unimplemented, message)
            .with_status(StatusCode::METHOD_NOT_ALLOWED)
            .with_header(ALLOW, allow.expect("names of HTTP methods and commas"))
    }

    /// There is no such method.
    #[cold]
    pub(super) fn unknown_method(path: &str) -> Self {
        let message = format!("there is no method `{}`", shown(path.as_bytes()));
        Refusal::new(Code::Unimplemented, message).with_status(StatusCode::NOT_FOUND)
    }

    /// There is no such route.
    #[cold]
    pub(super) fn unknown_route(verb: &http::Method, path: &str) -> Self {
        let message = format!("there is no route `{verb} {}`", shown(path.as_bytes()));
        Refusal::new(Code::NotFound, message)
    }

    /// gRPC over HTTP/1, where an answer cannot have the trailers that say how the call went.
    #[cold]
    pub(super) fn grpc_over_http1() -> Self {
        let message =
            "gRPC needs HTTP/2: use it with prior knowledge, or call by Connect or gRPC-Web";
        Refusal::new(Code::Unimplemented, message)
    }

    /// A route that `path` lacks the last value of.
    #[cold]
    pub(super) fn missing_value(path: &str, template: &str) -> Self {
        let message =
            format!("`{}` lacks the value at the end of `{template}`", shown(path.as_bytes()));
        Refusal::new(Code::NotFound, message)
    }

    /// A REST route of a method that takes a stream, which HTTP has no form for.
    #[cold]
    pub(super) fn streaming_route(path: &str) -> Self {
        let message = format!(
            "`{path}` takes a stream of messages, which REST has no form for: call it by Connect, \
             gRPC or gRPC-Web"
        );
        Refusal::new(Code::Unimplemented, message)
    }

    /// A version of Connect that nobody here knows.
    #[cold]
    pub(super) fn connect_version(said: &[u8]) -> Self {
        let message = format!("version `{}` of Connect is not served here: use 1", shown(said));
        Refusal::new(Code::InvalidArgument, message)
    }
}

/// What the caller sent, for an error message: at most 200 bytes, what is no text replaced.
pub(super) fn shown(bytes: &[u8]) -> String {
    const MOST: usize = 200;
    let mut text = String::from_utf8_lossy(&bytes[..bytes.len().min(MOST)]).into_owned();
    if bytes.len() > MOST {
        text.push('…');
    }
    text
}
