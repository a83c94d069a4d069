//! The admin port: whether the process lives, whether it wants calls, what it is and what it does.
//!
//! Each page is made once, as a [`Page`], and shown as its reader wants it: HTML to a browser, text
//! to a terminal, JSON to a program (`Accept: application/json`, or `?format=json`).

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::header::{
    ACCEPT, ALLOW, CACHE_CONTROL, CONTENT_LENGTH, CONTENT_SECURITY_POLICY, CONTENT_TYPE,
    HeaderName, HeaderValue, LOCATION, REFERRER_POLICY, VARY, WWW_AUTHENTICATE,
    X_CONTENT_TYPE_OPTIONS,
};
use http::request::Parts;
use http::{Method, Request, Response, StatusCode};
use http_body::Body;
use http_body_util::{BodyExt, Full, Limited};
use kitfox_core::{Contract, Peer};
use kitfox_telemetry::Telemetry;
use kitfox_transport::Handler;
use tokio::time::{Instant, timeout};

use super::readiness::Readiness;
use super::reload::Reloader;
use super::standings::Standings;
use crate::config::Configuration;
pub(super) use dial::Dial;
use fields::Fields;
pub(super) use guard::Guard;
pub(super) use log::Switch;
use log::Who;
use page::Page;

mod calls;
mod configuration;
mod contract;
mod dial;
mod fields;
mod guard;
mod html;
mod index;
mod info;
mod log;
mod page;
mod ready;
mod registered;
mod stack;
mod text;

const TEXT: &str = "text/plain; charset=utf-8";
const HTML: &str = "text/html; charset=utf-8";
const CSS: &str = "text/css; charset=utf-8";
const JSON: &str = "application/json";
const PROMETHEUS: &str = "text/plain; version=0.0.4; charset=utf-8";
const OPENMETRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// The most bytes that a change may say.
const BODY_BYTES: usize = 16 * 1024;

/// How long it may take to say them.
const BODY_TIME: Duration = Duration::from_secs(5);

/// Nothing but our own style; no scripts, no frames around us, forms to us alone.
const POLICY: &str = "default-src 'none'; style-src 'self'; img-src data:; form-action 'self'; \
                      frame-ancestors 'none'; base-uri 'none'";

/// The pages of the admin port.
#[derive(Clone)]
pub(super) struct Admin(Arc<Pages>);

/// What the pages tell.
pub(super) struct Pages {
    pub(super) name: String,
    pub(super) version: Option<String>,
    pub(super) started: Instant,
    pub(super) contracts: Vec<&'static Contract>,
    /// The names of the user's layers that find out who calls, from outside in.
    pub(super) authenticating: Vec<String>,
    /// Those of the user's layers around the method.
    pub(super) layers: Vec<String>,
    /// What the layers around calls are set to.
    pub(super) dial: Dial,
    pub(super) readiness: Arc<Readiness>,
    pub(super) standings: Standings,
    pub(super) configuration: Configuration,
    pub(super) reloader: Reloader,
    pub(super) telemetry: Option<Telemetry>,
    /// Absent where nothing is logged.
    pub(super) switch: Option<Switch>,
    pub(super) guard: Guard,
}

/// How a page is shown.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Form {
    Html,
    Text,
    Json,
}

impl Admin {
    pub(super) fn new(pages: Pages) -> Self {
        Admin(Arc::new(pages))
    }

    async fn answer<B>(&self, peer: &Peer, head: &Parts, body: B) -> Response<Full<Bytes>>
    where
        B: Body<Data = Bytes, Error: Into<Box<dyn std::error::Error + Send + Sync>>>
            + Send
            + 'static,
    {
        let pages = &*self.0;
        let form = Form::wanted(head);
        let name = match pages.guard.admit(head) {
            Ok(name) => name,
            Err(page) => return challenged(pages.show(&page, form)),
        };
        let path = head.uri.path();
        let of_stack = path.starts_with("/stack/");
        let (put, post, delete) = (Method::PUT, Method::POST, Method::DELETE);
        let changes = match path {
            "/log" => [put, post].contains(&head.method),
            "/reload" => head.method == post,
            _ => of_stack && [put, post, delete].contains(&head.method),
        };
        if !changes {
            return match head.method {
                Method::GET | Method::HEAD if path != "/reload" => pages.read(head, form).await,
                _ => not_allowed(path),
            };
        }
        let body = timeout(BODY_TIME, Limited::new(body, BODY_BYTES).collect()).await;
        let Ok(Ok(body)) = body else {
            let why = "the request's body did not come, or is too large for a change";
            return pages.show(&Page::refusal(StatusCode::BAD_REQUEST, why), form);
        };
        let body = body.to_bytes();
        let body = String::from_utf8_lossy(&body);
        let who = Who { peer: peer.address(), name: name.as_deref() };
        if of_stack {
            return match pages.dial.change(head, &body, &who) {
                Err(page) => pages.show(&page, form),
                Ok(()) if form == Form::Html => see_other("/stack"),
                Ok(()) => pages.show(&stack::page(pages, &authority(head)), form),
            };
        }
        if path == "/reload" {
            return match configuration::reload(pages, &who).await {
                Err(page) => pages.show(&page, form),
                Ok(()) if form == Form::Html => see_other("/config"),
                Ok(()) => pages.show(&configuration::page(pages, &authority(head)), form),
            };
        }
        let Some(switch) = &pages.switch else { return pages.show(&no_log(), form) };
        let fields = Fields::of(head.uri.query(), &body);
        match switch.change(&fields, &who) {
            Err(page) => pages.show(&page, form),
            // So that a reload does not set it once more.
            Ok(()) if form == Form::Html => see_other("/log"),
            Ok(()) => pages.show(&switch.page(&authority(head)), form),
        }
    }
}

impl Pages {
    async fn read(&self, head: &Parts, form: Form) -> Response<Full<Bytes>> {
        let page = match head.uri.path() {
            "/healthz" => return raw(StatusCode::OK, TEXT, "alive\n".to_owned()),
            "/readyz" if form == Form::Text => {
                return match self.readiness.verdict().await.refusal() {
                    None => raw(StatusCode::OK, TEXT, "ready\n".to_owned()),
                    Some(why) => raw(StatusCode::SERVICE_UNAVAILABLE, TEXT, why + "\n"),
                };
            }
            "/metrics" => return self.metrics(head),
            "/openapi.json" => return contract::openapi(self, head.uri.query()),
            "/contract.proto" => return contract::proto(&self.contracts, head.uri.query()),
            "/style.css" => {
                let mut style = raw(StatusCode::OK, CSS, html::STYLE.to_owned());
                let day = HeaderValue::from_static("max-age=3600");
                style.headers_mut().insert(CACHE_CONTROL, day);
                return style;
            }
            "/" => index::page(self).await,
            "/readyz" => ready::page(&self.readiness.verdict().await, &self.standings.now()),
            "/stack" => stack::page(self, &authority(head)),
            "/calls" => calls::page(self.telemetry.as_ref()),
            "/config" => configuration::page(self, &authority(head)),
            "/info" => info::page(self),
            "/log" => match &self.switch {
                Some(switch) => switch.page(&authority(head)),
                None => no_log(),
            },
            _ => {
                let why = format!("there is no such page, but\n{}", index::list());
                return raw(StatusCode::NOT_FOUND, TEXT, why);
            }
        };
        // It was JSON for everybody before it was a page, and programs read it.
        let form = if page.title == "info" && form == Form::Text { Form::Json } else { form };
        self.show(&page, form)
    }

    fn show(&self, page: &Page, form: Form) -> Response<Full<Bytes>> {
        let (kind, text) = match form {
            Form::Html => (HTML, html::render(&self.name, page)),
            Form::Text => (TEXT, text::render(page)),
            Form::Json => (JSON, format!("{:#}\n", page.json)),
        };
        raw(page.status, kind, text)
    }

    fn metrics(&self, head: &Parts) -> Response<Full<Bytes>> {
        let Some(telemetry) = &self.telemetry else {
            let why = "this host counts nothing: it is unrecorded\n";
            return raw(StatusCode::NOT_FOUND, TEXT, why.to_owned());
        };
        let metrics = telemetry.metrics();
        if accepts(head, "application/openmetrics-text") {
            return raw(StatusCode::OK, OPENMETRICS, metrics.openmetrics());
        }
        raw(StatusCode::OK, PROMETHEUS, metrics.prometheus())
    }
}

impl Form {
    /// What the request asks for, in words or by its headers.
    fn wanted(head: &Parts) -> Self {
        match Fields::of(head.uri.query(), "").value("format") {
            Some("json") => return Form::Json,
            Some("text") => return Form::Text,
            Some("html") => return Form::Html,
            _ => {}
        }
        if accepts(head, "text/html") {
            return Form::Html;
        }
        if accepts(head, JSON) { Form::Json } else { Form::Text }
    }
}

fn accepts(head: &Parts, kind: &str) -> bool {
    let accepted = head.headers.get_all(ACCEPT).iter().filter_map(|value| value.to_str().ok());
    accepted.flat_map(|value| value.split(',')).any(|range| {
        let name = range.split(';').next().unwrap_or_default();
        name.trim().eq_ignore_ascii_case(kind)
    })
}

impl Handler for Admin {
    type Body = Full<Bytes>;

    async fn handle<B>(&self, peer: &Peer, request: Request<B>) -> Response<Full<Bytes>>
    where
        B: Body<Data = Bytes, Error: Into<Box<dyn std::error::Error + Send + Sync>>>
            + Send
            + 'static,
    {
        // A request's body may not be shared between threads, its head may.
        let (head, body) = request.into_parts();
        let mut response = self.answer(peer, &head, body).await;
        if head.method == Method::HEAD {
            *response.body_mut() = Full::default();
        }
        response
    }
}

/// Where the reader reaches this port, as far as the request tells.
fn authority(head: &Parts) -> String {
    guard::authority(head).map_or_else(|| "localhost:9090".to_owned(), |it| it.to_string())
}

fn no_log() -> Page {
    Page::refusal(StatusCode::NOT_FOUND, "this host writes no log: it is unrecorded")
}

fn not_allowed(path: &str) -> Response<Full<Bytes>> {
    let (allowed, why) = match path {
        "/log" => ("GET, HEAD, PUT, POST", "only GET, HEAD, PUT and POST are answered here\n"),
        "/reload" => ("POST", "only POST is answered here\n"),
        _ if path.starts_with("/stack/") => {
            ("PUT, POST, DELETE", "only PUT, POST and DELETE are answered here\n")
        }
        _ => ("GET, HEAD", "only GET and HEAD are answered here\n"),
    };
    let mut response = raw(StatusCode::METHOD_NOT_ALLOWED, TEXT, why.to_owned());
    response.headers_mut().insert(ALLOW, HeaderValue::from_static(allowed));
    response
}

/// Has a browser ask its user for the token.
fn challenged(mut response: Response<Full<Bytes>>) -> Response<Full<Bytes>> {
    if response.status() == StatusCode::UNAUTHORIZED {
        let realm = HeaderValue::from_static("Basic realm=\"admin\", charset=\"UTF-8\"");
        response.headers_mut().append(WWW_AUTHENTICATE, realm);
        response.headers_mut().append(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
    }
    response
}

fn see_other(path: &'static str) -> Response<Full<Bytes>> {
    let mut response = raw(StatusCode::SEE_OTHER, TEXT, String::new());
    response.headers_mut().insert(LOCATION, HeaderValue::from_static(path));
    response
}

fn raw(status: StatusCode, kind: &'static str, text: String) -> Response<Full<Bytes>> {
    const HEADERS: [(HeaderName, &str); 5] = [
        (CACHE_CONTROL, "no-store"),
        (CONTENT_SECURITY_POLICY, POLICY),
        (REFERRER_POLICY, "no-referrer"),
        (VARY, "accept"),
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
    ];
    let length = HeaderValue::from(text.len());
    let mut response = Response::new(Full::from(text));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    for (name, value) in HEADERS {
        headers.insert(name, HeaderValue::from_static(value));
    }
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(kind));
    headers.insert(CONTENT_LENGTH, length);
    response
}
