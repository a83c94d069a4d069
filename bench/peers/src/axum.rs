//! axum, with what is usually put around it.

use std::sync::Arc;

use axum::extract::{MatchedPath, Request, State};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use bench_common::{Failure, While, serve};
use governor::DefaultDirectRateLimiter;
use http::StatusCode;
use tower::ServiceBuilder;
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::timeout::TimeoutLayer;
use tower_http::trace::{DefaultOnResponse, TraceLayer};
use tracing::{Level, Span, info_span};

use crate::TIMEOUT;
use crate::limit::limiter;
use crate::measure::Measuring;

pub(crate) async fn run() -> Result<(), Failure> {
    let trace = TraceLayer::new_for_http()
        .make_span_with(span)
        .on_request(())
        .on_response(DefaultOnResponse::new().level(Level::INFO));
    let onion = ServiceBuilder::new()
        .layer(trace)
        .layer(middleware::from_fn(measure))
        .layer(CatchPanicLayer::new())
        .layer(TimeoutLayer::with_status_code(StatusCode::REQUEST_TIMEOUT, TIMEOUT))
        .layer(middleware::from_fn_with_state(limiter(), limit));
    let router = bench_common::axum::router().layer(onion);
    axum::serve(serve::listen().await?, router).await.failed_while("serving with axum")
}

fn span(request: &Request) -> Span {
    let route = request.extensions().get::<MatchedPath>().map(MatchedPath::as_str);
    info_span!("request", method = %request.method(), route, version = ?request.version())
}

async fn measure(request: Request, next: Next) -> Response {
    let route = request.extensions().get::<MatchedPath>();
    let route = route.map_or_else(|| request.uri().path(), MatchedPath::as_str);
    let measuring = Measuring::begin(request.method(), route);
    let response = next.run(request).await;
    measuring.end(response.status());
    response
}

async fn limit(
    State(limiter): State<Arc<DefaultDirectRateLimiter>>,
    request: Request,
    next: Next,
) -> Response {
    if limiter.check().is_err() {
        return StatusCode::TOO_MANY_REQUESTS.into_response();
    }
    next.run(request).await
}
