//! Who may see and change what.
//!
//! - `/healthz`, `/readyz` and `/metrics` are for probes and scrapers: everybody who reaches the
//!   port may read them.
//! - Where a token is set, everything else needs it: `Authorization: Bearer`, or the password of
//!   `Authorization: Basic`, for which a browser asks.
//! - Where none is set, the port must be bound to loopback, and the request must be addressed to
//!   this machine: a page that a browser got from elsewhere could otherwise have its name point
//!   here (DNS rebinding) and read along.
//! - What changes something never comes from a page of another origin.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::header::{AUTHORIZATION, HOST, HeaderName, ORIGIN};
use http::request::Parts;
use http::uri::Authority;
use http::{Method, StatusCode};
use kitfox_core::Secret;

use super::page::Page;

/// What everybody may read.
const OPEN: [&str; 4] = ["/healthz", "/readyz", "/metrics", "/style.css"];

const FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

/// Decides who may.
pub(in crate::host) struct Guard {
    pub(in crate::host) token: Option<Secret<String>>,
    /// Whether only this machine reaches the port.
    pub(in crate::host) is_local: bool,
}

impl Guard {
    /// The name of whoever asks, where the token came with one; or the page that refuses it.
    pub(super) fn admit(&self, head: &Parts) -> Result<Option<String>, Page> {
        let reads = head.method == Method::GET || head.method == Method::HEAD;
        if reads && OPEN.contains(&head.uri.path()) {
            return Ok(None);
        }
        let name = match &self.token {
            Some(token) => Some(authenticate(head, token)?),
            None if !self.is_local => return Err(refusal(NEEDS_TOKEN)),
            None if !is_this_machine(head) => return Err(refusal(OTHER_NAME)),
            None => None,
        };
        if !reads && !is_same_origin(head) {
            return Err(refusal(OTHER_ORIGIN));
        }
        Ok(name)
    }
}

const NEEDS_TOKEN: &str = "other machines reach this port, so that this page needs a token and none is \
                           set: set `admin_token` (KITFOX_ADMIN_TOKEN), or have the port listen on \
                           127.0.0.1 (`admin`, KITFOX_ADMIN)";

const OTHER_NAME: &str = "the request is addressed to a name that is not this machine's: use \
                          `localhost` or an IP address, or set `admin_token` (KITFOX_ADMIN_TOKEN)";

const OTHER_ORIGIN: &str = "a page of another origin changes nothing here";

fn refusal(why: &str) -> Page {
    Page::refusal(StatusCode::FORBIDDEN, why)
}

fn authenticate(head: &Parts, token: &Secret<String>) -> Result<String, Page> {
    let given = head.headers.get(AUTHORIZATION).and_then(|value| value.to_str().ok());
    if let Some((name, given)) = given.and_then(credentials)
        && is_same(given.as_bytes(), token.expose().as_bytes())
    {
        return Ok(name);
    }
    let why = "this page needs the token of `admin_token`: `Authorization: Bearer <token>`, or the \
               token as the password of any user";
    Err(Page::refusal(StatusCode::UNAUTHORIZED, why))
}

/// As who somebody comes, and with which token.
fn credentials(value: &str) -> Option<(String, String)> {
    let (scheme, rest) = value.split_once(' ')?;
    if scheme.eq_ignore_ascii_case("bearer") {
        return Some(("the token".to_owned(), rest.trim().to_owned()));
    }
    if !scheme.eq_ignore_ascii_case("basic") {
        return None;
    }
    let decoded = String::from_utf8(STANDARD.decode(rest.trim()).ok()?).ok()?;
    let (name, password) = decoded.split_once(':')?;
    Some((name.to_owned(), password.to_owned()))
}

/// Whether they are equal, in a time that does not tell where they differ.
fn is_same(a: &[u8], b: &[u8]) -> bool {
    let difference = a.iter().zip(b).fold(0, |difference, (a, b)| difference | (a ^ b));
    a.len() == b.len() && std::hint::black_box(difference) == 0
}

/// The name and port that the request is addressed to.
pub(super) fn authority(head: &Parts) -> Option<Authority> {
    let named = head.uri.authority().cloned();
    named.or_else(|| head.headers.get(HOST)?.to_str().ok()?.parse().ok())
}

fn is_this_machine(head: &Parts) -> bool {
    let Some(authority) = authority(head) else {
        // Every browser names whom it asks.
        return head.headers.get(HOST).is_none();
    };
    let host = authority.host().trim_start_matches('[').trim_end_matches(']');
    let host = host.trim_end_matches('.').to_ascii_lowercase();
    host == "localhost" || host.ends_with(".localhost") || host.parse::<std::net::IpAddr>().is_ok()
}

/// Whether the request comes from a page of this port, or from no page at all.
fn is_same_origin(head: &Parts) -> bool {
    let site = head.headers.get(FETCH_SITE).map(http::HeaderValue::as_bytes);
    if site.is_some_and(|site| site != b"same-origin" && site != b"none") {
        return false;
    }
    let Some(origin) = head.headers.get(ORIGIN) else { return true };
    let origin = origin.to_str().ok().and_then(|origin| origin.split_once("://"));
    match (origin, authority(head)) {
        (Some((_, origin)), Some(here)) => origin.eq_ignore_ascii_case(here.as_str()),
        _ => false,
    }
}
