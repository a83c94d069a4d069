//! Failures between Kitfox and the suite.

use kitfox::types::Any;
use kitfox::{Detail, Error};

use crate::messages::{self, RequestInfo};

/// The failure that a case asks for.
pub(crate) fn of(asked: messages::Error) -> Error {
    let messages::Error { code, message, details } = asked;
    let error = Error::new(code.into(), message.unwrap_or_default());
    details.into_iter().fold(error, |error, detail| error.with_detail(detail.into()))
}

/// The same with what was seen of the request.
pub(crate) fn with_info(asked: messages::Error, info: &RequestInfo) -> Error {
    of(asked).with_detail(Detail::new(info))
}

/// As the suite is told of it.
pub(crate) fn told(error: &Error) -> messages::Error {
    messages::Error {
        code: error.code().into(),
        message: Some(error.message().to_owned()),
        details: error.details().iter().map(Any::from).collect(),
    }
}
