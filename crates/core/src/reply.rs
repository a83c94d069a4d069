//! What comes out of an endpoint, and what layers hold until the call is over.

use std::fmt;
use std::pin::Pin;

use bytes::Bytes;
use futures_core::Stream;
use tokio::time::Instant;

use crate::payload::Body;
use crate::stream::Source;
use crate::{Error, MessageStream, Payload, ResponseMetadata};

/// The answer to a call: its encoded messages, its metadata, and the guards of its layers.
#[derive(Debug)]
pub struct Reply {
    payload: Payload,
    metadata: Option<Box<ResponseMetadata>>,
    guards: Guards,
}

impl Reply {
    /// An answer of `payload`.
    #[must_use]
    pub fn new(payload: Payload) -> Self {
        Reply { payload, metadata: None, guards: Guards::default() }
    }

    /// With headers, trailers and status.
    #[must_use]
    pub fn with_metadata(mut self, metadata: Option<Box<ResponseMetadata>>) -> Self {
        self.metadata = metadata;
        self
    }

    /// The messages.
    #[must_use]
    pub fn payload(&self) -> &Payload {
        &self.payload
    }

    /// The bytes of its one message, and the status that was set; nothing where it is a stream.
    #[inline]
    #[must_use]
    pub fn message(&self) -> Option<(usize, Option<u16>)> {
        let Body::Unary(message) = self.payload.body() else { return None };
        let status = self.metadata.as_deref().and_then(|metadata| metadata.status);
        Some((message.len(), status))
    }

    /// Headers, trailers and status, if anybody set some.
    #[must_use]
    pub fn metadata(&self) -> Option<&ResponseMetadata> {
        self.metadata.as_deref()
    }

    /// The same, to change.
    pub fn metadata_mut(&mut self) -> &mut ResponseMetadata {
        self.metadata.get_or_insert_default()
    }

    /// Keeps `guard` until the call is over: until the last message of a stream is out, the stream
    /// breaks, or the answer is dropped. A permit, an in-flight count, a record: whatever ends with
    /// the call says so in its `Drop`. Guards are let go in the reverse order of their holding.
    ///
    /// ```
    /// # use kitfox_core::{Payload, Reply, message::Codec};
    /// # let mut reply = Reply::new(Payload::unary(Codec::Json, "{}".into()));
    /// # let permit = ();
    /// reply.hold(permit);
    /// ```
    pub fn hold(&mut self, guard: impl Send + 'static) {
        self.guards.push(guard);
    }

    /// With the stream of messages wrapped, where there is one.
    #[must_use]
    pub fn map_stream<S>(mut self, wrap: impl FnOnce(MessageStream) -> S) -> Self
    where
        S: Stream<Item = Result<Bytes, Error>> + Send + 'static,
    {
        if let Body::Stream(_) = self.payload.body() {
            let codec = self.payload.codec();
            self.payload = Payload::stream(codec, self.payload.into_stream().map(wrap));
        }
        self
    }

    /// The same for the layers that every call has.
    pub(crate) fn wrap_stream<S>(mut self, wrap: impl FnOnce(Pin<Box<dyn Source>>) -> S) -> Self
    where
        S: Source + 'static,
    {
        if let Body::Stream(_) = self.payload.body() {
            let codec = self.payload.codec();
            self.payload = Payload::stream(codec, self.payload.into_stream().wrap(wrap));
        }
        self
    }

    /// The same for the layer that ends a stream at its `deadline`.
    pub(crate) fn wrap_stream_until<S>(
        mut self,
        deadline: Instant,
        wrap: impl FnOnce(Pin<Box<dyn Source>>) -> S,
    ) -> Self
    where
        S: Source + 'static,
    {
        if let Body::Stream(_) = self.payload.body() {
            let codec = self.payload.codec();
            let messages = self.payload.into_stream().wrap(wrap).until(deadline);
            self.payload = Payload::stream(codec, messages);
        }
        self
    }

    /// The messages, with the guards inside the stream where it is one, and the metadata. Trailers
    /// of a stream are with the stream.
    ///
    /// A unary call is over here; its guards are let go.
    #[must_use]
    pub fn into_parts(self) -> (Payload, Option<Box<ResponseMetadata>>) {
        let Reply { payload, mut metadata, guards } = self;
        if guards.is_empty() && metadata.is_none() {
            return (payload, metadata);
        }
        let codec = payload.codec();
        let payload = match payload.into_body() {
            Body::Unary(message) => Payload::unary(codec, message),
            Body::Stream(mut messages) => {
                messages.hold(guards);
                if let Some(metadata) = &mut metadata {
                    messages.follow_with(std::mem::take(&mut metadata.trailers));
                }
                Payload::stream(codec, messages)
            }
        };
        (payload, metadata)
    }
}

/// What layers hold until a call is over; free when nobody holds anything.
#[derive(Default)]
pub(crate) struct Guards(Option<Box<Guard>>);

struct Guard {
    // Fields drop in order: what was held last goes first.
    _held: Box<dyn Send>,
    earlier: Guards,
}

impl Guards {
    fn is_empty(&self) -> bool {
        self.0.is_none()
    }

    fn push(&mut self, guard: impl Send + 'static) {
        let earlier = std::mem::take(self);
        *self = Guards(Some(Box::new(Guard { _held: Box::new(guard), earlier })));
    }

    /// Adds guards that were held later.
    pub(crate) fn join(&mut self, mut later: Guards) {
        if self.is_empty() {
            *self = later;
            return;
        }
        let mut last = &mut later;
        while last.0.is_some() {
            last = &mut last.0.as_mut().expect("looked at just above").earlier;
        }
        std::mem::swap(last, self);
        *self = later;
    }
}

impl fmt::Debug for Guards {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.is_empty() { "none" } else { "held" })
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use futures_util::StreamExt;

    use super::*;
    use crate::message::Codec;
    use crate::{Code, Request};

    #[test]
    fn sizes_stay_small() {
        assert_eq!(size_of::<Request>(), 56);
        assert_eq!(size_of::<Reply>(), 64);
        assert_eq!(size_of::<Result<Reply, Error>>(), 64);
    }

    #[derive(Clone, Default)]
    struct Log(Arc<Mutex<Vec<&'static str>>>);

    impl Log {
        fn guard(&self, name: &'static str) -> Held {
            Held(self.clone(), name)
        }

        fn seen(&self) -> Vec<&'static str> {
            self.0.lock().unwrap().clone()
        }
    }

    struct Held(Log, &'static str);

    impl Drop for Held {
        fn drop(&mut self) {
            self.0.0.lock().unwrap().push(self.1);
        }
    }

    #[test]
    fn a_unary_call_is_over_when_its_message_is_taken() {
        let log = Log::default();
        let mut reply = Reply::new(Payload::unary(Codec::Json, Bytes::new()));
        reply.hold(log.guard("inner"));
        reply.hold(log.guard("outer"));
        assert!(log.seen().is_empty());
        let _payload = reply.into_parts();
        assert_eq!(log.seen(), ["outer", "inner"]);
    }

    #[tokio::test]
    async fn guards_of_two_replies_around_one_stream_all_hold() {
        let log = Log::default();
        let mut inner = Reply::new(Payload::stream(Codec::Json, MessageStream::once(Bytes::new())));
        inner.hold(log.guard("inner"));
        let mut outer = Reply::new(inner.into_parts().0);
        outer.hold(log.guard("outer"));
        let mut stream = outer.into_parts().0.into_stream();
        assert!(stream.next().await.is_some());
        assert!(log.seen().is_empty(), "one message may not be the last");
        assert!(stream.next().await.is_none());
        assert_eq!(log.seen(), ["outer", "inner"]);
    }

    #[test]
    fn a_dropped_stream_lets_go() {
        let log = Log::default();
        let mut reply = Reply::new(Payload::stream(Codec::Json, MessageStream::once(Bytes::new())));
        reply.hold(log.guard("held"));
        let stream = reply.into_parts().0.into_stream();
        assert!(log.seen().is_empty());
        drop(stream);
        assert_eq!(log.seen(), ["held"]);
    }

    #[tokio::test]
    async fn a_broken_stream_lets_go_at_once() {
        let log = Log::default();
        let broken = futures_util::stream::iter([Err(Error::new(Code::DataLoss, "torn"))]);
        let mut reply = Reply::new(Payload::stream(Codec::Json, MessageStream::new(broken)));
        reply.hold(log.guard("held"));
        let mut stream = reply.into_parts().0.into_stream();
        assert!(stream.next().await.unwrap().is_err());
        assert_eq!(log.seen(), ["held"]);
    }
}
