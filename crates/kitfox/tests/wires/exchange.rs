//! Requests by hand on each wire, and what comes back.

use bytes::Bytes;
use h2::client::SendRequest;
use http::{HeaderMap, Request, Response};
use kitfox::platform::Connection;
use kitfox::{Host, Platform, Running};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::service::{Real, WiredServer};
use crate::support::memory::Memory;
use crate::support::witness::Witness;

pub(crate) const JSON: &str = "application/json";
pub(crate) const PROTO: &str = "application/proto";
pub(crate) const GRPC: &str = "application/grpc";

/// The most bytes of a body here.
pub(crate) const LIMIT: usize = 1000;

/// A running host and the way to it.
pub(crate) struct Port {
    pub(crate) running: Running,
    pub(crate) real: Real,
    net: Memory,
    platform: Platform,
}

/// What came back.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Vec<u8>,
}

impl Answer {
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// The code of a failure, whatever the wire, and the message for people.
    pub(crate) fn failure(&self) -> (String, String) {
        if self.header("content-type").starts_with(GRPC) {
            let message = self.header("grpc-message").to_owned();
            return (self.header("grpc-status").to_owned(), message);
        }
        let json: serde_json::Value = serde_json::from_slice(&self.body).unwrap();
        let message = json.get("detail").or_else(|| json.get("message"));
        let message = message.and_then(|message| message.as_str()).unwrap_or_default();
        (json["code"].as_str().unwrap().to_owned(), message.to_owned())
    }
}

impl Port {
    pub(crate) async fn start() -> Self {
        Port::with(|host| host).await
    }

    /// With a host whose calls `witness` is told of.
    pub(crate) async fn witnessed(witness: &Witness) -> Self {
        let port = Port::with(Host::unrecorded).await;
        assert!(port.platform.observe(std::sync::Arc::new(witness.clone())));
        port
    }

    async fn with(change: impl FnOnce(Host) -> Host) -> Self {
        let net = Memory::default();
        let real = Real::default();
        let mut limits = kitfox::transport::Limits::default();
        limits.body_bytes = LIMIT;
        let platform = net.platform();
        let host = Host::new("wired")
            .serve(WiredServer::new(real.clone()))
            .platform(platform.clone())
            .environment(kitfox::config::Environment::default())
            .limits(limits)
            .announce(false);
        let running = change(host).start().await.unwrap();
        Port { running, real, net, platform }
    }

    pub(crate) async fn connect(&self) -> Connection {
        self.net.dial(self.running.address()).await.unwrap()
    }

    /// A request over HTTP/1.1 with its own connection; `head` are more header lines.
    pub(crate) async fn http1(&self, line: &str, head: &[&str], body: &[u8]) -> Answer {
        let mut connection = self.connect().await;
        begin(&mut connection, line, head, body).await;
        read(&mut connection).await
    }

    /// A POST over HTTP/1.1.
    pub(crate) async fn post(&self, path: &str, content_type: &str, body: &[u8]) -> Answer {
        let content_type = format!("content-type: {content_type}");
        self.http1(&format!("POST {path}"), &[&content_type], body).await
    }

    /// A connection of HTTP/2.
    pub(crate) async fn http2(&self) -> SendRequest<Bytes> {
        let connected = h2::client::handshake(self.connect().await).await;
        let (sender, connection) = connected.unwrap();
        drop(self.platform.tasks().spawn(async move { drop(connection.await) }));
        sender.ready().await.unwrap()
    }

    /// A call over gRPC; its frames as they are.
    pub(crate) async fn grpc(
        &self,
        method: &str,
        head: &[(&'static str, &str)],
        body: &[u8],
    ) -> Answer {
        let mut sender = self.http2().await;
        grpc(&mut sender, &format!("/wired.v1.Wired/{method}"), head, body).await
    }
}

/// A call over gRPC on a connection that may be used again. `head` may say another content type.
pub(crate) async fn grpc(
    sender: &mut SendRequest<Bytes>,
    path: &str,
    head: &[(&'static str, &str)],
    body: &[u8],
) -> Answer {
    let mut request = Request::post(format!("http://test{path}")).header("te", "trailers");
    request.headers_mut().unwrap().insert("content-type", GRPC.parse().unwrap());
    for (name, value) in head {
        request.headers_mut().unwrap().insert(*name, value.parse().unwrap());
    }
    let (response, mut stream) = sender.send_request(request.body(()).unwrap(), false).unwrap();
    // A server that refuses early takes no more of the body.
    let _ = stream.send_data(Bytes::copy_from_slice(body), true);
    collect(response.await.unwrap()).await
}

async fn collect(response: Response<h2::RecvStream>) -> Answer {
    let (parts, mut incoming) = response.into_parts();
    let mut body = Vec::new();
    while let Some(chunk) = incoming.data().await {
        let chunk = chunk.unwrap();
        incoming.flow_control().release_capacity(chunk.len()).unwrap();
        body.extend_from_slice(&chunk);
    }
    let mut headers = parts.headers;
    if let Some(trailers) = incoming.trailers().await.unwrap() {
        headers.extend(trailers);
    }
    Answer { status: parts.status.as_u16(), headers, body }
}

/// Sends a request over HTTP/1.1 and keeps the connection open.
pub(crate) async fn begin(connection: &mut Connection, line: &str, head: &[&str], body: &[u8]) {
    let mut request = format!("{line} HTTP/1.1\r\nhost: test\r\n");
    for line in head {
        request.push_str(line);
        request.push_str("\r\n");
    }
    if !head
        .iter()
        .any(|line| line.starts_with("transfer-encoding") || line.starts_with("content-length"))
    {
        request.push_str(&format!("content-length: {}\r\n", body.len()));
    }
    request.push_str("\r\n");
    connection.write_all(request.as_bytes()).await.unwrap();
    connection.write_all(body).await.unwrap();
}

/// Reads one answer with a length, and leaves the connection open.
pub(crate) async fn read(connection: &mut Connection) -> Answer {
    let mut bytes = Vec::new();
    let end = loop {
        if let Some(end) = bytes.windows(4).position(|four| four == b"\r\n\r\n") {
            break end;
        }
        assert_ne!(connection.read_buf(&mut bytes).await.unwrap(), 0, "{bytes:?}");
    };
    let head = String::from_utf8(bytes[..end].to_vec()).unwrap();
    let mut lines = head.lines();
    let status = lines.next().unwrap().split(' ').nth(1).unwrap().parse().unwrap();
    let mut headers = HeaderMap::new();
    for line in lines {
        let (name, value) = line.split_once(": ").unwrap();
        let name: http::HeaderName = name.parse().unwrap();
        headers.append(name, value.parse().unwrap());
    }
    let length: usize = headers["content-length"].to_str().unwrap().parse().unwrap();
    let mut body = bytes.split_off(end + 4);
    while body.len() < length {
        assert_ne!(connection.read_buf(&mut body).await.unwrap(), 0, "{head}");
    }
    Answer { status, headers, body }
}

/// A message behind gRPC's prefix.
pub(crate) fn frame(message: &[u8]) -> Vec<u8> {
    let mut out = vec![0];
    out.extend_from_slice(&u32::try_from(message.len()).unwrap().to_be_bytes());
    out.extend_from_slice(message);
    out
}
