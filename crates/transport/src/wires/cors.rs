//! Which pages of a browser may call (CORS, the Fetch standard's protocol).
//!
//! A browser asks before a page of another origin sends more than a form could (a preflight), and
//! lets the page read an answer only where that says so. Which *pages* may call is what protects;
//! so every header that an allowed page wants to send is allowed (those of Connect and gRPC-Web,
//! `authorization`, your own), and every header of an answer may be read, `trailer-` ones included.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use http::header::{self, HeaderMap, HeaderName, HeaderValue};
use http::request::Parts;
use http::{Method, Response, StatusCode};

use super::body::AnswerBody;

/// Which pages may call the services of a port, and how.
///
/// ```
/// use kitfox_transport::wires::Cors;
///
/// let own = Cors::origins(["https://app.example", "http://localhost:5173"]);
/// let public = Cors::any();
/// # let _ = (own, public);
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Cors {
    /// The pages; none by default.
    pub origins: Origins,
    /// Whether cookies and client certificates come along; they do not by default. Pages of *any*
    /// origin never get that.
    pub credentials: bool,
    /// How long a browser need not ask again, 2 hours by default, which is Chromium's most.
    pub max_age: Duration,
}

/// Origins of pages: a scheme, a host, and a port where it is not the scheme's own.
///
/// As text they are separated by commas; `*` is any, `none` is none.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Origins {
    /// None: no page of another origin.
    #[default]
    None,
    /// Any page of anybody.
    Any,
    /// These.
    Only(Vec<String>),
}

/// Origins that no page can have, or that cannot be allowed so.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CorsError {
    /// No page has this origin.
    #[error(
        "`{0}` is no origin of a page: give scheme, host and perhaps port, as in `https://app.example`"
    )]
    NoOrigin(String),
    /// Every page of the web could act as whoever is looking at it.
    #[error(
        "pages of any origin cannot have credentials: name the origins, or leave the credentials"
    )]
    AnyWithCredentials,
}

impl Default for Cors {
    fn default() -> Self {
        let max_age = Duration::from_secs(2 * 60 * 60);
        Cors { origins: Origins::None, credentials: false, max_age }
    }
}

impl Cors {
    /// Any page of anybody may call, without credentials: for services that are public anyway.
    #[must_use]
    pub fn any() -> Self {
        Cors { origins: Origins::Any, ..Cors::default() }
    }

    /// The pages of these origins may call: `https://app.example`.
    #[must_use]
    pub fn origins<I>(origins: I) -> Self
    where
        I: IntoIterator<Item: Into<String>>,
    {
        let origins = origins.into_iter().map(|origin| origin.into().to_ascii_lowercase());
        Cors { origins: Origins::Only(origins.collect()), ..Cors::default() }
    }

    /// Lets cookies and client certificates come along.
    #[must_use]
    pub fn with_credentials(mut self) -> Self {
        self.credentials = true;
        self
    }

    /// Whether it can be.
    ///
    /// # Errors
    /// When an origin is none, or any page would have credentials.
    pub fn check(&self) -> Result<(), CorsError> {
        match &self.origins {
            Origins::Any if self.credentials => Err(CorsError::AnyWithCredentials),
            Origins::Only(origins) => match origins.iter().find(|origin| !is_origin(origin)) {
                Some(none) => Err(CorsError::NoOrigin(none.clone())),
                None => Ok(()),
            },
            Origins::Any | Origins::None => Ok(()),
        }
    }

    /// Whether no page may call, and nothing has to be done.
    pub(super) fn is_off(&self) -> bool {
        self.origins == Origins::None
    }

    /// What an answer to a request depends on; `None` where it is the same for every page.
    pub(super) fn asked(&self, request: &Parts) -> Option<Asked> {
        let origin = request.headers.get(header::ORIGIN);
        let allowed = origin.and_then(|origin| self.allowed(origin));
        let names = self.origins != Origins::Any;
        (names || allowed.is_some()).then_some(Asked { allowed, names })
    }

    /// The answer to a browser that asks first; `None` where the request is no such question.
    pub(super) fn preflight(&self, request: &Parts) -> Option<Response<AnswerBody>> {
        let headers = &request.headers;
        let is_one = request.method == Method::OPTIONS
            && headers.contains_key(header::ORIGIN)
            && headers.contains_key(header::ACCESS_CONTROL_REQUEST_METHOD);
        if !is_one {
            return None;
        }
        let mut response = Response::new(AnswerBody::empty());
        *response.status_mut() = StatusCode::NO_CONTENT;
        let answer = response.headers_mut();
        if let Some(asked) = self.asked(request) {
            asked.mark(self, answer);
            if asked.allowed.is_some() {
                let methods = HeaderValue::from_static("GET, HEAD, POST, PUT, PATCH, DELETE");
                answer.insert(header::ACCESS_CONTROL_ALLOW_METHODS, methods);
                if let Some(wanted) = headers.get(header::ACCESS_CONTROL_REQUEST_HEADERS) {
                    answer.insert(header::ACCESS_CONTROL_ALLOW_HEADERS, wanted.clone());
                }
                let seconds = HeaderValue::from(self.max_age.as_secs());
                answer.insert(header::ACCESS_CONTROL_MAX_AGE, seconds);
            }
        }
        answer.append(header::VARY, HeaderValue::from_static("access-control-request-headers"));
        Some(response)
    }

    /// What an answer to a page of this `origin` says of it.
    fn allowed(&self, origin: &HeaderValue) -> Option<HeaderValue> {
        match &self.origins {
            Origins::None => None,
            Origins::Any => Some(HeaderValue::from_static("*")),
            Origins::Only(origins) => {
                origins.iter().any(|known| origin == known).then(|| origin.clone())
            }
        }
    }
}

/// What a request with its origin gets.
#[derive(Debug)]
pub(super) struct Asked {
    /// What it says of the page; none where the page may not read it.
    allowed: Option<HeaderValue>,
    /// The answer is another one for other pages.
    names: bool,
}

impl Asked {
    /// Says so in the headers of an answer.
    pub(super) fn mark(&self, cors: &Cors, headers: &mut HeaderMap) {
        if let Some(allowed) = &self.allowed {
            if let Some(names) = exposed(headers) {
                headers.insert(header::ACCESS_CONTROL_EXPOSE_HEADERS, names);
            }
            headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, allowed.clone());
            if cors.credentials {
                let yes = HeaderValue::from_static("true");
                headers.insert(header::ACCESS_CONTROL_ALLOW_CREDENTIALS, yes);
            }
        }
        if self.names {
            headers.append(header::VARY, HeaderValue::from_static("origin"));
        }
    }
}

/// The names of `headers` that a page may read only where the answer says so. Names and no `*`:
/// that stands for nothing where credentials come along.
fn exposed(headers: &HeaderMap) -> Option<HeaderValue> {
    let names = headers.keys().filter(|name| !READABLE.contains(name));
    let names: Vec<&str> = names.map(HeaderName::as_str).collect();
    let names = (!names.is_empty()).then(|| HeaderValue::try_from(names.join(", ")));
    names.map(|names| names.expect("names of headers and commas"))
}

/// What a page may read anyway, and what is the connection's.
const READABLE: [&HeaderName; 10] = [
    &header::CACHE_CONTROL,
    &header::CONNECTION,
    &header::CONTENT_ENCODING,
    &header::CONTENT_LANGUAGE,
    &header::CONTENT_LENGTH,
    &header::CONTENT_TYPE,
    &header::EXPIRES,
    &header::LAST_MODIFIED,
    &header::PRAGMA,
    &header::VARY,
];

/// Whether a page can have it: a browser says neither a path nor a slash at the end.
fn is_origin(text: &str) -> bool {
    let Some((scheme, host)) = text.split_once("://") else { return false };
    let letters = |byte: u8| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte);
    !scheme.is_empty()
        && scheme.bytes().all(letters)
        && !host.is_empty()
        && host.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._:[]".contains(&byte))
}

impl FromStr for Origins {
    type Err = CorsError;

    fn from_str(text: &str) -> Result<Self, CorsError> {
        let text = text.trim();
        if matches!(text, "" | "none") {
            return Ok(Origins::None);
        }
        if text == "*" {
            return Ok(Origins::Any);
        }
        let cors = Cors::origins(text.split(',').map(str::trim));
        cors.check()?;
        Ok(cors.origins)
    }
}

impl fmt::Display for Origins {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Origins::None => f.write_str("none"),
            Origins::Any => f.write_str("*"),
            Origins::Only(origins) => f.write_str(&origins.join(", ")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn origins_are_read_as_they_are_shown() {
        for text in
            ["none", "*", "https://app.example", "http://localhost:5173, https://[::1]:8443"]
        {
            assert_eq!(text.parse::<Origins>().unwrap().to_string(), text);
        }
        let capitals = "HTTPS://App.Example".parse::<Origins>().unwrap();
        assert_eq!(capitals.to_string(), "https://app.example", "as browsers say it");
    }

    #[test]
    fn what_no_page_can_have_is_named() {
        for text in
            ["app.example", "https://", "https://a/", "https://a b", "null", "https://a,", "://a"]
        {
            assert!(matches!(text.parse::<Origins>(), Err(CorsError::NoOrigin(_))), "{text}");
        }
        let any = Cors::any().with_credentials().check();
        assert_eq!(any, Err(CorsError::AnyWithCredentials));
    }
}
