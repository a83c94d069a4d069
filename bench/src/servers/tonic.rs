//! Bare tonic handlers: the generated services, no interceptor, no layer.

use bench_common::tonic::{Handler, StreamsServer, StringsServer};
use bench_common::{Failure, While, serve};
use tonic::transport::server::TcpIncoming;

pub(super) async fn run() -> Result<(), Failure> {
    // What `Server::serve` does with an address, but with the bound port known.
    let incoming = TcpIncoming::from(serve::listen().await?).with_nodelay(Some(true));
    let mut server = tonic::transport::Server::builder();
    let server =
        server.add_service(StringsServer::new(Handler)).add_service(StreamsServer::new(Handler));
    server.serve_with_incoming(incoming).await.failed_while("serving with tonic")
}
