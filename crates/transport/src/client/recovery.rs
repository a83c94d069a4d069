//! What a callee says about trying again.

use std::time::Duration;

use http::HeaderMap;
use http::header::RETRY_AFTER;
use kitfox_core::error::Reason;
use kitfox_core::types::rpc::{ErrorInfo, RetryInfo};
use kitfox_core::{Code, Error, Recovery};

use super::answer::Answer;
use crate::names::RETRY_PUSHBACK;

/// The longest pause that is believed: a day.
const LONGEST: Duration = Duration::from_secs(24 * 60 * 60);

/// `error` with the callee's word on trying again, and with the metadata of its answer.
pub(super) fn complete(mut error: Error, answer: &mut Answer) -> Error {
    let said = said(&answer.headers)
        .or_else(|| said(&answer.trailers))
        .or_else(|| error.details().iter().find_map(|detail| pause(&detail.decode()?)));
    let recovery = match said {
        Some(recovery) => recovery,
        // What says that it is not available now may be so later (AIP-194).
        None if error.code() == Code::Unavailable => Recovery::Retry,
        None => error.recovery(),
    };
    let recovery = match recovery {
        Recovery::Retry if was_never_begun(&error) => Recovery::NeverProcessed,
        recovery => recovery,
    };
    if let Some(metadata) = answer.metadata() {
        *error.metadata_mut() = *metadata;
    }
    error.with_recovery(recovery)
}

fn said(headers: &HeaderMap) -> Option<Recovery> {
    if let Some(pushback) = headers.get(&RETRY_PUSHBACK) {
        // gRPC (A6): at once is no pause; what is negative or no number means never.
        let pause = pushback.to_str().ok().and_then(|text| text.parse().ok());
        return Some(match pause {
            Some(0) => Recovery::Retry,
            Some(pause) => Recovery::After(Duration::from_millis(pause).min(LONGEST)),
            None => Recovery::Exhausted,
        });
    }
    // The other form is a date, which says nothing without knowing how wrong the clocks are.
    let seconds = headers.get(RETRY_AFTER)?.to_str().ok()?.parse().ok()?;
    Some(Recovery::After(Duration::from_secs(seconds).min(LONGEST)))
}

/// Whether a layer of the callee refused it for want of room. What a callee of the callee said would
/// not stand here: it is masked.
fn was_never_begun(error: &Error) -> bool {
    let infos = error.details().iter().filter_map(kitfox_core::Detail::decode::<ErrorInfo>);
    infos.into_iter().any(|info| info.domain == "kitfox" && info.reason == Reason::QueueFull.name())
}

fn pause(info: &RetryInfo) -> Option<Recovery> {
    let pause = Duration::try_from(info.retry_delay?).ok()?;
    Some(Recovery::After(pause.min(LONGEST)))
}

#[cfg(test)]
mod tests {
    use kitfox_core::Detail;

    use super::*;

    #[test]
    fn the_callee_says_when_to_try_again() {
        for (name, value, recovery) in [
            ("grpc-retry-pushback-ms", "250", Recovery::After(Duration::from_millis(250))),
            ("grpc-retry-pushback-ms", "0", Recovery::Retry),
            ("grpc-retry-pushback-ms", "-1", Recovery::Exhausted),
            ("grpc-retry-pushback-ms", "soon", Recovery::Exhausted),
            ("retry-after", "3", Recovery::After(Duration::from_secs(3))),
            ("retry-after", "99999999999", Recovery::After(LONGEST)),
            ("retry-after", "Fri, 31 Dec 1999 23:59:59 GMT", Recovery::Retry),
            ("x-other", "1", Recovery::Retry),
        ] {
            let mut answer = Answer::default();
            answer.trailers.insert(name, value.parse().unwrap());
            let error = complete(Error::new(Code::Unavailable, "busy"), &mut answer);
            assert_eq!(error.recovery(), recovery, "{name}: {value}");
            assert_eq!(error.metadata().unwrap().trailers.text(name), Some(value));
        }
        let error = complete(Error::new(Code::NotFound, "none"), &mut Answer::default());
        assert_eq!(error.recovery(), Recovery::No);
    }

    #[test]
    fn what_was_refused_for_want_of_room_was_never_processed() {
        for (reason, domain, recovery) in [
            ("QUEUE_FULL", "kitfox", Recovery::NeverProcessed),
            ("QUEUE_FULL", "theirs", Recovery::Retry),
            ("BREAKER_OPEN", "kitfox", Recovery::Retry),
        ] {
            let (reason, domain) = (reason.to_owned(), domain.to_owned());
            let detail = Detail::new(&ErrorInfo { reason, domain, ..ErrorInfo::default() });
            let error = Error::new(Code::Unavailable, "busy").with_detail(detail);
            assert_eq!(complete(error, &mut Answer::default()).recovery(), recovery);
        }
    }

    #[test]
    fn a_detail_may_say_it_too_and_a_header_has_the_last_word() {
        let info = RetryInfo { retry_delay: Some(Duration::from_secs(7).into()) };
        let error = || Error::new(Code::Aborted, "busy").with_detail(Detail::new(&info));
        let mut answer = Answer::default();
        assert_eq!(
            complete(error(), &mut answer).recovery(),
            Recovery::After(Duration::from_secs(7))
        );
        answer.headers.insert("grpc-retry-pushback-ms", "-1".parse().unwrap());
        assert_eq!(complete(error(), &mut answer).recovery(), Recovery::Exhausted);
    }
}
