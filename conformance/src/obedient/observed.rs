//! What the service saw of a request.

use std::time::Duration;

use kitfox::Context;
use kitfox::message::Message;
use kitfox::types::Any;

use crate::headers;
use crate::messages::RequestInfo;

/// Headers and timeout, read when the call begins.
pub(super) struct Observed<'a> {
    cx: &'a Context,
    timeout: Option<Duration>,
}

impl<'a> Observed<'a> {
    pub(super) fn new(cx: &'a Context, unasked: Duration) -> Self {
        // The host holds a call to its own limit where the caller says nothing.
        let timeout = cx.remaining().filter(|left| *left < unasked / 2);
        Observed { cx, timeout }
    }

    /// Before any message came.
    pub(super) fn info(&self) -> RequestInfo {
        RequestInfo {
            request_headers: headers::told(self.cx.metadata()),
            timeout_ms: self.timeout.and_then(|left| i64::try_from(left.as_millis()).ok()),
            ..RequestInfo::default()
        }
    }

    /// With the one message there is.
    pub(super) fn with(&self, request: &impl Message) -> RequestInfo {
        RequestInfo { requests: vec![Any::pack(request)], ..self.info() }
    }
}
