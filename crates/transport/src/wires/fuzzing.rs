//! How a server reads what `fuzz` feeds it.

use std::time::Duration;

use http::HeaderMap;
use kitfox_core::Baggage;

use super::timeout::Patience;

fn said(patience: Patience) -> Option<Duration> {
    match patience {
        Patience::For(time) => Some(time),
        Patience::Unsaid | Patience::Malformed => None,
    }
}

pub(crate) fn grpc_timeout(value: &[u8]) -> Option<Duration> {
    said(Patience::from_grpc(value))
}

pub(crate) fn connect_timeout(value: &[u8]) -> Option<Duration> {
    said(Patience::from_connect(value))
}

pub(crate) fn baggage(headers: &HeaderMap) -> Option<Baggage> {
    super::baggage::baggage(headers)
}
