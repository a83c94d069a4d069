//! HTTP/1.1 by hand: one request on a connection, and what comes back.

use kitfox::platform::Connection;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

/// An answer.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) head: String,
    pub(crate) body: String,
}

/// Sends a request without a body and reads the answer to its end.
pub(crate) async fn send(connection: &mut Connection, method: &str, path: &str) -> Answer {
    let head = format!("{method} {path} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n");
    connection.write_all(head.as_bytes()).await.unwrap();
    read(connection).await
}

/// Starts a Connect call in JSON.
pub(crate) async fn begin_call(connection: &mut Connection, path: &str, body: &str) {
    let length = body.len();
    let request = format!(
        "POST {path} HTTP/1.1\r\nhost: test\r\nconnection: close\r\n\
         content-type: application/json\r\ncontent-length: {length}\r\n\r\n{body}"
    );
    connection.write_all(request.as_bytes()).await.unwrap();
}

/// Reads an answer until the connection is closed.
pub(crate) async fn read(connection: &mut Connection) -> Answer {
    let mut bytes = Vec::new();
    connection.read_to_end(&mut bytes).await.unwrap();
    let text = String::from_utf8(bytes).unwrap();
    let (head, body) = text.split_once("\r\n\r\n").unwrap_or((&text, ""));
    let status = head.split(' ').nth(1).and_then(|status| status.parse().ok());
    let status = status.unwrap_or_else(|| panic!("no answer: {text:?}"));
    Answer { status, head: head.to_lowercase(), body: body.to_owned() }
}
