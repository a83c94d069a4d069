//! The other end: a server by hand, on a network within the process.

use std::future::Future;
use std::net::SocketAddr;
use std::time::Duration;

use bytes::Bytes;
use h2::RecvStream;
use h2::server::{Connection as Http2, SendResponse};
use http::{HeaderMap, Request, Response};
use kitfox::contract::{Idempotency, Shape};
use kitfox::layers::Deadline;
use kitfox::message::{Codec, MessageSchema};
use kitfox::platform::{Connection, Listener, Task};
use kitfox::transport::client::{HttpChannel, HttpChannelBuilder, HttpVersion, Protocol};
use kitfox::{
    Body, Channel, Context, DomainError, Endpoint, Error, Layer, Method, Payload, Platform, Reply,
};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::support::memory::Memory;

pub(super) const ADDRESS: &str = "10.0.0.9:7000";

static MESSAGE: MessageSchema =
    MessageSchema { name: "peer.v1.Any", package: "peer.v1", ..MessageSchema::BLANK };

pub(super) static METHOD: Method = Method {
    service: "peer.v1.Peer",
    name: "Say",
    path: "/peer.v1.Peer/Say",
    docs: "",
    shape: Shape::Unary,
    idempotency: Idempotency::None,
    detached: false,
    deprecated: false,
    routes: &[],
    input: || &MESSAGE,
    output: || &MESSAGE,
    errors: <Error as DomainError>::SCHEMA,
};

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
    let endpoint = Deadline.layer(&METHOD, channel.endpoint(&METHOD));
    let payload = Payload::unary(channel.codec(), Bytes::from_static(b"{}"));
    async move { endpoint.call(kitfox::Request::new(context, payload)).await }
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
pub(super) fn answer_grpc(mut respond: SendResponse<Bytes>, message: &'static [u8]) {
    let head = Response::builder().header("content-type", "application/grpc").body(()).unwrap();
    let mut stream = respond.send_response(head, false).unwrap();
    let length = u32::try_from(message.len()).unwrap().to_be_bytes();
    let frame = [&[0], &length[..], message].concat();
    stream.send_data(frame.into(), false).unwrap();
    stream.send_trailers(headers(&[("grpc-status", "0")])).unwrap();
}

pub(super) fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
    pairs.iter().map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap())).collect()
}
