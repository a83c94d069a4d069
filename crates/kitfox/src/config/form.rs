//! How values are written, in a file as in the environment.

use std::net::SocketAddr;

pub(super) use kitfox_core::setting::{
    DURATION, Form, NAMES, NUMBER, NUMBER_32, SHARE, SIZE, SWITCH,
};
pub(crate) use kitfox_core::setting::{parse_duration, show_duration};
use kitfox_core::{Metadata, Secret};
use kitfox_telemetry::logs::{Filter, Format};
use kitfox_telemetry::otlp::Signal;
use kitfox_transport::wires::Origins;
use percent_encoding::{AsciiSet, CONTROLS, percent_decode_str, utf8_percent_encode};

use super::otlp::{Endpoint, OtlpProtocol};

pub(super) const ADDRESS: Form<SocketAddr> = Form {
    expects: "an IP address and a port, such as `127.0.0.1:8080` or `0.0.0.0:8080`",
    parse: |text| text.parse().ok(),
    show: SocketAddr::to_string,
};

pub(super) const HOST: Form<Option<String>> = Form {
    expects: "`none`, or a host and perhaps a port, such as `10.0.0.7`, `shop-1:8080` or `[::1]:8080`",
    parse: |text| {
        let sane = |letter: char| letter.is_ascii_alphanumeric() || ".-:[]_".contains(letter);
        match text {
            "none" => Some(None),
            _ if text.is_empty() || !text.chars().all(sane) => None,
            _ => Some(Some(text.to_owned())),
        }
    },
    show: |host| host.clone().unwrap_or_else(|| "none".to_owned()),
};

pub(super) const NAME: Form<Option<String>> = Form {
    expects: "`none`, or a name",
    parse: |text| Some((text != "none" && !text.is_empty()).then(|| text.to_owned())),
    show: |name| name.clone().unwrap_or_else(|| "none".to_owned()),
};

pub(super) const PRIORITY: Form<u16> = Form {
    expects: "a whole number from 0 to 65535, such as `1`",
    parse: |text| text.parse().ok(),
    show: u16::to_string,
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

pub(super) const ENDPOINT: Form<Option<Endpoint>> = Form {
    expects: "`none`, or where a collector is, such as `http://127.0.0.1:4318`, without user, query or \
              fragment",
    parse: |text| if text == "none" { Some(None) } else { text.parse().ok().map(Some) },
    show: |endpoint| endpoint.as_ref().map_or_else(|| "none".to_owned(), Endpoint::to_string),
};

pub(super) const OTLP_PROTOCOL: Form<OtlpProtocol> = Form {
    expects: "`http` or `grpc`",
    parse: OtlpProtocol::from_name,
    show: |protocol| protocol.name().to_owned(),
};

pub(super) const SIGNALS: Form<Vec<Signal>> = Form {
    expects: "some of `traces`, `logs` and `metrics`, separated by commas",
    parse: |text| {
        let named = |name: &String| Signal::ALL.into_iter().find(|signal| signal.name() == name);
        let signals: Option<Vec<_>> = names(text).iter().map(named).collect();
        signals.filter(|signals| !signals.is_empty())
    },
    show: |signals| signals.iter().map(|signal| signal.name()).collect::<Vec<_>>().join(","),
};

/// Pairs that are shown as they are read, whatever is in them.
pub(super) const PAIRS: Form<Vec<(String, String)>> = Form {
    expects: "`none`, or pairs such as `git=4711,rack=r7`, separated by commas",
    parse: parse_pairs,
    show: |pairs| {
        let encoded = |text: &str| utf8_percent_encode(text, PAIR).to_string();
        let pairs: Vec<_> =
            pairs.iter().map(|(name, value)| format!("{name}={}", encoded(value))).collect();
        if pairs.is_empty() { "none".to_owned() } else { pairs.join(",") }
    },
};

/// What would end a value, or be taken for a part of another one.
const PAIR: &AsciiSet = &CONTROLS.add(b' ').add(b',').add(b'%');

pub(super) const HEADERS: Form<Secret<Vec<(String, String)>>> = Form {
    expects: "`none`, or headers such as `authorization=Bearer%20..`, separated by commas",
    parse: |text| {
        let headers = parse_pairs(text)?;
        let mut all = Metadata::new();
        let valid = headers.iter().all(|(name, value)| all.append(name, value).is_ok());
        valid.then_some(Secret::new(headers))
    },
    show: |headers| {
        if headers.expose().is_empty() { "none".to_owned() } else { headers.to_string() }
    },
};

/// As OpenTelemetry's variables have them: what has a place of its own in values is percent-encoded.
fn parse_pairs(text: &str) -> Option<Vec<(String, String)>> {
    let pairs = names(text).into_iter().map(|pair| {
        let (name, value) = pair.split_once('=')?;
        let value = percent_decode_str(value.trim()).decode_utf8().ok()?;
        Some((name.trim().to_owned(), value.into_owned())).filter(|(name, _)| !name.is_empty())
    });
    pairs.collect()
}

fn names(text: &str) -> Vec<String> {
    (NAMES.parse)(text).unwrap_or_default()
}
