//! The canonical codes of an answer, and their numbers on each wire.

use std::fmt;
use std::str::FromStr;

/// Why a call failed: the canonical code that every wire carries.
///
/// The numbers are gRPC's, the names Connect's, the HTTP statuses those of the Connect protocol
/// and of `google.rpc.Code`. Success is no code: it is `Ok`.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Code {
    /// The caller gave up.
    Canceled = 1,
    /// Nobody knows; also what a foreign code arrives as.
    Unknown = 2,
    /// The request is wrong whatever the state of the system.
    InvalidArgument = 3,
    /// Time ran out before there was an answer.
    DeadlineExceeded = 4,
    /// What was asked for does not exist.
    NotFound = 5,
    /// What was to be created exists.
    AlreadyExists = 6,
    /// The caller is known, and may not.
    PermissionDenied = 7,
    /// A limit, a quota or a size is used up.
    ResourceExhausted = 8,
    /// The system is not in the state that the request needs.
    FailedPrecondition = 9,
    /// A conflict with a concurrent change; the whole transaction may be tried again.
    Aborted = 10,
    /// Past the valid range, which may change.
    OutOfRange = 11,
    /// There is no such method, or not on this wire.
    Unimplemented = 12,
    /// An invariant broke: a bug, not the caller's fault.
    Internal = 13,
    /// Not now; trying again may help.
    Unavailable = 14,
    /// Data is lost or corrupt, for good.
    DataLoss = 15,
    /// The caller is not known.
    Unauthenticated = 16,
}

impl Code {
    /// Every code, in the order of its number.
    pub const ALL: [Code; 16] = [
        Code::Canceled,
        Code::Unknown,
        Code::InvalidArgument,
        Code::DeadlineExceeded,
        Code::NotFound,
        Code::AlreadyExists,
        Code::PermissionDenied,
        Code::ResourceExhausted,
        Code::FailedPrecondition,
        Code::Aborted,
        Code::OutOfRange,
        Code::Unimplemented,
        Code::Internal,
        Code::Unavailable,
        Code::DataLoss,
        Code::Unauthenticated,
    ];

    /// The number on the gRPC wire, 1 to 16.
    #[must_use]
    pub const fn grpc(self) -> u8 {
        self as u8
    }

    /// The code of a gRPC status; `None` for 0, which is success. A number that no version of the
    /// protocol names is [`Code::Unknown`].
    #[must_use]
    pub fn from_grpc(number: u32) -> Option<Code> {
        match number {
            0 => None,
            1..=16 => Some(Code::ALL[number as usize - 1]),
            _ => Some(Code::Unknown),
        }
    }

    /// The name on the Connect wire, in `snake_case`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Code::Canceled => "canceled",
            Code::Unknown => "unknown",
            Code::InvalidArgument => "invalid_argument",
            Code::DeadlineExceeded => "deadline_exceeded",
            Code::NotFound => "not_found",
            Code::AlreadyExists => "already_exists",
            Code::PermissionDenied => "permission_denied",
            Code::ResourceExhausted => "resource_exhausted",
            Code::FailedPrecondition => "failed_precondition",
            Code::Aborted => "aborted",
            Code::OutOfRange => "out_of_range",
            Code::Unimplemented => "unimplemented",
            Code::Internal => "internal",
            Code::Unavailable => "unavailable",
            Code::DataLoss => "data_loss",
            Code::Unauthenticated => "unauthenticated",
        }
    }

    /// The HTTP status of an answer with this code.
    #[must_use]
    pub const fn http_status(self) -> u16 {
        match self {
            Code::Canceled => 499,
            Code::InvalidArgument | Code::FailedPrecondition | Code::OutOfRange => 400,
            Code::DeadlineExceeded => 504,
            Code::NotFound => 404,
            Code::AlreadyExists | Code::Aborted => 409,
            Code::PermissionDenied => 403,
            Code::ResourceExhausted => 429,
            Code::Unimplemented => 501,
            Code::Unavailable => 503,
            Code::Unauthenticated => 401,
            Code::Unknown | Code::Internal | Code::DataLoss => 500,
        }
    }

    /// The code of an HTTP answer that carries no code of its own: a proxy's, say. From gRPC's
    /// `http-grpc-status-mapping`.
    #[must_use]
    pub const fn from_http_status(status: u16) -> Code {
        match status {
            400 => Code::Internal,
            401 => Code::Unauthenticated,
            403 => Code::PermissionDenied,
            404 => Code::Unimplemented,
            429 | 502 | 503 | 504 => Code::Unavailable,
            _ => Code::Unknown,
        }
    }
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// The text is not the name of a code.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not the name of a code")]
pub struct UnknownCode;

impl FromStr for Code {
    type Err = UnknownCode;

    fn from_str(name: &str) -> Result<Code, UnknownCode> {
        Code::ALL.into_iter().find(|code| code.name() == name).ok_or(UnknownCode)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_and_names_lead_back_to_their_code() {
        for code in Code::ALL {
            assert_eq!(Code::from_grpc(u32::from(code.grpc())), Some(code));
            assert_eq!(code.name().parse(), Ok(code));
        }
        assert_eq!(Code::from_grpc(0), None);
        assert_eq!(Code::from_grpc(17), Some(Code::Unknown));
        assert_eq!("nonsense".parse::<Code>(), Err(UnknownCode));
    }
}
