//! Server streams over REST: lines of JSON, or server-sent events where the caller asks for them.
//!
//! | `accept` has                                | the answer is                              |
//! |---------------------------------------------|--------------------------------------------|
//! | `text/event-stream`                         | an event for each message, its JSON `data` |
//! | `application/jsonl`, `application/x-ndjson` | a line of JSON for each message            |
//! | neither                                     | the same, as `application/x-ndjson`        |
//!
//! The status is out when the first message is, so that a failure in the middle stands in the
//! stream: as the last line `{"error": <problem>}`, or as an event called `error` whose data is the
//! problem (RFC 9457). A stream that went well ends with an event called `end`: a browser's
//! `EventSource` connects again whenever its connection ends, unless the page closes it then.
//!
//! Where no message comes, events have a comment after 15 to 30 s, so that no proxy takes the
//! connection for dead. Trailers are HTTP's, which over HTTP/1.1 are those only that the head
//! announced: there a stream has none.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::{BufMut, Bytes, BytesMut};
use http::Response;
use http::header::{ACCEPT, CACHE_CONTROL, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use kitfox_core::{Error, Reply};
use tokio::time::{Instant, Sleep, sleep};

use super::body::AnswerBody;
use super::metadata::Own;
use super::outgoing::{Form, Outgoing};
use super::problem;

/// From this size on a piece leaves, whatever else is ready.
const FULL: usize = 16 * 1024;

/// How often there is a look at whether a message came: the impatient among proxies wait 60 s.
const QUIET: Duration = Duration::from_secs(15);

/// How a stream is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Format {
    Events,
    /// Lines as `application/x-ndjson`.
    Ndjson,
    /// Lines as `application/jsonl`.
    Jsonl,
}

impl Format {
    /// What a caller with these headers reads.
    pub(super) fn accepted(headers: &HeaderMap) -> Self {
        let values = headers.get_all(ACCEPT).into_iter();
        let ranges = values.flat_map(|value| value.as_bytes().split(|byte| *byte == b','));
        let mut format = Format::Ndjson;
        for range in ranges {
            let essence = range.split(|byte| *byte == b';').next().unwrap_or_default();
            let essence = essence.trim_ascii();
            if essence.eq_ignore_ascii_case(b"text/event-stream") {
                return Format::Events;
            }
            if essence.eq_ignore_ascii_case(b"application/jsonl") {
                format = Format::Jsonl;
            }
        }
        format
    }

    fn content_type(self) -> HeaderValue {
        HeaderValue::from_static(match self {
            Format::Events => "text/event-stream",
            Format::Ndjson => "application/x-ndjson",
            Format::Jsonl => "application/jsonl",
        })
    }

    /// The answer of a method, as it comes.
    pub(super) fn answer(self, reply: Reply) -> Response<AnswerBody> {
        let (payload, metadata) = reply.into_parts();
        let own = metadata.map(|metadata| Own::of(*metadata));
        let (mut headers, trailers) =
            own.map(|own| (own.headers, own.trailers)).unwrap_or_default();
        let messages = payload.into_stream();
        headers.insert(CONTENT_TYPE, self.content_type());
        let body = match self {
            Format::Ndjson | Format::Jsonl => {
                AnswerBody::boxed(Outgoing::new(Lines::default(), messages, trailers))
            }
            Format::Events => {
                // What is gathered before it is passed on is no stream of events.
                let never = HeaderValue::from_static("no-cache");
                headers.entry(CACHE_CONTROL).or_insert(never);
                headers.insert(BUFFERING, HeaderValue::from_static("no"));
                AnswerBody::boxed(Outgoing::new(Events::default(), messages, trailers))
            }
        };
        let mut response = Response::new(body);
        *response.headers_mut() = headers;
        response
    }
}

/// Keeps nginx, and who learnt from it, from gathering an answer.
const BUFFERING: HeaderName = HeaderName::from_static("x-accel-buffering");

/// A line of JSON for each message.
#[derive(Debug, Default)]
struct Lines(BytesMut);

impl Form for Lines {
    fn put(&mut self, message: Bytes) -> Result<(), Error> {
        self.0.reserve(message.len() + 1);
        self.0.put_slice(&message);
        self.0.put_u8(b'\n');
        Ok(())
    }

    fn is_full(&self) -> bool {
        self.0.len() >= FULL
    }

    fn take(&mut self) -> Option<Bytes> {
        piece(&mut self.0)
    }

    fn end(&mut self, failure: Option<&Error>, trailers: HeaderMap) -> Option<HeaderMap> {
        let Some(error) = failure else { return written(trailers) };
        self.0.put_slice(b"{\"error\":");
        self.0.put_slice(&problem::problem(error));
        self.0.put_slice(b"}\n");
        written(Own::of_error(error).trailers)
    }
}

/// An event for each message.
#[derive(Debug, Default)]
struct Events {
    text: BytesMut,
    /// When somebody may begin to doubt that there is anybody.
    timer: Option<Pin<Box<Sleep>>>,
    /// A message has come since the timer was set.
    busy: bool,
}

impl Form for Events {
    fn put(&mut self, message: Bytes) -> Result<(), Error> {
        self.busy = true;
        // JSON on one line: line breaks in texts are escaped.
        self.event(b"data: ", &message);
        Ok(())
    }

    fn is_full(&self) -> bool {
        self.text.len() >= FULL
    }

    fn take(&mut self) -> Option<Bytes> {
        piece(&mut self.text)
    }

    fn end(&mut self, failure: Option<&Error>, trailers: HeaderMap) -> Option<HeaderMap> {
        let Some(error) = failure else {
            self.event(b"event: end\ndata: ", b"{}");
            return written(trailers);
        };
        self.event(b"event: error\ndata: ", &problem::problem(error));
        written(Own::of_error(error).trailers)
    }

    fn wait(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let busy = &mut self.busy;
        let timer = self.timer.get_or_insert_with(|| {
            *busy = false;
            Box::pin(sleep(QUIET))
        });
        loop {
            ready!(timer.as_mut().poll(cx));
            timer.as_mut().reset(Instant::now() + QUIET);
            if !std::mem::take(&mut self.busy) {
                self.text.put_slice(b":\n\n");
                return Poll::Ready(());
            }
        }
    }
}

impl Events {
    fn event(&mut self, start: &[u8], data: &[u8]) {
        self.text.reserve(start.len() + data.len() + 2);
        self.text.put_slice(start);
        self.text.put_slice(data);
        self.text.put_slice(b"\n\n");
    }
}

fn piece(text: &mut BytesMut) -> Option<Bytes> {
    (!text.is_empty()).then(|| text.split().freeze())
}

fn written(trailers: HeaderMap) -> Option<HeaderMap> {
    (!trailers.is_empty()).then_some(trailers)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_are_for_who_asks_for_them() {
        for (accept, format) in [
            ("", Format::Ndjson),
            ("*/*", Format::Ndjson),
            ("application/json, application/x-ndjson", Format::Ndjson),
            ("application/jsonl;q=0.9", Format::Jsonl),
            ("Text/Event-Stream, application/jsonl", Format::Events),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(ACCEPT, HeaderValue::from_static(accept));
            assert_eq!(Format::accepted(&headers), format, "{accept}");
        }
    }
}
