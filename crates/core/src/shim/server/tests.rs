use std::fmt::{Debug, Write as _};
use std::sync::Mutex;

use futures_util::StreamExt as _;
use tracing::field::{Field, Visit};
use tracing::{Event, Level, Metadata, Subscriber, span};

use super::*;

/// Keeps each event as its level and its fields.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<(Level, String)>>>);

struct Line(String);

impl Visit for Line {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        write!(self.0, "{field}={value:?} ").unwrap();
    }
}

impl Subscriber for Log {
    fn enabled(&self, _: &Metadata<'_>) -> bool {
        true
    }
    fn new_span(&self, _: &span::Attributes<'_>) -> span::Id {
        span::Id::from_u64(1)
    }
    fn record(&self, _: &span::Id, _: &span::Record<'_>) {}
    fn record_follows_from(&self, _: &span::Id, _: &span::Id) {}
    fn event(&self, event: &Event<'_>) {
        let mut line = Line(String::new());
        event.record(&mut line);
        self.0.lock().unwrap().push((*event.metadata().level(), line.0));
    }
    fn enter(&self, _: &span::Id) {}
    fn exit(&self, _: &span::Id) {}
}

/// What is logged when a method fails with `error`.
async fn logged(error: fn() -> Error) -> Vec<(Level, String)> {
    let log = Log::default();
    let guard = tracing::subscriber::set_default(log.clone());
    let endpoint = unary(&Arc::new(()), move |_, _: Context, (): ()| async move {
        let mut error = error();
        error.metadata_mut().headers.insert("x-token", "hidden").unwrap();
        Err::<(), Error>(error)
    });
    let payload = Payload::unary(Codec::Protobuf, Bytes::new());
    let answer = endpoint.call(Request::new(Context::background(), payload)).await;
    assert!(answer.is_err());
    drop(guard);
    std::mem::take(&mut *log.0.lock().unwrap())
}

#[tokio::test]
async fn a_failure_of_the_service_itself_is_logged_with_all_its_causes() {
    let events = logged(|| {
        let disk = std::io::Error::other("the disk is full");
        let store = Error::new(Code::Aborted, "no write").with_source(disk);
        Error::new(Code::Internal, "not kept").with_source(store)
    })
    .await;
    let [(Level::ERROR, line)] = &events[..] else { panic!("{events:?}") };
    for part in ["code=internal", "not kept", "aborted: no write: the disk is full"] {
        assert!(line.contains(part), "{line}");
    }
    assert!(!line.contains("hidden"), "{line}");
}

#[tokio::test]
async fn what_a_callee_said_is_in_the_log_where_the_caller_is_not_told() {
    let unmapped = || Error::new(Code::NotFound, "card 4711").with_origin(Origin::Peer);
    let busy = || Error::new(Code::Unavailable, "card 4711").with_origin(Origin::Peer);
    for (error, level) in [(unmapped as fn() -> Error, Level::ERROR), (busy, Level::WARN)] {
        let events = logged(error).await;
        assert_eq!((events.len(), events[0].0), (1, level));
        assert!(events[0].1.contains("card 4711"), "{events:?}");
    }
}

#[tokio::test]
async fn what_the_caller_is_told_is_not_logged() {
    let own = || Error::new(Code::NotFound, "no order 7");
    let canceled = || Error::by_layer("context", Code::Canceled, "over");
    for error in [own as fn() -> Error, canceled] {
        assert_eq!(logged(error).await, []);
    }
}

/// What a method that streams yields, each message and the failure at its end.
async fn answers<F>(method: F, sent: MessageStream) -> (Vec<Bytes>, Option<Error>, Trailers)
where
    F: Fn(Context, Streaming<()>) -> Streaming<()> + Send + Sync + 'static,
{
    let method = Arc::new(method);
    let endpoint = both_stream(&Arc::new(()), move |_, cx, input| {
        let method = Arc::clone(&method);
        async move { Ok::<_, Error>(method(cx, input)) }
    });
    let request = Request::new(Context::background(), Payload::stream(Codec::Protobuf, sent));
    let reply = endpoint.call(request).await.unwrap();
    let mut messages = reply.into_parts().0.into_stream();
    let (mut seen, mut failure) = (Vec::new(), None);
    while let Some(next) = messages.next().await {
        match next {
            Ok(message) => seen.push(message),
            Err(error) => failure = Some(error),
        }
    }
    (seen, failure, messages.trailers().cloned().unwrap())
}

fn nothing() -> MessageStream {
    MessageStream::new(futures_util::stream::empty())
}

#[tokio::test]
async fn a_failure_in_the_middle_of_a_stream_is_masked_and_logged_like_any_other() {
    let log = Log::default();
    let guard = tracing::subscriber::set_default(log.clone());
    let broken = |_, _| {
        let callee = Error::new(Code::NotFound, "card 4711").with_origin(Origin::Peer);
        Streaming::new(futures_util::stream::iter([Ok(()), Err(callee)]))
    };
    let (seen, failure, _) = answers(broken, nothing()).await;
    drop(guard);
    let failure = failure.unwrap();
    assert_eq!((seen.len(), failure.code()), (1, Code::Internal));
    assert!(!failure.message().contains("4711"), "{failure}");
    let events = std::mem::take(&mut *log.0.lock().unwrap());
    let [(Level::ERROR, line)] = &events[..] else { panic!("{events:?}") };
    assert!(line.contains("card 4711"), "{line}");
}

#[tokio::test]
async fn what_is_wrong_with_the_callers_own_stream_is_told_to_it() {
    let sent = || {
        let torn = Error::by_layer("wire", Code::ResourceExhausted, "message 2 is too large");
        MessageStream::new(futures_util::stream::iter([Ok(Bytes::new()), Err(torn)]))
    };
    let unreadable = || MessageStream::once(Bytes::from_static(b"\xff"));
    let echo = |_: Context, input: Streaming<()>| input;
    let (seen, failure, _) = answers(echo, sent()).await;
    let failure = failure.unwrap();
    assert_eq!((seen.len(), failure.origin()), (1, Origin::Caller));
    assert_eq!(failure.message(), "message 2 is too large");
    let failure = answers(echo, unreadable()).await.1.unwrap();
    assert_eq!((failure.origin(), failure.code()), (Origin::Caller, Code::InvalidArgument));
}

#[tokio::test]
async fn trailers_set_while_streaming_follow_the_last_message_or_go_with_the_failure() {
    let summed = |failing: bool| {
        move |cx: Context, _: Streaming<()>| {
            let mut step = 0;
            Streaming::new(futures_util::stream::poll_fn(move |_| {
                step += 1;
                cx.respond(|answer| {
                    answer.trailers.insert("x-sum", &step.to_string()).unwrap();
                });
                Poll::Ready(match (step, failing) {
                    (1, _) => Some(Ok(())),
                    (_, true) => Some(Err(Error::new(Code::NotFound, "no more"))),
                    (_, false) => None,
                })
            }))
        }
    };
    let (_, failure, trailers) = answers(summed(false), nothing()).await;
    assert!(failure.is_none());
    assert_eq!(trailers.take().unwrap().text("x-sum"), Some("2"));
    let (_, failure, _) = answers(summed(true), nothing()).await;
    assert_eq!(failure.unwrap().metadata().unwrap().trailers.text("x-sum"), Some("2"));
}

#[tokio::test]
async fn a_failure_keeps_its_own_metadata_beside_those_of_the_context() {
    let endpoint = unary(&Arc::new(()), |_, cx: Context, (): ()| async move {
        cx.respond(|answer| {
            answer.headers.insert("x-request-id", "7").unwrap();
            answer.headers.insert("x-both", "context").unwrap();
        });
        let mut error = Error::new(Code::Unauthenticated, "who are you?");
        let headers = &mut error.metadata_mut().headers;
        headers.insert("www-authenticate", "Bearer").unwrap();
        headers.insert("x-both", "error").unwrap();
        Err::<(), Error>(error)
    });
    let payload = Payload::unary(Codec::Protobuf, Bytes::new());
    let error = endpoint.call(Request::new(Context::background(), payload)).await.unwrap_err();
    let headers = &error.metadata().unwrap().headers;
    assert_eq!(headers.text("x-request-id"), Some("7"));
    assert_eq!(headers.text("www-authenticate"), Some("Bearer"));
    assert_eq!(headers.all("x-both").collect::<Vec<_>>(), ["context"]);
}
