//! A bare axum handler: one route, the `Json` extractor and response, `axum::serve`.

use bench_common::{Failure, While, serve};

pub(super) async fn run() -> Result<(), Failure> {
    let listener = serve::listen().await?;
    axum::serve(listener, bench_common::axum::router()).await.failed_while("serving with axum")
}
