//! How a client writes what `fuzz` compares.

use std::time::Duration;

use http::{HeaderMap, HeaderValue};
use kitfox_core::{Baggage, Context};

use super::{timeout, travel};

pub(crate) fn grpc_timeout(time: Duration) -> HeaderValue {
    timeout::grpc(time)
}

pub(crate) fn connect_timeout(time: Duration) -> HeaderValue {
    timeout::connect(time)
}

pub(crate) fn baggage(baggage: &Baggage) -> HeaderMap {
    let mut headers = HeaderMap::new();
    travel::write(&Context::background().with_baggage(baggage.clone()), None, &mut headers);
    headers
}
