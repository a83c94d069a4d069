//! A collector of OpenTelemetry that takes whatever it is sent over gRPC, and looks at none of it.
//!
//! It runs in the process of the bench, so that none of its work is the server's.

#![expect(
    clippy::disallowed_methods,
    reason = "a thread and sockets of a program without a Platform"
)]

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::failure::{Failure, While};
use bytes::Bytes;
use h2::RecvStream;
use h2::server::SendResponse;
use http::{HeaderMap, HeaderValue, Response};
use tokio::net::{TcpListener, TcpStream};

/// A collector, until the process ends.
#[derive(Debug)]
pub(crate) struct Collector {
    pub(crate) address: SocketAddr,
    received: Arc<AtomicU64>,
}

/// An empty message of gRPC.
const NOTHING: Bytes = Bytes::from_static(&[0; 5]);

impl Collector {
    pub(crate) fn start() -> Result<Self, Failure> {
        const DOING: &str = "starting the collector";
        let mut builder = tokio::runtime::Builder::new_current_thread();
        let runtime = builder.enable_all().build().failed_while(DOING)?;
        let any = SocketAddr::from(([127, 0, 0, 1], 0));
        let listener = runtime.block_on(TcpListener::bind(any)).failed_while(DOING)?;
        let address = listener.local_addr().failed_while(DOING)?;
        let received = Arc::<AtomicU64>::default();
        let counter = Arc::clone(&received);
        std::thread::spawn(move || {
            runtime.block_on(async {
                while let Ok((stream, _)) = listener.accept().await {
                    tokio::spawn(connection(stream, Arc::clone(&counter)));
                }
            });
        });
        Ok(Self { address, received })
    }

    /// How many bytes of requests came so far.
    pub(crate) fn received(&self) -> u64 {
        self.received.load(Ordering::Relaxed)
    }
}

async fn connection(stream: TcpStream, received: Arc<AtomicU64>) {
    let Ok(mut connection) = h2::server::handshake(stream).await else { return };
    while let Some(Ok((request, respond))) = connection.accept().await {
        let received = Arc::clone(&received);
        // What breaks off is the sender's to notice.
        tokio::spawn(async move { take(request.into_body(), respond, &received).await.ok() });
    }
}

async fn take(
    mut body: RecvStream,
    mut respond: SendResponse<Bytes>,
    received: &AtomicU64,
) -> Result<(), h2::Error> {
    while let Some(data) = body.data().await {
        let data = data?;
        body.flow_control().release_capacity(data.len())?;
        received.fetch_add(data.len() as u64, Ordering::Relaxed);
    }
    let mut response = Response::new(());
    let grpc = HeaderValue::from_static("application/grpc");
    response.headers_mut().insert("content-type", grpc);
    let mut answer = respond.send_response(response, false)?;
    answer.send_data(NOTHING, false)?;
    let mut trailers = HeaderMap::new();
    trailers.insert("grpc-status", HeaderValue::from_static("0"));
    answer.send_trailers(trailers)
}
