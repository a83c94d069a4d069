//! REST: values of the path and the query become fields of the input, the body is its JSON.

use http::header::{CONTENT_ENCODING, CONTENT_TYPE, HeaderValue};
use http::{Response, StatusCode};
use kitfox_core::contract::{Method, Route, Shape};
use kitfox_core::message::Codec;
use kitfox_core::{Bindings, Body, Code, Reply};
use percent_encoding::percent_decode;

use super::body::AnswerBody;
use super::call::Wire;
use super::content::Content;
use super::head::Head;
use super::metadata::Own;
use super::packing::{Packing, Speech, packed};
use super::problem;
use super::refusal::{Refusal, shown};
use super::rest_stream::Format;
use super::routes::Target;
use crate::frames::Compression;

/// The values that a request's path and query give to fields: the query's first, so that the path
/// wins.
pub(super) fn bindings(
    target: &Target,
    values: Option<&matchit::Params<'_, '_>>,
    query: Option<&str>,
) -> Result<Bindings, Refusal> {
    let mut bound = Vec::with_capacity(target.fields.len());
    let pairs = query.into_iter().flat_map(|query| query.split('&'));
    for pair in pairs.filter(|pair| !pair.is_empty()) {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        let name = from_query(name).ok_or_else(|| not_text("a name in the query", name))?;
        let value = from_query(value).ok_or_else(|| not_text("the query's value of", &name))?;
        bound.push((name, value));
    }
    for (field, (_, value)) in
        target.fields.iter().zip(values.into_iter().flat_map(matchit::Params::iter))
    {
        let value = decoded(value.as_bytes());
        let value = value.ok_or_else(|| not_text("the path's value of", field))?;
        bound.push(((*field).into(), value));
    }
    Ok(Bindings(bound))
}

/// How a call on a route of `method` is read and answered.
///
/// # Errors
/// When the route is of no shape that REST has, or as [`readable`].
pub(super) fn wire(
    method: &Method,
    route: &'static Route,
    bindings: Bindings,
    verb: &http::Method,
    head: &Head,
    body: &impl http_body::Body,
) -> Result<Wire, Refusal> {
    let shape = method.shape;
    if !matches!(shape, Shape::Unary | Shape::ServerStream) {
        return Err(Refusal::streaming_route(method.path));
    }
    let mut packing = Packing { request: None, answer: head.accepts(Speech::Http) };
    let has_body = !matches!(*verb, http::Method::GET | http::Method::HEAD);
    if has_body && !body.is_end_stream() {
        packing.request = readable(head)?;
    }
    let stream = (shape != Shape::Unary).then(|| Format::accepted(head.headers()));
    Ok(Wire::Rest { route, bindings, body: has_body, packing, stream })
}

/// What a body that is there is compressed with.
///
/// # Errors
/// When it is not JSON, or in a compression that nobody here can read.
fn readable(head: &Head) -> Result<Option<Compression>, Refusal> {
    let unsupported = |refusal: Refusal| refusal.with_status(StatusCode::UNSUPPORTED_MEDIA_TYPE);
    let packing = head.packing(Speech::Http).map_err(unsupported)?;
    if head.content == Content::Message(Codec::Json) {
        return Ok(packing.request);
    }
    let said = head.headers().get(CONTENT_TYPE).map(HeaderValue::as_bytes);
    Err(Refusal::wrong_content(said, "application/json"))
}

/// In a query, a space may be written as a plus.
fn from_query(text: &str) -> Option<Box<str>> {
    if text.contains('+') {
        return decoded(text.replace('+', " ").as_bytes());
    }
    decoded(text.as_bytes())
}

fn decoded(text: &[u8]) -> Option<Box<str>> {
    let text = percent_decode(text).decode_utf8().ok()?;
    Some(text.into_owned().into_boxed_str())
}

#[cold]
fn not_text(what: &str, name: &str) -> Refusal {
    let message = format!("{what} `{}` is no UTF-8 after percent-decoding", shown(name.as_bytes()));
    Refusal::new(Code::InvalidArgument, message)
}

/// The answer of a method. Trailers, which HTTP/1 could not send, are headers behind `trailer-`.
/// `accepts` is what the message may be compressed with.
pub(super) fn answer(reply: Reply, accepts: Option<Compression>) -> Response<AnswerBody> {
    let (payload, metadata) = reply.into_parts();
    let Body::Unary(message) = payload.into_body() else {
        return problem::refuse(&Refusal::from(super::stream_in_answer()));
    };
    let (message, compression) = packed(message, accepts);
    let mut response = Response::new(AnswerBody::full(message));
    if let Some(metadata) = metadata {
        let own = Own::of(*metadata);
        let status = own.status.and_then(|status| StatusCode::from_u16(status).ok());
        *response.headers_mut() = own.into_unary_headers();
        // 1xx would not be the answer.
        let status = status.filter(|status| status.as_u16() >= 200).unwrap_or_default();
        *response.status_mut() = status;
        if matches!(status.as_u16(), 204 | 205 | 304) {
            *response.body_mut() = AnswerBody::empty();
            return response;
        }
    }
    if let Some(compression) = compression {
        let name = HeaderValue::from_static(compression.name());
        response.headers_mut().insert(CONTENT_ENCODING, name);
    }
    let json = const { HeaderValue::from_static("application/json") };
    response.headers_mut().insert(CONTENT_TYPE, json);
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bound(query: &str, value: &str) -> Result<Vec<(String, String)>, Refusal> {
        let mut router = matchit::Router::new();
        router.insert("/{0}", ()).unwrap();
        let path = format!("/{value}");
        let values = router.at(&path).unwrap().params;
        let route = &Route { verb: kitfox_core::contract::Verb::Get, template: "/{a.b}" };
        let target = Target { method: 0, route, fields: ["a.b"].into() };
        let Bindings(bound) = bindings(&target, Some(&values), Some(query))?;
        Ok(bound.into_iter().map(|(name, value)| (name.into(), value.into())).collect())
    }

    #[test]
    fn the_query_comes_first_and_everything_is_decoded() {
        let pairs = bound("x=1&x=2&&y%5F=a+b%2B&flag", "p%2Fq+r").unwrap();
        let pairs: Vec<_> = pairs.iter().map(|(name, value)| (&**name, &**value)).collect();
        let expected = [("x", "1"), ("x", "2"), ("y_", "a b+"), ("flag", ""), ("a.b", "p/q+r")];
        assert_eq!(pairs, expected);
    }

    #[test]
    fn what_is_no_text_is_named() {
        let message = |query, value| bound(query, value).unwrap_err().error.message().to_owned();
        assert!(message("x=%ff", "v").contains("value of `x`"));
        assert!(message("%ff=1", "v").contains("name in the query"));
        assert!(message("", "%ff").contains("path's value of `a.b`"));
    }
}
