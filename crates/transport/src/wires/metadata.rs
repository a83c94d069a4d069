//! Headers and trailers of an answer: the method's own, and those that every wire adds.

use http::header::{self, HeaderMap, HeaderName, HeaderValue};
use kitfox_core::{Code, Error, Recovery, ResponseMetadata};

use crate::names::{GRPC_MESSAGE, GRPC_STATUS, GRPC_STATUS_DETAILS, RETRY_PUSHBACK};

/// What a method set, without what it has no say in.
pub(super) struct Own {
    pub(super) headers: HeaderMap,
    pub(super) trailers: HeaderMap,
    pub(super) status: Option<u16>,
}

impl Own {
    /// Of a reply.
    pub(super) fn of(metadata: ResponseMetadata) -> Self {
        let ResponseMetadata { headers, trailers, status } = metadata;
        Own { headers: own(headers.into_headers()), trailers: own(trailers.into_headers()), status }
    }

    /// Of a failure.
    pub(super) fn of_error(error: &Error) -> Self {
        match error.metadata() {
            Some(metadata) => Own::of(metadata.clone()),
            None => Own { headers: HeaderMap::new(), trailers: HeaderMap::new(), status: None },
        }
    }

    /// Says on the wires of HTTP whether to try again; a pause in HTTP's own words, in seconds.
    pub(super) fn with_recovery(mut self, error: &Error) -> Self {
        if let Recovery::After(pause) = error.recovery() {
            let seconds = pause.as_secs() + u64::from(pause.subsec_nanos() > 0);
            self.headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        } else if let Some(pushback) = pushback(error) {
            self.headers.insert(&RETRY_PUSHBACK, pushback);
        }
        self
    }

    /// Says the same on gRPC.
    pub(super) fn with_pushback(mut self, error: &Error) -> Self {
        if let Some(pushback) = pushback(error) {
            self.trailers.insert(&RETRY_PUSHBACK, pushback);
        }
        self
    }

    /// The headers, with the trailers among them behind `trailer-`: Connect's way.
    pub(super) fn into_unary_headers(self) -> HeaderMap {
        let Own { mut headers, trailers, .. } = self;
        if headers.contains_key(header::CACHE_CONTROL) {
            // Compressed it is for those only who accept that.
            headers.append(header::VARY, HeaderValue::from_static("accept-encoding"));
        }
        for (name, value) in &trailers {
            let name = HeaderName::try_from(format!("trailer-{name}"));
            headers.append(name.expect("a header's name with letters before it"), value.clone());
        }
        headers
    }
}

/// Whether to try again, as `grpc-retry-pushback-ms` says it on every wire.
///
/// | [`Recovery`]                            | says             | is read as  |
/// |-----------------------------------------|------------------|-------------|
/// | `Retry`, `NeverProcessed`               | 0                | `Retry`     |
/// | `After`                                 | its milliseconds | `After`     |
/// | `Exhausted`, and `No` for `Unavailable` | -1               | `Exhausted` |
/// | `No` for every other code               | nothing          | `No`        |
///
/// Callers try `Unavailable` again unless told not to, ours (AIP-194) as well as others; no other
/// code needs saying that. That such a `No` is read as `Exhausted` is as true: nobody may.
fn pushback(error: &Error) -> Option<HeaderValue> {
    match error.recovery() {
        Recovery::After(pause) => {
            Some(HeaderValue::from(u64::try_from(pause.as_millis()).unwrap_or(u64::MAX)))
        }
        Recovery::Retry | Recovery::NeverProcessed => Some(HeaderValue::from_static("0")),
        Recovery::No if error.code() != Code::Unavailable => None,
        _ => Some(HeaderValue::from_static("-1")),
    }
}

/// Says that the connection ends with this answer; HTTP/2, where it does not, leaves that out.
pub(super) fn close_after(headers: &mut HeaderMap) {
    headers.insert(header::CONNECTION, HeaderValue::from_static("close"));
}

/// Without what frames the answer: that is the wire's business, and a wrong one splits messages.
pub(super) fn own(mut headers: HeaderMap) -> HeaderMap {
    for name in [
        &header::CONNECTION,
        &header::CONTENT_ENCODING,
        &header::CONTENT_LENGTH,
        &header::CONTENT_TYPE,
        &header::TE,
        &header::TRAILER,
        &header::TRANSFER_ENCODING,
        &header::UPGRADE,
        &GRPC_MESSAGE,
        &GRPC_STATUS,
        &GRPC_STATUS_DETAILS,
    ] {
        headers.remove(name);
    }
    headers
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_method_cannot_frame_its_answer() {
        let mut metadata = ResponseMetadata::default();
        metadata.headers.insert("content-length", "7").unwrap();
        metadata.headers.insert("x-own", "kept").unwrap();
        metadata.trailers.insert("grpc-status", "0").unwrap();
        metadata.trailers.insert("x-sum", "8").unwrap();
        let headers = Own::of(metadata).into_unary_headers();
        assert_eq!(headers.len(), 2);
        assert_eq!(
            (&headers["x-own"], &headers["trailer-x-sum"]),
            (&"kept".parse().unwrap(), &"8".parse().unwrap())
        );
    }

    #[test]
    fn a_pause_is_rounded_up_and_exhaustion_says_minus_one() {
        let error = Error::new(Code::Unavailable, "").retry_after(Duration::from_millis(1500));
        assert_eq!(Own::of_error(&error).with_recovery(&error).headers["retry-after"], "2");
        let own = Own::of_error(&error).with_pushback(&error);
        assert_eq!(own.trailers["grpc-retry-pushback-ms"], "1500");
        let error = error.with_recovery(Recovery::Exhausted);
        let own = Own::of_error(&error).with_recovery(&error).with_pushback(&error);
        assert_eq!(own.headers["grpc-retry-pushback-ms"], "-1");
        assert_eq!(own.trailers["grpc-retry-pushback-ms"], "-1");
    }

    #[test]
    fn whether_to_try_again_is_said_where_it_goes_without_saying_otherwise() {
        for (code, recovery, said) in [
            (Code::Aborted, Recovery::Retry, Some("0")),
            (Code::Unavailable, Recovery::Retry, Some("0")),
            (Code::ResourceExhausted, Recovery::NeverProcessed, Some("0")),
            (Code::Unavailable, Recovery::No, Some("-1")),
            (Code::Aborted, Recovery::Exhausted, Some("-1")),
            (Code::Aborted, Recovery::No, None),
            (Code::NotFound, Recovery::No, None),
        ] {
            let error = Error::new(code, "").with_recovery(recovery);
            let own = Own::of_error(&error).with_recovery(&error).with_pushback(&error);
            let said = said.map(HeaderValue::from_static);
            let name = "grpc-retry-pushback-ms";
            assert_eq!(own.headers.get(name), said.as_ref(), "{code} {recovery:?}");
            assert_eq!(own.trailers.get(name), said.as_ref(), "{code} {recovery:?}");
        }
    }
}
