//! Frames of HTTP/2 by hand.

use std::time::Duration;

use super::port::{Port, Raw, Said};

pub(super) const DATA: u8 = 0;
pub(super) const HEADERS: u8 = 1;
pub(super) const PRIORITY: u8 = 2;
pub(super) const RESET: u8 = 3;
pub(super) const SETTINGS: u8 = 4;
pub(super) const PING: u8 = 6;
pub(super) const GOAWAY: u8 = 7;
pub(super) const WINDOW: u8 = 8;
pub(super) const CONTINUATION: u8 = 9;

pub(super) const END_STREAM: u8 = 1;
pub(super) const END_HEADERS: u8 = 4;
pub(super) const BOTH: u8 = END_STREAM | END_HEADERS;

/// `GOAWAY` and `RST_STREAM` say so to a peer that makes work for nothing.
pub(super) const ENHANCE_YOUR_CALM: u32 = 11;

/// One frame.
pub(super) fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).unwrap().to_be_bytes();
    let mut frame = vec![length[1], length[2], length[3], kind, flags];
    frame.extend_from_slice(&stream.to_be_bytes());
    frame.extend_from_slice(payload);
    frame
}

/// Fields, each spelled out.
pub(super) fn block(fields: &[(&str, &str)]) -> Vec<u8> {
    let mut block = Vec::new();
    for (name, value) in fields {
        block.push(0);
        for text in [name, value] {
            // A length of seven bits, or 127 and the rest in more of them.
            let mut rest = text.len();
            if rest < 127 {
                block.push(u8::try_from(rest).unwrap());
            } else {
                block.push(127);
                rest -= 127;
                while rest >= 128 {
                    block.push(u8::try_from(rest % 128).unwrap() | 128);
                    rest /= 128;
                }
                block.push(u8::try_from(rest).unwrap());
            }
            block.extend_from_slice(text.as_bytes());
        }
    }
    block
}

/// The head of a request for `path`, without a body.
pub(super) fn get(path: &str) -> Vec<u8> {
    block(&[(":method", "GET"), (":scheme", "http"), (":path", path), (":authority", "a")])
}

/// The head of a call by gRPC.
pub(super) fn call(method: &str) -> Vec<u8> {
    let path = format!("/hostile.v1.Hostile/{method}");
    block(&[
        (":method", "POST"),
        (":scheme", "http"),
        (":path", &path),
        (":authority", "a"),
        ("content-type", "application/grpc"),
        ("te", "trailers"),
    ])
}

/// A frame that came back.
#[derive(Debug)]
pub(super) struct Got {
    pub(super) kind: u8,
    pub(super) flags: u8,
    pub(super) stream: u32,
    pub(super) payload: Vec<u8>,
}

impl Got {
    /// The code of a reset or a farewell.
    pub(super) fn code(&self) -> u32 {
        let at = if self.kind == GOAWAY { 4 } else { 0 };
        u32::from_be_bytes(self.payload[at..at + 4].try_into().unwrap())
    }
}

/// What came back, as frames.
pub(super) fn frames(said: &Said) -> Vec<Got> {
    let mut rest = &said.bytes[..];
    let mut frames = Vec::new();
    while let Some((head, behind)) = rest.split_first_chunk::<9>() {
        let length = usize::from(head[0]) << 16 | usize::from(head[1]) << 8 | usize::from(head[2]);
        let stream = u32::from_be_bytes(head[5..].try_into().unwrap());
        let end = length.min(behind.len());
        let payload = behind[..end].to_vec();
        frames.push(Got { kind: head[3], flags: head[4], stream, payload });
        rest = &behind[end..];
    }
    frames
}

/// The code of the farewell, if the host said one.
pub(super) fn farewell(said: &Said) -> Option<u32> {
    let frames = frames(said);
    frames.iter().rfind(|frame| frame.kind == GOAWAY).map(Got::code)
}

impl Port {
    /// A connection that has said the preface and `settings`.
    pub(super) async fn http2(&self, settings: &[(u16, u32)]) -> Raw {
        let mut raw = self.connect().await;
        raw.send("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n").await;
        let settings: Vec<_> = settings
            .iter()
            .flat_map(|(name, value)| {
                name.to_be_bytes().into_iter().chain(value.to_be_bytes()).collect::<Vec<_>>()
            })
            .collect();
        raw.send(frame(SETTINGS, 0, 0, &settings)).await;
        raw.send(frame(SETTINGS, 1, 0, &[])).await;
        raw
    }
}

impl Raw {
    /// The same frame again and again while the host takes it, and what it said meanwhile.
    pub(super) async fn flood(
        &mut self,
        count: usize,
        mut frames: impl FnMut(usize) -> Vec<u8>,
    ) -> Said {
        let mut said = Said { bytes: Vec::new(), closed: false };
        for at in 0..count {
            self.send(frames(at)).await;
            if at % 64 == 0 {
                // Not a millisecond passes: what is there is read.
                let more = self.within(Duration::ZERO).await;
                said.bytes.extend(more.bytes);
                if more.closed {
                    said.closed = true;
                    break;
                }
            }
        }
        said
    }
}
