//! The service of `examples/strings`, served by Kitfox with its default settings: every wire on one
//! port, with its error path, deadline and limits. Only the ports are the bench's own, and a second
//! service beside it, which streams what the first one does.

use futures_util::{StreamExt, stream};
use kitfox::{Context, Host, Streaming};
use strings::{Service, StringsError, StringsServer, UppercaseRequest, UppercaseResponse};

use super::messages::REPEATED;
use crate::failure::{Failure, While};

pub(super) async fn run() -> Result<(), Failure> {
    // The wires alone: what the record of a call costs is `bench -- price`'s to say.
    let host = Host::new("strings").listen("127.0.0.1:0").admin("127.0.0.1:0").unrecorded();
    let host = host.announce(false);
    let host = host.serve(StringsServer::new(Service)).serve(StreamsServer::new(Handler));
    let running = host.start().await;
    let running = running.failed_while("starting Kitfox")?;
    println!("http://{}", running.address());
    running.run().await.failed_while("serving with Kitfox")
}

/// `Uppercase` in the three shapes of a stream.
#[kitfox::service(package = "bench.v1")]
trait Streams {
    /// The text in upper case, [`REPEATED`] times.
    async fn repeat(
        &self,
        cx: &Context,
        request: UppercaseRequest,
    ) -> Result<Streaming<UppercaseResponse, StringsError>, StringsError>;

    /// How long the texts are in upper case.
    async fn measure(
        &self,
        cx: &Context,
        texts: Streaming<UppercaseRequest, StringsError>,
    ) -> Result<Measured, StringsError>;

    /// Each text in upper case.
    async fn answer(
        &self,
        cx: &Context,
        texts: Streaming<UppercaseRequest, StringsError>,
    ) -> Result<Streaming<UppercaseResponse, StringsError>, StringsError>;
}

/// How long all texts of a stream are.
#[kitfox::message]
struct Measured {
    bytes: u64,
}

struct Handler;

impl Streams for Handler {
    async fn repeat(
        &self,
        _: &Context,
        request: UppercaseRequest,
    ) -> Result<Streaming<UppercaseResponse, StringsError>, StringsError> {
        let answers = (0..REPEATED).map(move |_| uppercase(&request));
        Ok(Streaming::new(stream::iter(answers)))
    }

    async fn measure(
        &self,
        _: &Context,
        mut texts: Streaming<UppercaseRequest, StringsError>,
    ) -> Result<Measured, StringsError> {
        let mut bytes = 0;
        while let Some(text) = texts.next().await {
            bytes += uppercase(&text?)?.text.len() as u64;
        }
        Ok(Measured { bytes })
    }

    async fn answer(
        &self,
        _: &Context,
        texts: Streaming<UppercaseRequest, StringsError>,
    ) -> Result<Streaming<UppercaseResponse, StringsError>, StringsError> {
        Ok(Streaming::new(texts.map(|text| uppercase(&text?))))
    }
}

fn uppercase(request: &UppercaseRequest) -> Result<UppercaseResponse, StringsError> {
    if request.text.is_empty() {
        return Err(StringsError::Empty);
    }
    Ok(UppercaseResponse { text: request.text.to_uppercase() })
}
