//! The runner's protocol: messages on standard input and output, each behind its length, four bytes
//! in network order.

use bytes::Bytes;
use kitfox::message::{Codec, DecodeError, EncodeError, Message};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

/// More than the runner takes from us, and far more than it sends.
const MOST_BYTES: u32 = 16 * 1024 * 1024;

/// Why the runner and this program do not understand each other.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RunnerError {
    /// Its next message cannot be read.
    #[error("reading the runner's next message failed")]
    Read(#[source] std::io::Error),
    /// Its next message claims a length that it never has.
    #[error("the runner's next message claims {length} bytes: is this its output?")]
    Length {
        /// What it claims.
        length: u32,
    },
    /// Its next message is none.
    #[error("the runner's next message is no {name}")]
    Decode {
        /// What it should be.
        name: &'static str,
        /// What is wrong with it.
        source: DecodeError,
    },
    /// It said nothing.
    #[error("the runner said nothing: this program is started by `connectconformance`")]
    Silence,
    /// What it is told has no bytes.
    #[error("encoding the answer to the runner failed")]
    Encode(#[source] EncodeError),
    /// What it is told is longer than a length can say.
    #[error("the answer to the runner has {length} bytes, too many for its protocol")]
    TooLong {
        /// How long it is.
        length: usize,
    },
    /// It does not listen.
    #[error("telling the runner an answer failed")]
    Write(#[source] std::io::Error),
    /// It gave no certificate that a server could have.
    #[error("the runner's certificate for the server cannot be used")]
    Tls(#[from] kitfox::tls::TlsError),
    /// The server did not start, or did not end well.
    #[error(transparent)]
    Host(#[from] kitfox::HostError),
}

/// The next message; `None` when there are no more.
pub(crate) async fn read<M: Message>(
    input: &mut (impl AsyncRead + Unpin),
) -> Result<Option<M>, RunnerError> {
    let mut length = [0; 4];
    match input.read(&mut length[..1]).await.map_err(RunnerError::Read)? {
        0 => return Ok(None),
        _ => input.read_exact(&mut length[1..]).await.map_err(RunnerError::Read)?,
    };
    let length = u32::from_be_bytes(length);
    if length > MOST_BYTES {
        return Err(RunnerError::Length { length });
    }
    let mut bytes = vec![0; length as usize];
    input.read_exact(&mut bytes).await.map_err(RunnerError::Read)?;
    let message = M::decode(Codec::Protobuf, &bytes);
    message.map(Some).map_err(|source| RunnerError::Decode { name: M::NAME, source })
}

/// Tells `message`.
pub(crate) async fn write<M: Message>(
    message: &M,
    output: &mut (impl AsyncWrite + Unpin),
) -> Result<(), RunnerError> {
    let bytes: Bytes = message.encode(Codec::Protobuf).map_err(RunnerError::Encode)?;
    let too_long = |_| RunnerError::TooLong { length: bytes.len() };
    let length = u32::try_from(bytes.len()).map_err(too_long)?;
    let whole = [&length.to_be_bytes(), &bytes[..]].concat();
    output.write_all(&whole).await.map_err(RunnerError::Write)?;
    output.flush().await.map_err(RunnerError::Write)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::messages::ServerCompatResponse;

    #[tokio::test]
    async fn what_is_told_is_what_is_read_until_there_is_no_more() {
        let told =
            ServerCompatResponse { host: "127.0.0.1".into(), port: 8080, pem_cert: Vec::new() };
        let mut bytes = Vec::new();
        write(&told, &mut bytes).await.unwrap();
        write(&ServerCompatResponse::default(), &mut bytes).await.unwrap();
        assert_eq!(bytes[..4], u32::try_from(bytes.len() - 8).unwrap().to_be_bytes());
        let mut input = &bytes[..];
        assert_eq!(read(&mut input).await.unwrap(), Some(told));
        assert_eq!(read(&mut input).await.unwrap(), Some(ServerCompatResponse::default()));
        assert_eq!(read::<ServerCompatResponse>(&mut input).await.unwrap(), None);
    }

    #[tokio::test]
    async fn what_breaks_off_and_what_is_no_length_is_not_taken_for_the_end() {
        for (bytes, wanted) in [(&b"\0\0"[..], "reading"), (b"HTTP/1.1", "claims 1213486160 bytes")]
        {
            let mut input = bytes;
            let error = read::<ServerCompatResponse>(&mut input).await.unwrap_err();
            assert!(error.to_string().contains(wanted), "{error}");
        }
    }
}
