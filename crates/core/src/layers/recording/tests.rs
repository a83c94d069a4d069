use std::any::Any;
use std::sync::Mutex;
use std::time::Duration;

use bytes::Bytes;
use futures_util::StreamExt;
use tokio::time::Instant;

use super::*;
use crate::layers::ServerStack;
use crate::message::Codec;
use crate::record::{Edge, Ending, Record, Ticket, Volume};
use crate::{
    Batch, BoxEndpoint, Code, Incoming, MessageStream, Next, Payload, Platform, TraceContext,
    layer_fn,
};

static METHOD: Method = Method::unary("test.v1.Test", "Call", "/test.v1.Test/Call");

type Seen = (Ending, Option<Code>, Option<&'static str>, Volume, Volume);

/// Keeps what it is told.
#[derive(Clone, Default)]
struct Witness(Arc<Mutex<Vec<Seen>>>);

impl Witness {
    fn seen(&self) -> Vec<Seen> {
        std::mem::take(&mut self.0.lock().unwrap())
    }
}

impl Observer for Witness {
    fn method(&self, _: Side, _: &'static Method) -> Box<dyn Recorder> {
        Box::new(self.clone())
    }

    fn edge(&self, _: &Edge<'_>) {}

    fn as_any(&self) -> &dyn Any {
        self
    }
}

impl Recorder for Witness {
    fn begin(&self, context: &Context, _: Instant) -> Ticket {
        let span = TraceContext { trace_id: [1; 16], span_id: [2; 8], flags: 0, state: None };
        context.begin_span(span, None);
        Ticket(7)
    }

    fn end(&self, record: &Record<'_>) {
        assert_eq!(record.ticket, Ticket(7));
        let seen = (record.ending(), record.code(), record.layer(), record.received, record.sent);
        self.0.lock().unwrap().push(seen);
    }
}

struct Rig {
    witness: Witness,
    context: Context,
}

impl Rig {
    fn new() -> Self {
        let (witness, platform) = (Witness::default(), Platform::system());
        assert!(platform.observe(Arc::new(witness.clone())));
        let context =
            Context::incoming(Incoming { platform: Some(platform), ..Incoming::default() });
        Rig { witness, context }
    }

    fn request(&self) -> Request {
        Request::new(self.context.clone(), Payload::unary(Codec::Json, "four".into()))
    }
}

/// A server whose method is `method`.
fn stack<F, Fut>(method: F) -> ServerStack
where
    F: Fn(Request) -> Fut + Send + Sync + 'static,
    Fut: Future<Output = Result<Reply, Error>> + Send + 'static,
{
    ServerStack::new(&METHOD, served(method))
}

fn served<F, Fut>(method: F) -> BoxEndpoint
where
    F: Fn(Request) -> Fut + Send + Sync + 'static,
    Fut: Future<Output = Result<Reply, Error>> + Send + 'static,
{
    struct Nothing;
    impl Endpoint for Nothing {
        async fn call(&self, _: Request) -> Result<Reply, Error> {
            unreachable!("the layer around it answers")
        }
    }
    let answer = layer_fn(move |request, _: Next| method(request));
    BoxEndpoint::new(answer.layer(&METHOD, BoxEndpoint::new(Nothing)))
}

fn unary(text: &'static str) -> Reply {
    Reply::new(Payload::unary(Codec::Json, text.into()))
}

fn volume(messages: u64, bytes: u64) -> Volume {
    Volume { messages, bytes }
}

#[tokio::test(start_paused = true)]
async fn each_ending_of_a_unary_call_is_one_record() {
    let nothing = Volume::default();
    let rig = Rig::new();
    let ends = async |stack: ServerStack, request: Request| {
        drop(stack.call(request).await);
        rig.witness.seen()
    };
    let answered = stack(|_| async { Ok(unary("answer")) });
    let seen = ends(answered, rig.request()).await;
    assert_eq!(seen, [(Ending::Answered, None, None, volume(1, 4), volume(1, 6))]);

    let failed = stack(|_| async { Err(Error::new(Code::NotFound, "")) });
    let seen = ends(failed, rig.request()).await;
    assert_eq!(seen, [(Ending::Failed, Some(Code::NotFound), None, volume(1, 4), nothing)]);

    let refused =
        stack(|_| async { Err(Error::by_layer("rate limit", Code::ResourceExhausted, "")) });
    let seen = ends(refused, rig.request()).await;
    let by = Some("rate limit");
    assert_eq!(seen, [(Ending::Refused, Some(Code::ResourceExhausted), by, volume(1, 4), nothing)]);

    let panicked = stack(|_| async { panic!("on purpose") });
    let seen = ends(panicked, rig.request()).await;
    let by = Some("panic barrier");
    assert_eq!(seen, [(Ending::Panicked, Some(Code::Internal), by, volume(1, 4), nothing)]);

    let endless = stack(|_| std::future::pending());
    let mut late = rig.request();
    late.context = late.context.with_timeout(Duration::from_secs(1));
    let seen = ends(endless, late).await;
    let by = Some("deadline");
    assert_eq!(seen, [(Ending::Expired, Some(Code::DeadlineExceeded), by, volume(1, 4), nothing)]);

    let endless = stack(|_| std::future::pending());
    let call = endless.call(rig.request());
    assert!(tokio::time::timeout(Duration::from_secs(1), call).await.is_err());
    let seen = rig.witness.seen();
    assert_eq!(seen, [(Ending::Dropped, Some(Code::Canceled), None, volume(1, 4), nothing)]);
}

fn streaming(messages: impl Fn() -> MessageStream + Send + Sync + 'static) -> ServerStack {
    stack(move |_| {
        let messages = messages();
        async { Ok(Reply::new(Payload::stream(Codec::Json, messages))) }
    })
}

#[tokio::test]
async fn a_streams_record_is_open_until_its_end_and_has_its_counts() {
    let rig = Rig::new();
    let two = || MessageStream::new(futures_util::stream::iter(["a", "bc"].map(|m| Ok(m.into()))));
    let mut messages =
        streaming(two).call(rig.request()).await.unwrap().into_parts().0.into_stream();
    while messages.next().await.is_some() {
        assert_eq!(rig.witness.seen(), []);
    }
    let whole = [(Ending::Answered, None, None, volume(1, 4), volume(2, 3))];
    assert_eq!(rig.witness.seen(), whole);

    let mut messages =
        streaming(two).call(rig.request()).await.unwrap().into_parts().0.into_stream();
    let mut batch = Batch::default();
    while std::future::poll_fn(|cx| messages.poll_batch(cx, &mut batch)).await.is_some() {}
    assert_eq!(rig.witness.seen(), whole, "in batches");

    let mut messages =
        streaming(two).call(rig.request()).await.unwrap().into_parts().0.into_stream();
    messages.next().await.unwrap().unwrap();
    drop(messages);
    let dropped = (Ending::Dropped, Some(Code::Canceled), None, volume(1, 4), volume(1, 1));
    assert_eq!(rig.witness.seen(), [dropped]);

    let torn = || {
        let failure = Err(Error::new(Code::DataLoss, "torn"));
        MessageStream::new(futures_util::stream::iter([Ok("a".into()), failure]))
    };
    let messages = streaming(torn).call(rig.request()).await.unwrap().into_parts().0.into_stream();
    assert_eq!(messages.collect::<Vec<_>>().await.len(), 2);
    let failed = (Ending::Failed, Some(Code::DataLoss), None, volume(1, 4), volume(1, 1));
    assert_eq!(rig.witness.seen(), [failed]);
}

#[tokio::test]
async fn what_a_stream_says_while_it_is_dropped_is_in_its_record() {
    /// Says so when it is dropped, and whether the record was open then.
    struct Last(Context, Witness, Arc<Mutex<Vec<usize>>>);

    impl Drop for Last {
        fn drop(&mut self) {
            self.0.record("rows", "7");
            self.2.lock().unwrap().push(self.1.0.lock().unwrap().len());
        }
    }

    let (rig, said) = (Rig::new(), Arc::<Mutex<Vec<usize>>>::default());
    let (witness, before) = (rig.witness.clone(), Arc::clone(&said));
    let stack = stack(move |request| {
        let last = Last(request.context, witness.clone(), Arc::clone(&before));
        let messages = futures_util::stream::iter(["a", "b"]);
        let messages = messages.map(move |message| {
            let _held = &last;
            Ok(message.into())
        });
        async { Ok(Reply::new(Payload::stream(Codec::Json, MessageStream::new(messages)))) }
    });
    let mut messages = stack.call(rig.request()).await.unwrap().into_parts().0.into_stream();
    messages.next().await.unwrap().unwrap();
    drop(messages);
    assert_eq!(*said.lock().unwrap(), [0], "before the record was told");
    assert_eq!(rig.witness.seen().len(), 1);
}

#[tokio::test]
async fn a_method_reads_the_clock_itself_also_within_its_clients_call() {
    let rig = Rig::new();
    for recording in [Recording::server(), Recording::client()] {
        let reading = served(|_| async {
            let now = Instant::now();
            assert!(crate::moment::now() >= now, "not that of the beginning");
            Ok(unary(""))
        });
        let stack = ServerStack::recorded(&METHOD, reading, &recording);
        stack.call(rig.request()).await.unwrap();
    }
}

#[tokio::test]
async fn the_messages_of_a_request_that_streams_are_counted() {
    let rig = Rig::new();
    let counting = stack(|request| async {
        let messages = request.payload.into_stream();
        messages.collect::<Vec<_>>().await;
        Ok(unary(""))
    });
    let three =
        MessageStream::new(futures_util::stream::iter(["a", "b", "cd"].map(|m| Ok(m.into()))));
    let request = Request::new(rig.context.clone(), Payload::stream(Codec::Json, three));
    counting.call(request).await.unwrap();
    let expected = (Ending::Answered, None, None, volume(3, 4), volume(1, 0));
    assert_eq!(rig.witness.seen(), [expected]);
}

#[tokio::test]
async fn a_call_knows_its_span_and_method_and_is_the_current_one_of_its_thread() {
    let rig = Rig::new();
    let curious = stack(|request| async move {
        let span = Context::current().and_then(|cx| cx.trace()).expect("in a call");
        assert_eq!(span.span_id, [2; 8]);
        assert_eq!(request.context.outgoing().parent_trace(), Some(&span), "it goes on from here");
        assert_eq!(request.context.parent_trace(), None, "nobody called");
        assert_eq!(request.context.method().map(|method| method.path), Some(METHOD.path));
        assert!(request.context.outgoing().method().is_none(), "that is another call");
        Ok(unary(""))
    });
    curious.call(rig.request()).await.unwrap();
    assert!(Context::current().is_none());
}

#[tokio::test]
async fn a_call_that_nobody_observes_goes_straight_through() {
    let plain = stack(|_| async {
        assert!(Context::current().is_none());
        Ok(unary(""))
    });
    let request = Request::new(Context::background(), Payload::unary(Codec::Json, Bytes::new()));
    plain.call(request).await.unwrap();
}
