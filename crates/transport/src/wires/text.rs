//! Bodies in base64, as `application/grpc-web-text` has them.
//!
//! Whoever writes such a body may end the base64 wherever a message ends and begin again, so that
//! padding can stand in the middle.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::{Bytes, BytesMut};
use http_body::{Body, Frame, SizeHint};
use pin_project_lite::pin_project;

use super::body::BoxError;

/// Letters that are decoded together.
const GROUP: usize = 4;

pin_project! {
    /// A body that may be in base64, without it.
    #[derive(Debug)]
    pub(super) struct Text<B> {
        #[pin]
        body: B,
        // None where it is not in base64; else the letters of a group that is not whole.
        letters: Option<BytesMut>,
    }
}

impl<B> Text<B> {
    /// `body`, which is in base64 or is not.
    pub(super) fn new(body: B, is_text: bool) -> Self {
        Text { body, letters: is_text.then(BytesMut::new) }
    }
}

impl<B> Body for Text<B>
where
    B: Body<Data = Bytes, Error: Into<BoxError>>,
{
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        let mut this = self.project();
        loop {
            let next = ready!(this.body.as_mut().poll_frame(cx));
            let next = next.map(|frame| frame.map_err(Into::into));
            let Some(letters) = this.letters else { return Poll::Ready(next) };
            let Some(frame) = next.transpose()? else {
                let torn = !std::mem::take(letters).is_empty();
                return Poll::Ready(torn.then(|| Err("base64 that is cut off".into())));
            };
            let Ok(piece) = frame.into_data() else { continue };
            letters.extend_from_slice(&piece);
            let whole = letters.split_to(letters.len() / GROUP * GROUP);
            let bytes = decoded(&whole)?;
            if !bytes.is_empty() {
                return Poll::Ready(Some(Ok(Frame::data(bytes.into()))));
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        self.letters.as_ref().is_none_or(BytesMut::is_empty) && self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        if self.letters.is_some() { SizeHint::default() } else { self.body.size_hint() }
    }
}

/// The bytes of whole groups, each stretch of them up to its padding.
fn decoded(mut letters: &[u8]) -> Result<Vec<u8>, BoxError> {
    let mut bytes = Vec::with_capacity(letters.len() / GROUP * 3);
    while !letters.is_empty() {
        let groups = letters.chunks(GROUP);
        let plain = groups.take_while(|group| group[GROUP - 1] != b'=').count();
        let end = letters.len().min((plain + 1) * GROUP);
        let (stretch, rest) = letters.split_at(end);
        STANDARD.decode_vec(stretch, &mut bytes)?;
        letters = rest;
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use futures_util::stream;
    use http_body_util::{BodyExt, StreamBody};

    use super::*;

    async fn read(letters: &str, piece: usize, is_text: bool) -> Result<Bytes, String> {
        let pieces: Vec<_> = letters.as_bytes().chunks(piece).map(Bytes::copy_from_slice).collect();
        let frames = pieces.into_iter().map(|piece| Ok::<_, BoxError>(Frame::data(piece)));
        let body = Text::new(StreamBody::new(stream::iter(frames)), is_text);
        body.collect()
            .await
            .map(http_body_util::Collected::to_bytes)
            .map_err(|cause| cause.to_string())
    }

    #[tokio::test]
    async fn text_is_the_same_wherever_it_is_cut_or_padded() {
        for piece in 1..12 {
            assert_eq!(read("YQ==YmM=ZGVm", piece, true).await.unwrap(), "abcdef");
            assert_eq!(read("YQ==", piece, false).await.unwrap(), "YQ==");
        }
    }

    #[tokio::test]
    async fn what_is_no_base64_is_told() {
        for bad in ["YQ", "!!!!", "YQ=a"] {
            assert!(read(bad, 3, true).await.is_err(), "{bad}");
        }
    }
}
