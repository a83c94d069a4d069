//! Messages encoded for a wire: what layers carry without knowing what is in it.

use std::fmt;

use bytes::Bytes;

use crate::message::{BindError, Codec, DecodeError, Message};
use crate::stream::MessageStream;
use crate::{Code, Error};

/// Messages in encoded form, the codec they are in, and what a REST route bound.
pub struct Payload {
    body: Body,
    codec: Codec,
    bindings: Option<Box<Bindings>>,
}

/// One message or many.
#[derive(Debug)]
pub enum Body {
    /// One encoded message.
    Unary(Bytes),
    /// Encoded messages as they come.
    Stream(MessageStream),
}

/// Values of a REST route's path and query: fields of the input by name, as text.
///
/// They are set after the body is decoded, in order, so that the path wins over the query and the
/// query over the body.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Bindings(pub Vec<(Box<str>, Box<str>)>);

impl Payload {
    /// One message.
    #[must_use]
    pub fn unary(codec: Codec, message: Bytes) -> Self {
        Payload { body: Body::Unary(message), codec, bindings: None }
    }

    /// One message of a REST request: a body, which may be empty, and bound values.
    #[must_use]
    pub fn rest(body: Bytes, bindings: Bindings) -> Self {
        // A body without content is an empty message, which bindings stand for, too.
        let plain = bindings.0.is_empty() && !body.is_empty();
        let bindings = (!plain).then(|| Box::new(bindings));
        Payload { body: Body::Unary(body), codec: Codec::Json, bindings }
    }

    /// Many messages.
    #[must_use]
    pub fn stream(codec: Codec, messages: MessageStream) -> Self {
        Payload { body: Body::Stream(messages), codec, bindings: None }
    }

    /// How the messages are encoded. An answer is in the codec of its request.
    #[must_use]
    pub fn codec(&self) -> Codec {
        self.codec
    }

    /// The encoded messages.
    #[must_use]
    pub fn body(&self) -> &Body {
        &self.body
    }

    /// What a REST route bound: it belongs to the message as its bytes do.
    #[must_use]
    pub fn bindings(&self) -> Option<&Bindings> {
        self.bindings.as_deref()
    }

    /// The encoded messages, to keep.
    #[must_use]
    pub fn into_body(self) -> Body {
        self.body
    }

    /// A second handle on the same message, for a retry; a stream has none.
    #[must_use]
    #[inline(always)]
    pub fn try_clone(&self) -> Option<Payload> {
        let Body::Unary(message) = &self.body else { return None };
        let bindings = self.bindings.as_ref().map(Payload::clone_bindings);
        Some(Payload { body: Body::Unary(message.clone()), codec: self.codec, bindings })
    }

    /// Only a REST request has any.
    #[cold]
    #[expect(clippy::borrowed_box, reason = "one more of what is in a box")]
    fn clone_bindings(bindings: &Box<Bindings>) -> Box<Bindings> {
        bindings.clone()
    }

    /// The one message that this payload holds.
    ///
    /// # Errors
    /// `InvalidArgument` when the bytes are no `M` or a bound value does not fit its field;
    /// `Internal` when the payload is a stream.
    pub fn decode<M: Message>(&self) -> Result<M, Error> {
        let Body::Unary(bytes) = &self.body else {
            return Err(wrong_shape());
        };
        let Some(bindings) = &self.bindings else {
            return decode(self.codec, bytes);
        };
        // A body without content is an empty message: GET has none, POST may have none.
        let body: &[u8] = if bytes.is_empty() { b"{}" } else { bytes };
        let mut message = M::decode(self.codec, body).map_err(|cause| undecodable::<M>(&cause))?;
        for (name, value) in &bindings.0 {
            message.bind(name, value).map_err(|cause| unusable(name, &cause))?;
        }
        Ok(message)
    }

    /// The messages of a stream; one message is a stream of one.
    #[must_use]
    pub fn into_stream(self) -> MessageStream {
        match self.body {
            Body::Unary(message) => MessageStream::once(message),
            Body::Stream(messages) => messages,
        }
    }
}

impl fmt::Debug for Payload {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The message itself stays out: it may hold a secret.
        let mut out = f.debug_struct("Payload");
        out.field("codec", &self.codec);
        match &self.body {
            Body::Unary(message) => out.field("bytes", &message.len()),
            Body::Stream(_) => out.field("stream", &true),
        };
        out.finish()
    }
}

/// The name of the layer that decodes, in errors.
pub(crate) const DECODE: &str = "decode";

pub(crate) fn wrong_shape() -> Error {
    Error::by_layer(DECODE, Code::Internal, "a stream came where one message belongs")
}

/// One message of a request.
pub(crate) fn decode<M: Message>(codec: Codec, bytes: &Bytes) -> Result<M, Error> {
    M::decode(codec, bytes).map_err(|cause| {
        if bytes.is_empty() && codec == Codec::Json {
            return empty::<M>();
        }
        undecodable::<M>(&cause)
    })
}

fn undecodable<M: Message>(cause: &DecodeError) -> Error {
    refused(format!("the request is no {}: {cause}", M::NAME))
}

/// JSON has no empty text, as protobuf has.
#[cold]
fn empty<M: Message>() -> Error {
    let name = M::NAME;
    refused(format!("the request is no {name}: the body is empty; `{{}}` is the empty message"))
}

/// The place is said once: `name` leads all the way to the field.
#[cold]
fn unusable(name: &str, cause: &BindError) -> Error {
    refused(format!("the value of `{name}` cannot be used: {}", cause.reason()))
}

fn refused(message: String) -> Error {
    Error::by_layer(DECODE, Code::InvalidArgument, message)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::types::rpc::Status;

    fn refusal(payload: &Payload) -> String {
        payload.decode::<Status>().unwrap_err().message().to_owned()
    }

    #[test]
    fn a_body_without_a_byte_is_told_what_the_empty_message_is() {
        assert_eq!(
            refusal(&Payload::unary(Codec::Json, Bytes::new())),
            "the request is no google.rpc.Status: the body is empty; `{}` is the empty message"
        );
        let protobuf = Payload::unary(Codec::Protobuf, Bytes::new());
        assert_eq!(protobuf.decode::<Status>().unwrap(), Status::default());
    }

    #[test]
    fn a_bound_value_that_does_not_fit_is_named_once() {
        let bound = |name: &str, value: &str| {
            let bindings = Bindings(vec![(name.into(), value.into())]);
            refusal(&Payload::rest(Bytes::new(), bindings))
        };
        assert_eq!(bound("code", "x"), "the value of `code` cannot be used: `x` is not a number");
        assert_eq!(
            bound("kode", "5"),
            "the value of `kode` cannot be used: google.rpc.Status has no field `kode`; its fields: \
             code, message, details"
        );
    }
}
