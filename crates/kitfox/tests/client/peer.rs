//! The other end: a server by hand, on a network within the process.

use std::future::{Future, poll_fn};
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context as TaskContext, Poll};
use std::time::Duration;

use bytes::Bytes;
use futures_core::Stream;
use h2::server::{Connection as Http2, SendResponse};
use h2::{RecvStream, SendStream};
use http::{HeaderMap, HeaderValue, Request, Response};
use kitfox::contract::Shape;
use kitfox::layers::Deadline;
use kitfox::message::{Codec, MessageSchema};
use kitfox::platform::{Connection, Listener, Task};
use kitfox::transport::client::{HttpChannel, HttpChannelBuilder, HttpVersion, Protocol};
use kitfox::{
    Body, Channel, Context, Endpoint, Error, Layer, MessageStream, Method, Payload, Platform, Reply,
};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::support::memory::Memory;

pub(super) const ADDRESS: &str = "10.0.0.9:7000";

static MESSAGE: MessageSchema =
    MessageSchema { name: "peer.v1.Any", package: "peer.v1", ..MessageSchema::BLANK };

pub(super) static METHOD: Method = method(Shape::Unary);
pub(super) static MANY: Method = method(Shape::ServerStream);
pub(super) static BOTH: Method = method(Shape::BothStream);

const fn method(shape: Shape) -> Method {
    Method {
        shape,
        input: || &MESSAGE,
        output: || &MESSAGE,
        ..Method::unary("peer.v1.Peer", "Say", "/peer.v1.Peer/Say")
    }
}

pub(super) fn seconds(count: u64) -> Duration {
    Duration::from_secs(count)
}

/// A peer that listens, and takes connections when the test says so.
pub(super) struct Peer {
    pub(super) platform: Platform,
    listener: Box<dyn Listener>,
}

impl Peer {
    pub(super) async fn new() -> Self {
        let platform = Memory::default().platform();
        let address: SocketAddr = ADDRESS.parse().unwrap();
        let listener = platform.net().listen(address).await.unwrap();
        Peer { platform, listener }
    }

    /// A channel to this peer, in Connect and JSON.
    pub(super) fn channel(&self, http: HttpVersion) -> HttpChannelBuilder {
        builder(&self.platform).codec(Codec::Json).http(http)
    }

    /// A channel to this peer, in gRPC.
    pub(super) fn grpc(&self) -> HttpChannel {
        builder(&self.platform).protocol(Protocol::Grpc).build().unwrap()
    }

    pub(super) async fn accept(&mut self) -> Connection {
        // Time stands still, so that this costs none.
        let accepted = tokio::time::timeout(seconds(1000), self.listener.accept()).await;
        accepted.expect("a connection comes").unwrap()
    }

    pub(super) async fn accept_http2(&mut self) -> Http2<Connection, Bytes> {
        h2::server::handshake(self.accept().await).await.unwrap()
    }

    /// Runs something beside the test.
    pub(super) fn run<T: Send + 'static>(
        &self,
        work: impl Future<Output = T> + Send + 'static,
    ) -> Task<T> {
        self.platform.tasks().spawn(work)
    }
}

pub(super) fn builder(platform: &Platform) -> HttpChannelBuilder {
    HttpChannel::builder(format!("http://{ADDRESS}")).platform(platform.clone())
}

/// A call with ten seconds, as a typed client makes it.
pub(super) fn call(
    channel: &HttpChannel,
) -> impl Future<Output = Result<Reply, Error>> + Send + use<> {
    call_within(channel, Context::background().with_timeout(seconds(10)))
}

pub(super) fn call_within(
    channel: &HttpChannel,
    context: Context,
) -> impl Future<Output = Result<Reply, Error>> + Send + use<> {
    let payload = Payload::unary(channel.codec(), Bytes::from_static(b"{}"));
    call_with(channel, &METHOD, context, payload)
}

pub(super) fn call_with(
    channel: &HttpChannel,
    method: &'static Method,
    context: Context,
    payload: Payload,
) -> impl Future<Output = Result<Reply, Error>> + Send + use<> {
    let endpoint = Deadline.layer(method, channel.endpoint(method));
    async move { endpoint.call(kitfox::Request::new(context, payload)).await }
}

/// A call with one message there, and many back.
pub(super) fn ask(
    channel: &HttpChannel,
) -> impl Future<Output = Result<Reply, Error>> + Send + use<> {
    let payload = Payload::unary(channel.codec(), Bytes::from_static(b"{}"));
    call_with(channel, &MANY, Context::background().with_timeout(seconds(10)), payload)
}

/// A call with many messages there, and many back.
pub(super) fn send<S: Stream<Item = Result<Bytes, Error>> + Send + 'static>(
    channel: &HttpChannel,
    messages: S,
) -> impl Future<Output = Result<Reply, Error>> + Send + use<S> {
    let payload = Payload::stream(channel.codec(), MessageStream::new(messages));
    call_with(channel, &BOTH, Context::background().with_timeout(seconds(10)), payload)
}

/// The stream of an answer.
pub(super) fn messages(reply: Reply) -> MessageStream {
    match reply.into_parts().0.into_body() {
        Body::Stream(messages) => messages,
        Body::Unary(_) => panic!("one message"),
    }
}

pub(super) async fn next(messages: &mut MessageStream) -> Option<Result<Bytes, Error>> {
    poll_fn(|cx| Pin::new(&mut *messages).poll_next(cx)).await
}

/// A call over gRPC that has got the first of its messages, `one`, and what the rest goes to. Other
/// calls on its connection are answered with `hi`.
pub(super) async fn halfway(
    peer: &mut Peer,
    channel: &HttpChannel,
) -> (MessageStream, SendStream<Bytes>) {
    let asking = peer.run(ask(channel));
    let mut connection = peer.accept_http2().await;
    let (_, respond) = connection.accept().await.unwrap().unwrap();
    drop(peer.run(serve(connection, |_, respond| answer_grpc(respond, b"hi"))));
    let mut stream = begin_grpc(respond, &[]);
    stream.send_data(framed(0, b"one"), false).unwrap();
    let mut answer = messages(asking.await.unwrap().unwrap());
    assert_eq!(next(&mut answer).await.unwrap().unwrap(), "one");
    (answer, stream)
}

/// A stream of 1,000 bytes again and again, which counts how often it was asked.
#[derive(Default)]
pub(super) struct Endless {
    pub(super) asked: Arc<AtomicUsize>,
}

impl Stream for Endless {
    type Item = Result<Bytes, Error>;

    fn poll_next(self: Pin<&mut Self>, _: &mut TaskContext<'_>) -> Poll<Option<Self::Item>> {
        self.asked.fetch_add(1, Ordering::SeqCst);
        Poll::Ready(Some(Ok(Bytes::from_static(&[b'x'; 1000]))))
    }
}

/// What a good answer said.
pub(super) fn said(outcome: Result<Reply, Error>) -> Bytes {
    match outcome.unwrap().into_parts().0.into_body() {
        Body::Unary(message) => message,
        Body::Stream(_) => panic!("a stream"),
    }
}

/// Reads one HTTP/1.1 request; nothing when the connection ends before one.
pub(super) async fn read_request(connection: &mut Connection) -> Option<String> {
    let mut bytes = Vec::new();
    loop {
        if connection.read_buf(&mut bytes).await.unwrap_or(0) == 0 {
            return None;
        }
        let text = String::from_utf8(bytes.clone()).unwrap();
        let Some((head, body)) = text.split_once("\r\n\r\n") else { continue };
        let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
        if body.len() >= length.map_or(0, |length| length.parse().unwrap()) {
            return Some(text);
        }
    }
}

/// Answers over HTTP/1.1.
pub(super) async fn write(connection: &mut Connection, text: &str) {
    connection.write_all(text.as_bytes()).await.unwrap();
}

pub(super) const GOOD: &str =
    "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 2\r\n\r\n{}";

/// Answers each call over HTTP/2, one after the other, until the connection ends.
pub(super) async fn serve(
    mut connection: Http2<Connection, Bytes>,
    mut answer: impl FnMut(Request<RecvStream>, SendResponse<Bytes>),
) {
    while let Some(Ok((request, respond))) = connection.accept().await {
        answer(request, respond);
    }
}

/// Answers a gRPC call with a message and status 0.
pub(super) fn answer_grpc(respond: SendResponse<Bytes>, message: &[u8]) {
    let mut stream = begin_grpc(respond, &[]);
    stream.send_data(framed(0, message), false).unwrap();
    stream.send_trailers(headers(&[("grpc-status", "0")])).unwrap();
}

/// Sends the head of an answer in gRPC.
pub(super) fn begin_grpc(
    mut respond: SendResponse<Bytes>,
    more: &[(&'static str, &str)],
) -> SendStream<Bytes> {
    let mut head = Response::new(());
    *head.headers_mut() = headers(more);
    head.headers_mut().insert("content-type", HeaderValue::from_static("application/grpc"));
    respond.send_response(head, false).unwrap()
}

/// A message in its frame.
pub(super) fn framed(flags: u8, message: &[u8]) -> Bytes {
    let length = u32::try_from(message.len()).unwrap().to_be_bytes();
    [&[flags], &length[..], message].concat().into()
}

pub(super) fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
    pairs.iter().map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap())).collect()
}
