//! How values are written, in a file as in the environment.

use std::net::SocketAddr;

use kitfox_core::Secret;
pub(super) use kitfox_core::setting::{
    DURATION, Form, NAMES, NUMBER, NUMBER_32, SHARE, SIZE, SWITCH,
};
pub(crate) use kitfox_core::setting::{parse_duration, show_duration};
use kitfox_telemetry::logs::{Filter, Format};
use kitfox_transport::wires::Origins;

pub(super) const ADDRESS: Form<SocketAddr> = Form {
    expects: "an IP address and a port, such as `127.0.0.1:8080` or `0.0.0.0:8080`",
    parse: |text| text.parse().ok(),
    show: SocketAddr::to_string,
};

pub(super) const ORIGINS: Form<Origins> = Form {
    expects: "`none`, `*`, or origins such as `https://app.example`, separated by commas",
    parse: |text| text.parse().ok(),
    show: Origins::to_string,
};

pub(super) const FILTER: Form<Filter> = Form {
    expects: "levels for everything or for parts of the code, such as `info` or \
              `info,my_crate::db=debug`",
    parse: |text| text.parse().ok(),
    show: Filter::to_string,
};

pub(super) const FORMAT: Form<Format> = Form {
    expects: "`auto`, `json`, `logfmt` or `pretty`",
    parse: |text| text.parse().ok(),
    show: |format| format!("{format:?}").to_lowercase(),
};

/// A secret of which somebody must know all to have any.
pub(super) const TOKEN: Form<Option<Secret<String>>> = Form {
    expects: "`none`, or at least 16 visible ASCII characters that nobody can guess, such as \
              `openssl rand -hex 32` prints",
    parse: |text| match text {
        "none" => Some(None),
        _ if text.len() < 16 || !text.bytes().all(|byte| byte.is_ascii_graphic()) => None,
        _ => Some(Some(Secret::new(text.to_owned()))),
    },
    show: |token| token.as_ref().map_or_else(|| "none".to_owned(), Secret::to_string),
};
