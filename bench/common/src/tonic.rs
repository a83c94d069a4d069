//! tonic's handlers, behind services as `tonic-build` writes them.

use std::pin::Pin;

use futures_util::{Stream, StreamExt, stream};
use tonic::{Request, Response, Status, Streaming};

use self::generated::streams_server::Streams;
use self::generated::strings_server::Strings;
use crate::messages::{self, EMPTY, Measured, REPEATED, UppercaseRequest, UppercaseResponse};

pub use generated::streams_server::StreamsServer;
pub use generated::strings_server::StringsServer;

/// `Uppercase`, once and in the shapes of a stream.
#[derive(Clone, Copy, Debug)]
pub struct Handler;

#[tonic::async_trait]
impl Strings for Handler {
    async fn uppercase(
        &self,
        request: Request<UppercaseRequest>,
    ) -> Result<Response<UppercaseResponse>, Status> {
        uppercase(request.get_ref()).map(Response::new)
    }
}

/// Texts in upper case, as they come.
type Answers = Pin<Box<dyn Stream<Item = Result<UppercaseResponse, Status>> + Send>>;

#[tonic::async_trait]
impl Streams for Handler {
    type RepeatStream = Answers;
    type AnswerStream = Answers;

    async fn repeat(
        &self,
        request: Request<UppercaseRequest>,
    ) -> Result<Response<Answers>, Status> {
        let request = request.into_inner();
        let answers = stream::iter((0..REPEATED).map(move |_| uppercase(&request)));
        Ok(Response::new(Box::pin(answers)))
    }

    async fn measure(
        &self,
        request: Request<Streaming<UppercaseRequest>>,
    ) -> Result<Response<Measured>, Status> {
        let mut texts = request.into_inner();
        let mut bytes = 0;
        while let Some(text) = texts.message().await? {
            bytes += uppercase(&text)?.text.len() as u64;
        }
        Ok(Response::new(Measured { bytes }))
    }

    async fn answer(
        &self,
        request: Request<Streaming<UppercaseRequest>>,
    ) -> Result<Response<Answers>, Status> {
        let answers = request.into_inner().map(|text| uppercase(&text?));
        Ok(Response::new(Box::pin(answers)))
    }
}

fn uppercase(request: &UppercaseRequest) -> Result<UppercaseResponse, Status> {
    let response = messages::uppercase(request);
    response.ok_or_else(|| Status::invalid_argument(EMPTY.message))
}

mod generated {
    #![allow(
        missing_docs,
        unreachable_pub,
        clippy::all,
        clippy::allow_attributes_without_reason,
        reason = "written by tonic-build"
    )]
    include!(concat!(env!("OUT_DIR"), "/strings.v1.Strings.rs"));
    include!(concat!(env!("OUT_DIR"), "/bench.v1.Streams.rs"));
}
