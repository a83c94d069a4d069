//! REST as a caller speaks it who knows no protocol of ours: JSON there, and JSON, lines of it or
//! server-sent events back. There is no client of ours for it, so this one is here.

use std::convert::Infallible;
use std::io::Write;

use bytes::Bytes;
use flate2::write::{GzDecoder, GzEncoder};
use http::header::{ACCEPT, ACCEPT_ENCODING, CONTENT_ENCODING, CONTENT_TYPE, HOST, HeaderValue};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::client::conn::{http1, http2};
use hyper_util::rt::TokioIo;
use kitfox::contract::Shape;
use kitfox::message::Codec;
use kitfox::{
    Body, BoxEndpoint, Channel, Code, Context, Endpoint, Error, HttpVersion, Method, Origin,
    Payload, Platform, Reply, Request,
};
use tokio::sync::oneshot;

use super::rest_answer::{Reading, failure, metadata};

/// How much of an answer may come before somebody reads it.
const WINDOW: u32 = 256 * 1024;

/// What comes back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Format {
    Lines,
    Events,
    /// Lines; what is one message is compressed, there and back.
    Packed,
}

/// A way to a server, with a connection for each call.
#[derive(Clone, Debug)]
pub(super) struct Rest {
    pub(super) address: String,
    pub(super) http: HttpVersion,
    pub(super) format: Format,
    pub(super) platform: Platform,
}

impl Channel for Rest {
    fn endpoint(&self, method: &'static Method) -> BoxEndpoint {
        BoxEndpoint::new(Calling { rest: self.clone(), method })
    }

    fn codec(&self) -> Codec {
        Codec::Json
    }
}

struct Calling {
    rest: Rest,
    method: &'static Method,
}

impl Endpoint for Calling {
    async fn call(&self, request: Request) -> Result<Reply, Error> {
        let Body::Unary(message) = request.payload.into_body() else {
            panic!("REST has one message there")
        };
        let request = self.request(&request.context, message);
        let (held, dropped) = oneshot::channel();
        let (head, body) = self.rest.send(request, dropped).await?.into_parts();
        if head.status != 200 {
            let body = body.collect().await.map_err(broken)?.to_bytes();
            return Err(failure(head.status.as_u16(), &body, &head.headers));
        }
        if self.method.shape == Shape::ServerStream {
            let events = self.rest.format == Format::Events;
            let messages = Reading::new(body, events, held).messages();
            let reply = Reply::new(Payload::stream(Codec::Json, messages));
            return Ok(reply.with_metadata(Some(metadata(&head.headers))));
        }
        let packed = head.headers.contains_key(CONTENT_ENCODING);
        let mut body = body.collect().await.map_err(broken)?.to_bytes();
        if packed {
            let mut decoder = GzDecoder::new(Vec::new());
            decoder.write_all(&body).unwrap();
            body = decoder.finish().unwrap().into();
        }
        let reply = Reply::new(Payload::unary(Codec::Json, body));
        Ok(reply.with_metadata(Some(metadata(&head.headers))))
    }
}

impl Calling {
    fn request(&self, context: &Context, message: Bytes) -> http::Request<Full<Bytes>> {
        let Rest { address, http, format, .. } = &self.rest;
        let path = self.method.routes[0].template;
        let mut request = http::Request::post(match http {
            HttpVersion::Http2 => format!("http://{address}{path}"),
            _ => path.to_owned(),
        });
        let headers = request.headers_mut().unwrap();
        *headers = context.metadata().headers().clone();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        if *http == HttpVersion::Http1 {
            headers.insert(HOST, address.parse().unwrap());
        }
        if *format == Format::Events {
            headers.insert(ACCEPT, HeaderValue::from_static("text/event-stream"));
        }
        if let Some(left) = context.remaining() {
            headers.insert("connect-timeout-ms", left.as_millis().to_string().parse().unwrap());
        }
        let mut body = message;
        if *format == Format::Packed {
            let gzip = HeaderValue::from_static("gzip");
            headers.insert(ACCEPT_ENCODING, gzip.clone());
            headers.insert(CONTENT_ENCODING, gzip);
            let mut encoder = GzEncoder::new(Vec::new(), flate2::Compression::fast());
            encoder.write_all(&body).unwrap();
            body = encoder.finish().unwrap().into();
        }
        request.body(Full::new(body)).unwrap()
    }
}

impl Rest {
    /// Sends a call over a connection that ends when `dropped` does.
    async fn send(
        &self,
        request: http::Request<Full<Bytes>>,
        dropped: oneshot::Receiver<Infallible>,
    ) -> Result<http::Response<Incoming>, Error> {
        let io = TokioIo::new(self.platform.net().connect(&self.address).await.map_err(broken)?);
        let answer = match self.http {
            HttpVersion::Http2 => {
                let mut builder = http2::Builder::new(OnPlatform(self.platform.clone()));
                builder.initial_stream_window_size(WINDOW);
                let (mut sender, connection) = builder.handshake(io).await.map_err(broken)?;
                self.run(connection, dropped);
                sender.send_request(request).await
            }
            _ => {
                let (mut sender, connection) = http1::handshake(io).await.map_err(broken)?;
                self.run(connection, dropped);
                sender.send_request(request).await
            }
        };
        answer.map_err(broken)
    }

    fn run(
        &self,
        connection: impl Future<Output = hyper::Result<()>> + Send + 'static,
        dropped: oneshot::Receiver<Infallible>,
    ) {
        drop(self.platform.tasks().spawn(async {
            tokio::select! {
                // What goes wrong on it is said to the call.
                _ = connection => {}
                _ = dropped => {}
            }
        }));
    }
}

/// Runs what hyper has to run beside a connection.
#[derive(Clone)]
struct OnPlatform(Platform);

impl<F: Future<Output: Send> + Send + 'static> hyper::rt::Executor<F> for OnPlatform {
    fn execute(&self, future: F) {
        drop(self.0.tasks().spawn(future));
    }
}

pub(super) fn broken(cause: impl std::fmt::Display) -> Error {
    let why = format!("the connection broke: {cause}");
    Error::new(Code::Unavailable, why).with_origin(Origin::Transport)
}
