//! Which calls have a line, and of which level.

use std::time::Duration;

use kitfox_core::Code;
use kitfox_core::record::{Ending, Record, Side};
use tracing::Level;

/// Which calls have a line.
///
/// What went wrong always has one, on either side; an attempt never has, because its call has. Of
/// the rest, a server logs a share, and a client what was slow or is sampled by its trace.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct AccessPolicy {
    /// The share of calls that a server logs which went well and were not slow, from 0 to 1; 1 by
    /// default.
    pub answered: f64,
    /// The share of calls that are logged which failed for what their caller did (a level of
    /// `info`), on either side, and of requests that reached no method, from 0 to 1; 1 by default.
    pub rejected: f64,
    /// How long a call takes that is logged for being slow; a second by default.
    pub slow: Duration,
    /// Whether clients log every call as servers do; they do not by default.
    pub clients: bool,
}

/// What the decision needs to know of a call.
#[derive(Clone, Copy, Debug)]
pub struct Access {
    /// From where it is seen.
    pub side: Side,
    /// How it ended.
    pub ending: Ending,
    /// What it failed with.
    pub code: Option<Code>,
    /// How long it took.
    pub duration: Duration,
    /// Whether its trace is sampled.
    pub sampled: bool,
}

impl Access {
    /// Of a record.
    #[must_use]
    pub fn of(side: Side, record: &Record<'_>) -> Self {
        Access {
            side,
            ending: record.ending(),
            code: record.code(),
            duration: record.duration(),
            sampled: record.sampled,
        }
    }

    /// How serious it is: an error where something is broken, a warning where something had no time,
    /// no room or no peer, information where all went well, or the caller was wrong or went away.
    #[must_use]
    pub fn level(&self) -> Level {
        let Some(code) = self.code else { return Level::INFO };
        match code {
            _ if self.ending == Ending::Panicked => Level::ERROR,
            Code::Internal | Code::Unknown | Code::DataLoss => Level::ERROR,
            Code::DeadlineExceeded | Code::Unavailable => Level::WARN,
            Code::Canceled
            | Code::InvalidArgument
            | Code::NotFound
            | Code::OutOfRange
            | Code::Unimplemented => Level::INFO,
            _ if self.ending == Ending::Refused => Level::WARN,
            _ => Level::INFO,
        }
    }
}

impl AccessPolicy {
    /// Whether the call has a line. `random` gives 64 random bits, where a share is drawn.
    #[must_use]
    pub fn logs(&self, access: &Access, random: impl FnOnce() -> u64) -> bool {
        let drawn = |share: f64| share >= 1.0 || (random() as f64) < share * 2_f64.powi(64);
        match access.side {
            Side::Attempt => false,
            _ if access.level() < Level::INFO || access.duration >= self.slow => true,
            _ if access.code.is_some() => drawn(self.rejected),
            Side::Client if !self.clients => access.sampled,
            _ => drawn(self.answered),
        }
    }

    /// Whether a call that took so many nanoseconds was slow.
    pub(crate) fn is_slow(&self, nanos: u64) -> bool {
        u128::from(nanos) >= self.slow.as_nanos()
    }

    /// Whether a request that reached no method has a line, which came after `before` others: as
    /// large a share of them as of calls that failed for what their caller did.
    #[must_use]
    pub fn logs_edge(&self, before: u64) -> bool {
        #[expect(clippy::cast_precision_loss, reason = "a share of many need not be exact")]
        let logged = |number: u64| (number as f64 * self.rejected.clamp(0.0, 1.0)).floor();
        logged(before + 1) > logged(before)
    }
}

impl Default for AccessPolicy {
    fn default() -> Self {
        AccessPolicy { answered: 1.0, rejected: 1.0, slow: Duration::from_secs(1), clients: false }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ANSWERED: Access = Access {
        side: Side::Server,
        ending: Ending::Answered,
        code: None,
        duration: Duration::from_millis(5),
        sampled: false,
    };

    fn failed(ending: Ending, code: Code) -> Access {
        Access { ending, code: Some(code), ..ANSWERED }
    }

    #[test]
    fn a_server_logs_every_call_and_a_client_what_is_worth_it() {
        let policy = AccessPolicy::default();
        let client = Access { side: Side::Client, ..ANSWERED };
        assert!(policy.logs(&ANSWERED, || u64::MAX));
        assert!(!policy.logs(&client, || 0));
        assert!(policy.logs(&Access { sampled: true, ..client }, || 0));
        assert!(policy.logs(&Access { duration: Duration::from_secs(1), ..client }, || 0));
        let not_found = failed(Ending::Failed, Code::NotFound);
        assert!(policy.logs(&Access { side: Side::Client, ..not_found }, || 0));
        assert!(AccessPolicy { clients: true, ..policy }.logs(&client, || 0));
    }

    #[test]
    fn an_attempt_is_never_logged() {
        let broken = failed(Ending::Failed, Code::Internal);
        let attempt = Access { side: Side::Attempt, sampled: true, ..broken };
        assert!(!AccessPolicy::default().logs(&attempt, || 0));
    }

    #[test]
    fn shares_are_drawn_and_never_of_what_went_wrong() {
        let policy = AccessPolicy { answered: 0.25, rejected: 0.0, ..AccessPolicy::default() };
        assert!(policy.logs(&ANSWERED, || u64::MAX / 5));
        assert!(!policy.logs(&ANSWERED, || u64::MAX / 3));
        assert!(!policy.logs(&failed(Ending::Failed, Code::NotFound), || 0));
        for code in [Code::Internal, Code::Unavailable, Code::DeadlineExceeded] {
            assert!(policy.logs(&failed(Ending::Failed, code), || u64::MAX), "{code}");
        }
        assert!(!AccessPolicy { answered: 0.0, ..policy }.logs(&ANSWERED, || 0));
    }

    #[test]
    fn a_share_of_what_reaches_no_method_is_logged() {
        for (share, logged) in [(0.0, 0), (0.1, 100), (0.25, 250), (1.0, 1_000), (7.0, 1_000)] {
            let policy = AccessPolicy { rejected: share, ..AccessPolicy::default() };
            let lines = (0..1_000).filter(|before| policy.logs_edge(*before)).count();
            assert!(lines.abs_diff(logged) <= 1, "{lines} of {logged}");
        }
    }

    #[test]
    fn levels_say_who_has_to_look() {
        let level = |ending, code| failed(ending, code).level();
        assert_eq!(ANSWERED.level(), Level::INFO);
        assert_eq!(level(Ending::Dropped, Code::Canceled), Level::INFO);
        assert_eq!(level(Ending::Failed, Code::PermissionDenied), Level::INFO);
        assert_eq!(level(Ending::Refused, Code::InvalidArgument), Level::INFO);
        assert_eq!(level(Ending::Refused, Code::PermissionDenied), Level::WARN);
        assert_eq!(level(Ending::Refused, Code::ResourceExhausted), Level::WARN);
        assert_eq!(level(Ending::Expired, Code::DeadlineExceeded), Level::WARN);
        assert_eq!(level(Ending::Panicked, Code::Internal), Level::ERROR);
        assert_eq!(level(Ending::Failed, Code::DataLoss), Level::ERROR);
    }
}
