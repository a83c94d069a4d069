//! A bare axum handler: one route, the `Json` extractor and response, `axum::serve`.

use axum::http::StatusCode;
use axum::routing::post;
use axum::{Json, Router};

use super::messages::{EMPTY, Problem, UppercaseRequest, UppercaseResponse};
use crate::failure::{Failure, While};

pub(super) async fn run() -> Result<(), Failure> {
    let listener = super::listen().await?;
    let router = Router::new().route("/v1/uppercase", post(uppercase));
    axum::serve(listener, router).await.failed_while("serving with axum")
}

async fn uppercase(
    Json(request): Json<UppercaseRequest>,
) -> Result<Json<UppercaseResponse>, (StatusCode, Json<Problem>)> {
    let response = super::messages::uppercase(&request);
    response.map(Json).ok_or((StatusCode::BAD_REQUEST, Json(EMPTY)))
}
