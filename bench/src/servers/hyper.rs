//! Bare hyper: HTTP/1.1, one path, no framework. The floor that a JSON server stands on.

#![expect(clippy::disallowed_methods, reason = "a peer, written as its users write it")]

use std::convert::Infallible;

use bench_common::messages::{EMPTY, UppercaseRequest, uppercase};
use bench_common::{Failure, While, serve};
use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{HeaderValue, Method, Request, Response, StatusCode};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use serde::Serialize;

pub(super) async fn run() -> Result<(), Failure> {
    let listener = serve::listen().await?;
    loop {
        let (stream, _peer) = listener.accept().await.failed_while("accepting a connection")?;
        tokio::spawn(async move {
            // A connection that breaks is its client's affair.
            let connection = http1::Builder::new();
            let _ended =
                connection.serve_connection(TokioIo::new(stream), service_fn(answer)).await;
        });
    }
}

async fn answer(request: Request<Incoming>) -> Result<Response<Full<Bytes>>, Infallible> {
    if request.uri().path() != "/v1/uppercase" {
        return Ok(status(StatusCode::NOT_FOUND));
    }
    if request.method() != Method::POST {
        return Ok(status(StatusCode::METHOD_NOT_ALLOWED));
    }
    let Ok(body) = request.into_body().collect().await else {
        return Ok(status(StatusCode::BAD_REQUEST));
    };
    let Ok(request) = serde_json::from_slice::<UppercaseRequest>(&body.to_bytes()) else {
        return Ok(status(StatusCode::BAD_REQUEST));
    };
    Ok(match uppercase(&request) {
        Some(response) => json(StatusCode::OK, &response),
        None => json(StatusCode::BAD_REQUEST, &EMPTY),
    })
}

fn json(code: StatusCode, body: &impl Serialize) -> Response<Full<Bytes>> {
    let Ok(body) = serde_json::to_vec(body) else {
        return status(StatusCode::INTERNAL_SERVER_ERROR);
    };
    let mut response = Response::new(Full::new(Bytes::from(body)));
    *response.status_mut() = code;
    let kind = HeaderValue::from_static("application/json");
    response.headers_mut().insert(CONTENT_TYPE, kind);
    response
}

fn status(code: StatusCode) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::default());
    *response.status_mut() = code;
    response
}
