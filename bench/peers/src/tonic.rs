//! tonic, with what is usually put around it.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use bench_common::tonic::{Handler, StringsServer};
use bench_common::{Failure, While, serve};
use http::{Request, Response};
use tonic::transport::server::TcpIncoming;
use tonic::Status;
use tower::{Layer, Service, ServiceBuilder};
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::trace::{DefaultOnResponse, TraceLayer};
use tracing::{Level, Span, info_span};

use crate::TIMEOUT;
use crate::limit::limiter;
use crate::measure::Measuring;

pub(crate) async fn run() -> Result<(), Failure> {
    let trace = TraceLayer::new_for_grpc()
        .make_span_with(span)
        .on_request(())
        .on_response(DefaultOnResponse::new().level(Level::INFO));
    let limiter = limiter();
    let limit = move |request| match limiter.check() {
        Ok(()) => Ok(request),
        Err(_) => Err(Status::resource_exhausted("too many requests")),
    };
    let onion = ServiceBuilder::new()
        .layer(trace)
        .layer(MeasureLayer)
        .layer(CatchPanicLayer::new())
        .layer(tonic::service::InterceptorLayer::new(limit));
    // What `Server::serve` does with an address, but with the bound port known.
    let incoming = TcpIncoming::from(serve::listen().await?).with_nodelay(Some(true));
    tonic::transport::Server::builder()
        .timeout(TIMEOUT)
        .layer(onion)
        .add_service(StringsServer::new(Handler))
        .serve_with_incoming(incoming)
        .await
        .failed_while("serving with tonic")
}

fn span<B>(request: &Request<B>) -> Span {
    info_span!("request", method = request.uri().path(), version = ?request.version())
}

/// The metrics of calls, by a layer as tower's documentation writes one.
#[derive(Clone, Copy)]
struct MeasureLayer;

impl<S> Layer<S> for MeasureLayer {
    type Service = Measure<S>;

    fn layer(&self, inner: S) -> Measure<S> {
        Measure { inner }
    }
}

#[derive(Clone)]
struct Measure<S> {
    inner: S,
}

impl<S, B, R> Service<Request<B>> for Measure<S>
where
    S: Service<Request<B>, Response = Response<R>, Future: Send + 'static>,
{
    type Response = S::Response;
    type Error = S::Error;
    type Future = Pin<Box<dyn Future<Output = Result<S::Response, S::Error>> + Send>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let measuring = Measuring::begin(request.method(), request.uri().path());
        let answer = self.inner.call(request);
        Box::pin(async move {
            let response = answer.await?;
            measuring.end(response.status());
            Ok(response)
        })
    }
}
