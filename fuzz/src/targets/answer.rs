//! Answers, as a client gets them over HTTP/2.
//!
//! ```text
//! grpc words 200
//! content-type: application/grpc
//! > grpc-status: 0
//!
//! <the body>
//! ```
//!
//! The first line says the protocol, the method and the status; a line that begins with `>` is a
//! trailer.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use bytes::Bytes;
use futures_util::future::BoxFuture;
use http::{HeaderMap, Response};
use kitfox::message::Codec;
use kitfox::platform::{Connection, Listener, Net, Random};
use kitfox::{Context, HttpChannel, HttpVersion, Platform, Protocol};
use strings::{CountRequest, Strings, StringsClient, StringsError, WordsRequest};

use super::text::{cut, head_and_rest, headers};
use crate::{outcome, runtime};

pub(super) const WORDS: &[&str] = &[
    "grpc ",
    "grpc-json ",
    "connect ",
    "connect-json ",
    "web ",
    "count ",
    "words ",
    "200",
    "404",
    "503",
    "\n",
    "\n\n",
    "> ",
    "content-type: ",
    "application/grpc",
    "application/json",
    "application/proto",
    "application/connect+json",
    "application/grpc-web+proto",
    "grpc-status: ",
    "grpc-message: ",
    "grpc-status-details-bin: ",
    "grpc-retry-pushback-ms: ",
    "retry-after: ",
    "grpc-encoding: gzip",
    "content-encoding: gzip",
    "connect-content-encoding: gzip",
    "trailer-x: ",
    "{\"code\":\"not_found\",\"message\":\"m\",\"details\":[{\"type\":\"google.rpc.ErrorInfo\",\"value\":\"",
    "{\"error\":",
    "{\"count\":\"1\"}",
    "\0\0\0\0\u{2}\u{8}\u{1}",
    "\u{2}\0\0\0\u{2}{}",
    "\u{80}",
    "%C3",
    "EMPTY",
];

#[derive(Clone)]
struct Said {
    status: u16,
    headers: HeaderMap,
    trailers: HeaderMap,
    body: Bytes,
    cut: u64,
}

pub(super) fn run(input: &[u8]) -> u64 {
    let (lines, body) = head_and_rest(input);
    let [line, fields @ ..] = &lines[..] else { return 0 };
    let mut words = line.split(' ');
    let (Some(how), Some(method)) = (words.next(), words.next()) else { return 0 };
    let status = words.next().and_then(|status| status.parse().ok()).unwrap_or(200);
    let (protocol, codec) = match how {
        "grpc" => (Protocol::Grpc, Codec::Protobuf),
        "grpc-json" => (Protocol::Grpc, Codec::Json),
        "web" => (Protocol::GrpcWeb, Codec::Protobuf),
        "connect" => (Protocol::Connect, Codec::Protobuf),
        _ => (Protocol::Connect, Codec::Json),
    };
    let trailers: Vec<_> = fields.iter().filter_map(|line| line.strip_prefix('>')).collect();
    let said = Said {
        status,
        headers: headers(fields),
        trailers: headers(&trailers),
        body: Bytes::copy_from_slice(body),
        cut: line.len() as u64,
    };
    let platform = Platform::new(Answering(Arc::new(said)), Random::seeded(1));
    let channel = HttpChannel::builder("http://peer:1")
        .protocol(protocol)
        .codec(codec)
        .http(HttpVersion::Http2)
        .platform(platform)
        .build()
        .expect("the address is one");
    let client = StringsClient::new(&channel);
    let told = runtime::run(call(&client, method == "words"));
    outcome::of(&told)
}

/// What the answer comes to, in words.
async fn call(client: &StringsClient, stream: bool) -> String {
    let cx = Context::background();
    let failure = |error: StringsError| match error {
        StringsError::Empty => "empty".to_owned(),
        StringsError::Call(error) => format!("{} {error} {}", error.code(), error.details().len()),
    };
    let text = "a".to_owned();
    if !stream {
        let answer = client.count(&cx, CountRequest { text }).await;
        return answer.map_or_else(failure, |_| "an answer".to_owned());
    }
    let mut words = match client.words(&cx, WordsRequest { text }).await {
        Ok(words) => words,
        Err(error) => return failure(error),
    };
    let mut count = 0;
    while let Some(word) = words.next().await {
        if let Err(error) = word {
            assert!(words.next().await.is_none(), "a failure is the last item");
            return format!("a stream {}", failure(error));
        }
        count += 1;
    }
    if count == 0 { "no words".to_owned() } else { "words".to_owned() }
}

/// A network where every server answers the same.
struct Answering(Arc<Said>);

impl Net for Answering {
    fn listen(&self, _: SocketAddr) -> BoxFuture<'_, io::Result<Box<dyn Listener>>> {
        Box::pin(async { Err(io::ErrorKind::AddrInUse.into()) })
    }

    fn connect<'a>(&'a self, _: &'a str) -> BoxFuture<'a, io::Result<Connection>> {
        let (ours, theirs) = tokio::io::duplex(64 * 1024);
        let said = Arc::clone(&self.0);
        #[expect(clippy::disallowed_methods, reason = "a platform would wait for it")]
        drop(tokio::spawn(async move { serve(theirs, &said).await }));
        Box::pin(async { Ok(Connection::new(ours, ([10, 0, 0, 1], 1).into())) })
    }
}

async fn serve(io: tokio::io::DuplexStream, said: &Said) -> Option<()> {
    let mut connection = h2::server::handshake(io).await.ok()?;
    while let Some(request) = connection.accept().await {
        let (_, mut respond) = request.ok()?;
        let mut response = Response::new(());
        *response.status_mut() = said.status.try_into().ok()?;
        response.headers_mut().clone_from(&said.headers);
        let ends = said.body.is_empty() && said.trailers.is_empty();
        let Ok(mut stream) = respond.send_response(response, ends) else { continue };
        if ends {
            continue;
        }
        for piece in cut(&said.body, said.cut) {
            let _ = stream.send_data(piece, false);
        }
        let _ = if said.trailers.is_empty() {
            stream.send_data(Bytes::new(), true)
        } else {
            stream.send_trailers(said.trailers.clone())
        };
    }
    Some(())
}
