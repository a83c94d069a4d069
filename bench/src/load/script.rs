//! What is sent in a call, and what must come back.

use bytes::{BufMut, Bytes, BytesMut};
use prost::Message;

use super::{Call, Shape, Wire};
use crate::failure::Failure;
use bench_common::messages::{Measured, REPEATED, UppercaseRequest, UppercaseResponse};

/// The text of a call that is not about sizes.
pub(crate) const TEXT: &str = "hello, fox";

/// The flag of the frame that ends a stream of Connect.
const CONNECT_END: u8 = 2;

/// A call as bytes.
#[derive(Clone, Debug)]
pub(super) struct Script {
    pub(super) path: &'static str,
    pub(super) content_type: &'static str,
    pub(super) accept: &'static str,
    /// A piece of the body there, and how often it is sent.
    pub(super) request: Bytes,
    pub(super) requests: usize,
    /// Whether each message is answered before the next one is sent.
    pub(super) by_turns: bool,
    /// A message back, as it stands in a body, and how often it must come.
    answer: Bytes,
    answers: usize,
}

impl Script {
    /// Of a call that is answered.
    pub(super) fn answered(call: Call) -> Self {
        let text = match call.shape {
            Shape::Sized(bytes) => TEXT.chars().cycle().take(bytes).collect(),
            _ => TEXT.to_owned(),
        };
        Self::of(call, &text)
    }

    /// Of a call that must be refused: its text is empty.
    pub(super) fn refused(call: Call) -> Self {
        Self { requests: 1, answers: 0, by_turns: false, ..Self::of(call, "") }
    }

    fn of(call: Call, text: &str) -> Self {
        let Call { wire, shape } = call;
        let path = match (wire, shape) {
            (Wire::Json, _) => "/v1/uppercase",
            (Wire::Lines, _) => "/v1/repeat",
            (_, Shape::Unary | Shape::Sized(_)) => "/strings.v1.Strings/Uppercase",
            (_, Shape::ServerStream) => "/bench.v1.Streams/Repeat",
            (_, Shape::ClientStream | Shape::ClientSingles) => "/bench.v1.Streams/Measure",
            (_, Shape::BothStream) => "/bench.v1.Streams/Answer",
        };
        let (content_type, accept) = match wire {
            Wire::Json => ("application/json", "*/*"),
            Wire::Lines => ("application/json", "application/jsonl"),
            Wire::Grpc => ("application/grpc", "*/*"),
            Wire::Connect => ("application/connect+proto", "*/*"),
        };
        let upper = text.to_uppercase();
        let json = |text: &str| format!(r#"{{"text":"{text}"}}"#);
        let (request, answer): (Bytes, Bytes) = match (wire, shape) {
            (Wire::Json, _) => (json(text).into(), json(&upper).into()),
            (Wire::Lines, _) => (json(text).into(), (json(&upper) + "\n").into()),
            (_, Shape::ClientStream | Shape::ClientSingles) => {
                let bytes = upper.len() * REPEATED;
                (frame(text), framed(&Measured { bytes: bytes as u64 }))
            }
            _ => (frame(text), framed(&UppercaseResponse { text: upper })),
        };
        let many = |yes| if yes { REPEATED } else { 1 };
        // Pieces are what is handed to HTTP/2 at once.
        let request = match shape {
            Shape::ClientStream if !text.is_empty() => request.repeat(REPEATED).into(),
            _ => request,
        };
        Script {
            path,
            content_type,
            accept,
            request,
            requests: many(matches!(shape, Shape::ClientSingles | Shape::BothStream)),
            by_turns: shape == Shape::BothStream,
            answer,
            answers: many(matches!(shape, Shape::ServerStream | Shape::BothStream)),
        }
    }

    /// Looks at what comes back.
    pub(super) fn reader(&self) -> Reader<'_> {
        Reader { script: self, read: 0, rest: BytesMut::new() }
    }
}

/// What has come back so far.
#[derive(Debug)]
pub(super) struct Reader<'a> {
    script: &'a Script,
    /// Bytes of right answers.
    read: usize,
    /// What came after the last of them.
    rest: BytesMut,
}

impl Reader<'_> {
    /// Takes a piece of the answer.
    pub(super) fn push(&mut self, mut piece: &[u8]) -> Result<(), Failure> {
        let Script { answer, answers, .. } = self.script;
        let all = answer.len() * answers;
        while self.read < all && !piece.is_empty() {
            let expected = &answer[self.read % answer.len()..];
            let length = expected.len().min(piece.len());
            let (these, others) = piece.split_at(length);
            if *these != expected[..length] {
                let found = String::from_utf8_lossy(&these[..length.min(200)]);
                return Err(Failure::new("checking an answer", format!("it is wrong: {found}")));
            }
            self.read += length;
            piece = others;
        }
        self.rest.extend_from_slice(piece);
        Ok(())
    }

    /// Whole messages that have come.
    pub(super) fn messages(&self) -> usize {
        self.read / self.script.answer.len()
    }

    /// Whether everything that was expected has come, and how the stream of Connect ended.
    pub(super) fn end(self) -> Result<Bytes, Failure> {
        if self.messages() < self.script.answers {
            let came = format!("{} messages came of {}", self.messages(), self.script.answers);
            return Err(Failure::new("checking an answer", came));
        }
        Ok(self.rest.freeze())
    }
}

/// What Connect says at the end of a stream: nothing, or that the text was empty.
pub(super) fn connect_end(rest: &[u8]) -> Option<Ending> {
    let [CONNECT_END, _, _, _, _, message @ ..] = rest else { return None };
    let message: serde_json::Value = serde_json::from_slice(message).ok()?;
    match message.get("error") {
        None => Some(Ending::Well),
        Some(error) if error["code"] == "invalid_argument" => Some(Ending::Refused),
        Some(_) => None,
    }
}

/// How a call ended.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Ending {
    Well,
    Refused,
}

/// A text as gRPC frames it: not compressed, the length of the message, its bytes.
pub(crate) fn frame(text: &str) -> Bytes {
    framed(&UppercaseRequest { text: text.to_owned() })
}

fn framed(message: &impl Message) -> Bytes {
    let message = message.encode_to_vec();
    let length = u32::try_from(message.len()).expect("a text of this program is short");
    let mut frame = BytesMut::with_capacity(5 + message.len());
    frame.put_u8(0);
    frame.put_u32(length);
    frame.put_slice(&message);
    frame.freeze()
}

#[cfg(test)]
mod tests {
    use super::*;

    const STREAM: Call = Call { wire: Wire::Connect, shape: Shape::ServerStream };

    #[test]
    fn an_answer_in_any_pieces_is_read() {
        let script = Script::answered(STREAM);
        let mut body = script.answer.repeat(REPEATED);
        body.extend_from_slice(b"\x02\0\0\0\x02{}");
        for size in [1, 7, 17, 4096] {
            let mut reader = script.reader();
            body.chunks(size).for_each(|piece| reader.push(piece).unwrap());
            assert_eq!(connect_end(&reader.end().unwrap()), Some(Ending::Well));
        }
    }

    #[test]
    fn a_wrong_answer_and_a_missing_one_are_found() {
        let script = Script::answered(STREAM);
        let mut reader = script.reader();
        let mut wrong = script.answer.to_vec();
        wrong[7] = b'h';
        reader.push(&script.answer).unwrap();
        assert!(reader.push(&wrong).is_err());
        let mut reader = script.reader();
        reader.push(&script.answer.repeat(REPEATED - 1)).unwrap();
        assert!(reader.end().is_err());
    }

    #[test]
    fn the_end_of_a_connect_stream_is_told_from_a_failure() {
        let refused = br#"00000{"error":{"code":"invalid_argument","message":"empty"}}"#;
        let end = |mut frame: Vec<u8>| {
            frame[0] = CONNECT_END;
            connect_end(&frame)
        };
        assert_eq!(end(refused.to_vec()), Some(Ending::Refused));
        assert_eq!(end(br#"00000{"error":{"code":"internal"}}"#.to_vec()), None);
        assert_eq!(connect_end(b""), None);
    }
}
