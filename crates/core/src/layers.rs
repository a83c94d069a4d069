//! The layers that every call has, on either side: a scope, a record, a panic barrier and a
//! deadline.

mod deadline;
mod panic_barrier;
mod recording;
mod scope;

pub use deadline::{Deadline, DeadlineEndpoint};
pub(crate) use panic_barrier::PANIC_BARRIER;
pub use panic_barrier::{PanicBarrier, PanicBarrierEndpoint};
use recording::BoxedRecordingEndpoint;
pub use recording::{
    AttemptRecording, AttemptRecordingEndpoint, ClientRecords, OpenRecord, Recording,
    RecordingEndpoint,
};
pub use scope::{Scope, ScopeEndpoint};

use crate::contract::Method;
use crate::{BoxEndpoint, Endpoint, Error, Layer, Reply, Request};

/// What stands around every method of a server, from outside in: scope, record, panic barrier,
/// deadline.
#[derive(Debug)]
pub struct ServerStack<E = BoxEndpoint>(
    ScopeEndpoint<BoxedRecordingEndpoint<PanicBarrierEndpoint<DeadlineEndpoint<E>>>>,
);

impl<E: Endpoint> ServerStack<E> {
    /// The stack of `method`, which `endpoint` serves.
    #[must_use]
    pub fn new(method: &'static Method, endpoint: E) -> Self {
        ServerStack::recorded(method, endpoint, &Recording::server())
    }

    /// The same, whose record is `recording`.
    #[must_use]
    pub fn recorded(method: &'static Method, endpoint: E, recording: &Recording) -> Self {
        let endpoint = Deadline.layer(method, endpoint);
        let endpoint = PanicBarrier.layer(method, endpoint);
        let endpoint = recording.layer(method, endpoint).boxed();
        ServerStack(Scope.layer(method, endpoint))
    }
}

impl<E: Endpoint> Endpoint for ServerStack<E> {
    fn call(&self, request: Request) -> impl Future<Output = Result<Reply, Error>> + Send {
        self.0.call(request)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::time::Duration;

    use bytes::Bytes;
    use futures_util::StreamExt;

    use super::*;

    use crate::message::Codec;
    use crate::{Code, Context, Incoming, MessageStream, Payload, Platform, layer_fn};

    static METHOD: Method = method(false);
    static DETACHED: Method = method(true);

    const fn method(detached: bool) -> Method {
        Method { detached, ..Method::unary("test.v1.Test", "Call", "/test.v1.Test/Call") }
    }

    struct Function<F>(F);

    impl<F, Fut> Endpoint for Function<F>
    where
        F: Fn(Request) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<Reply, Error>> + Send,
    {
        fn call(&self, request: Request) -> impl Future<Output = Result<Reply, Error>> + Send {
            (self.0)(request)
        }
    }

    fn endpoint<F, Fut>(function: F) -> BoxEndpoint
    where
        F: Fn(Request) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<Reply, Error>> + Send,
    {
        BoxEndpoint::new(Function(function))
    }

    fn request(context: &Context) -> Request {
        Request::new(context.clone(), Payload::unary(Codec::Json, Bytes::new()))
    }

    fn empty() -> Reply {
        Reply::new(Payload::unary(Codec::Json, Bytes::new()))
    }

    #[tokio::test(start_paused = true)]
    async fn a_call_past_its_deadline_is_not_begun() {
        let begun = Arc::new(AtomicUsize::new(0));
        let counter = Arc::clone(&begun);
        let stack = ServerStack::new(
            &METHOD,
            endpoint(move |_| {
                counter.fetch_add(1, Ordering::Relaxed);
                async { Ok(empty()) }
            }),
        );
        let cx = Context::background().with_timeout(Duration::ZERO);
        let error = stack.call(request(&cx)).await.unwrap_err();
        assert_eq!(error.code(), Code::DeadlineExceeded);
        assert_eq!(begun.load(Ordering::Relaxed), 0);
    }

    #[tokio::test(start_paused = true)]
    async fn a_call_that_reaches_its_deadline_is_dropped() {
        let stack = ServerStack::new(&METHOD, endpoint(|_| std::future::pending()));
        let cx = Context::background().with_timeout(Duration::from_secs(3));
        let begin = tokio::time::Instant::now();
        let error = stack.call(request(&cx)).await.unwrap_err();
        assert_eq!(error.code(), Code::DeadlineExceeded);
        assert_eq!(begin.elapsed().as_secs(), 3);
        assert!(cx.is_cancelled(), "its children end too");
    }

    #[tokio::test]
    async fn a_panic_is_one_failed_call_and_says_nothing_to_the_caller() {
        let stack = ServerStack::new(&METHOD, endpoint(|_| async { panic!("secret") }));
        for _ in 0..2 {
            let error = stack.call(request(&Context::background())).await.unwrap_err();
            assert_eq!(error.code(), Code::Internal);
            assert!(!error.to_string().contains("secret"));
        }
    }

    /// A layer by hand, which panics before there is a future.
    struct Hasty;

    impl Endpoint for Hasty {
        fn call(&self, _: Request) -> impl Future<Output = Result<Reply, Error>> + Send {
            let panics = true;
            assert!(!panics, "secret");
            std::future::pending()
        }
    }

    #[tokio::test]
    async fn a_panic_before_there_is_a_future_is_one_failed_call_too() {
        for stack in [
            BoxEndpoint::new(ServerStack::new(&METHOD, Hasty)),
            BoxEndpoint::new(PanicBarrier.layer(&METHOD, Hasty)),
        ] {
            let error = stack.call(request(&Context::background())).await.unwrap_err();
            assert_eq!((error.code(), error.message()), (Code::Internal, "the method panicked"));
        }
    }

    #[tokio::test]
    async fn a_panic_in_a_stream_ends_it_with_an_error() {
        let stack = ServerStack::new(
            &METHOD,
            endpoint(|_| async {
                let messages = futures_util::stream::poll_fn(|_| panic!("late"));
                Ok(Reply::new(Payload::stream(Codec::Json, MessageStream::new(messages))))
            }),
        );
        let reply = stack.call(request(&Context::background())).await.unwrap();
        let mut messages = reply.into_parts().0.into_stream();
        assert_eq!(messages.next().await.unwrap().unwrap_err().code(), Code::Internal);
        assert!(messages.next().await.is_none());
    }

    #[tokio::test]
    async fn an_open_stream_passes_a_stack_and_holds_what_its_layers_attached() {
        let permits = Arc::new(tokio::sync::Semaphore::new(1));
        let limit = Arc::clone(&permits);
        let bulkhead = layer_fn(move |request, next| {
            let limit = Arc::clone(&limit);
            async move {
                let permit = limit.acquire_owned().await.expect("never closed");
                let mut reply = next.call(request).await?;
                reply.hold(permit);
                Ok(reply)
            }
        });
        let inner = endpoint(|_| async {
            let two = futures_util::stream::iter(["a", "b"].map(|m| Ok(Bytes::from(m))));
            Ok(Reply::new(Payload::stream(Codec::Json, MessageStream::new(two))))
        });
        let stack = ServerStack::new(&METHOD, BoxEndpoint::new(bulkhead.layer(&METHOD, inner)));

        let cx = Context::background();
        let mut messages = stack.call(request(&cx)).await.unwrap().into_parts().0.into_stream();
        assert_eq!(messages.next().await.unwrap().unwrap(), "a");
        assert_eq!(messages.next().await.unwrap().unwrap(), "b");
        assert_eq!(permits.available_permits(), 0, "the stream is open");
        assert!(!cx.is_cancelled());
        assert!(messages.next().await.is_none());
        assert_eq!(permits.available_permits(), 1, "the stream has ended");
        assert!(cx.is_cancelled());

        let cx = Context::background();
        let messages = stack.call(request(&cx)).await.unwrap().into_parts().0.into_stream();
        assert_eq!(permits.available_permits(), 0);
        drop(messages);
        assert_eq!(permits.available_permits(), 1, "the stream was dropped");
        assert!(cx.is_cancelled());
    }

    #[tokio::test(start_paused = true)]
    async fn a_stream_ends_at_its_deadline_whether_its_messages_wait_or_not() {
        let waiting = || MessageStream::new(futures_util::stream::pending());
        let hurried = || {
            let slow = futures_util::stream::unfold((), |()| async {
                tokio::time::advance(Duration::from_secs(1)).await;
                Some((Ok(Bytes::new()), ()))
            });
            MessageStream::new(slow)
        };
        for messages in [waiting as fn() -> MessageStream, hurried] {
            let stack = ServerStack::new(
                &METHOD,
                endpoint(move |_| async move {
                    Ok(Reply::new(Payload::stream(Codec::Json, messages())))
                }),
            );
            let (cx, permits) = (Context::background(), Arc::new(()));
            let call = cx.with_timeout(Duration::from_secs(60));
            let mut reply = stack.call(request(&call)).await.unwrap();
            reply.hold(Arc::clone(&permits));
            let mut messages = reply.into_parts().0.into_stream();
            let error = loop {
                if let Err(error) = messages.next().await.unwrap() {
                    break error;
                }
            };
            assert_eq!(error.code(), Code::DeadlineExceeded);
            assert_eq!(Arc::strong_count(&permits), 1, "the guards are let go");
            assert!(messages.next().await.is_none());
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_stream_that_is_silent_after_many_messages_ends_at_its_deadline() {
        let (sender, receiver) = tokio::sync::mpsc::unbounded_channel();
        // More than a task of tokio's may take in one turn.
        for _ in 0..200 {
            sender.send(Ok(Bytes::new())).unwrap();
        }
        let receiver = std::sync::Mutex::new(Some(receiver));
        let stack = ServerStack::new(
            &METHOD,
            endpoint(move |_| {
                let mut receiver = receiver.lock().unwrap().take().unwrap();
                let messages = futures_util::stream::poll_fn(move |cx| receiver.poll_recv(cx));
                let payload = Payload::stream(Codec::Json, MessageStream::new(messages));
                async { Ok(Reply::new(payload)) }
            }),
        );
        let (cx, begin) = (Context::background(), tokio::time::Instant::now());
        let call = cx.with_timeout(Duration::from_millis(300));
        let mut messages = stack.call(request(&call)).await.unwrap().into_parts().0.into_stream();
        let error = async {
            loop {
                if let Err(error) = messages.next().await.unwrap() {
                    break error;
                }
            }
        };
        let error = tokio::time::timeout(Duration::from_secs(60), error).await.unwrap();
        assert_eq!(error.code(), Code::DeadlineExceeded);
        assert_eq!(begin.elapsed().as_millis(), 300);
    }

    #[tokio::test(start_paused = true)]
    async fn a_dropped_call_is_cancelled_and_a_detached_one_is_finished() {
        for (method, finished) in [(&METHOD, 0), (&DETACHED, 1)] {
            let count = Arc::new(AtomicUsize::new(0));
            let counter = Arc::clone(&count);
            let stack = ServerStack::new(
                method,
                endpoint(move |_| {
                    let counter = Arc::clone(&counter);
                    async move {
                        tokio::time::sleep(Duration::from_secs(1)).await;
                        counter.fetch_add(1, Ordering::Relaxed);
                        Ok(empty())
                    }
                }),
            );
            let platform = Platform::system();
            let cx = Context::incoming(Incoming {
                platform: Some(platform.clone()),
                ..Incoming::default()
            });
            let call = stack.call(request(&cx));
            let gone = tokio::time::timeout(Duration::from_millis(1), call).await;
            assert!(gone.is_err(), "the caller goes away");
            assert_eq!(cx.is_cancelled(), finished == 0);
            platform.tasks().idle().await;
            assert_eq!(count.load(Ordering::Relaxed), finished);
        }
    }
}
