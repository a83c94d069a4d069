//! The metrics of a call, as axum's example `prometheus-metrics` takes them.

use std::time::Instant;

use http::{Method, StatusCode};

pub(crate) const DURATION: &str = "http_requests_duration_seconds";

pub(crate) const BOUNDARIES: [f64; 11] =
    [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0];

/// A call that is being measured.
pub(crate) struct Measuring {
    started: Instant,
    method: Method,
    path: String,
}

impl Measuring {
    pub(crate) fn begin(method: &Method, path: &str) -> Self {
        metrics::gauge!("http_requests_in_flight").increment(1.0);
        Measuring { started: Instant::now(), method: method.clone(), path: path.to_owned() }
    }

    pub(crate) fn end(self, status: StatusCode) {
        metrics::gauge!("http_requests_in_flight").decrement(1.0);
        let labels = [
            ("method", self.method.to_string()),
            ("path", self.path),
            ("status", status.as_u16().to_string()),
        ];
        metrics::counter!("http_requests_total", &labels).increment(1);
        metrics::histogram!(DURATION, &labels).record(self.started.elapsed().as_secs_f64());
    }
}
