//! axum's handler: one route, the `Json` extractor and response.

use axum::http::StatusCode;
use axum::routing::post;
use axum::{Json, Router};

use crate::messages::{self, EMPTY, Problem, UppercaseRequest, UppercaseResponse};

/// The route of `Uppercase`.
pub fn router() -> Router {
    Router::new().route("/v1/uppercase", post(uppercase))
}

async fn uppercase(
    Json(request): Json<UppercaseRequest>,
) -> Result<Json<UppercaseResponse>, (StatusCode, Json<Problem>)> {
    let response = messages::uppercase(&request);
    response.map(Json).ok_or((StatusCode::BAD_REQUEST, Json(EMPTY)))
}
