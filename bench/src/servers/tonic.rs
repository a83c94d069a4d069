//! A bare tonic handler: the generated service, no interceptor, no layer.

use tonic::transport::server::TcpIncoming;
use tonic::{Request, Response, Status};

use self::generated::strings_server::{Strings, StringsServer};
use super::messages::{EMPTY, UppercaseRequest, UppercaseResponse};
use crate::failure::{Failure, While};

pub(super) async fn run() -> Result<(), Failure> {
    // What `Server::serve` does with an address, but with the bound port known.
    let incoming = TcpIncoming::from(super::listen().await?).with_nodelay(Some(true));
    let server = tonic::transport::Server::builder().add_service(StringsServer::new(Handler));
    server.serve_with_incoming(incoming).await.failed_while("serving with tonic")
}

struct Handler;

#[tonic::async_trait]
impl Strings for Handler {
    async fn uppercase(
        &self,
        request: Request<UppercaseRequest>,
    ) -> Result<Response<UppercaseResponse>, Status> {
        let response = super::messages::uppercase(request.get_ref());
        response.map(Response::new).ok_or_else(|| Status::invalid_argument(EMPTY.message))
    }
}

mod generated {
    #![allow(
        unreachable_pub,
        clippy::all,
        clippy::allow_attributes_without_reason,
        reason = "written by tonic-build"
    )]
    include!(concat!(env!("OUT_DIR"), "/strings.v1.Strings.rs"));
}
