//! The admin port: whether the process lives, whether it wants calls, and what it is.

use std::sync::Arc;

use bytes::Bytes;
use http::header::{ALLOW, CACHE_CONTROL, CONTENT_LENGTH, CONTENT_TYPE, HeaderValue};
use http::{Method, Request, Response, StatusCode, Uri};
use http_body::Body;
use http_body_util::Full;
use kitfox_core::{Contract, Peer};
use kitfox_transport::Handler;
use serde_json::{Value, json};
use tokio::time::Instant;

use super::readiness::Readiness;

mod contract;

const TEXT: &str = "text/plain; charset=utf-8";
const JSON: &str = "application/json";

/// Where everything is, as `/` and a 404 tell it.
const INDEX: &str = "\
/healthz         whether the process lives
/readyz          whether it wants calls
/info            what it is, as JSON
/contract.proto  what it offers, for clients of gRPC and Connect
/openapi.json    the same for clients of REST
";

/// The pages of the admin port.
#[derive(Clone)]
pub(super) struct Admin(Arc<Pages>);

/// What the pages tell.
pub(super) struct Pages {
    pub(super) name: String,
    pub(super) version: Option<String>,
    pub(super) started: Instant,
    pub(super) contracts: Vec<&'static Contract>,
    pub(super) readiness: Arc<Readiness>,
}

impl Admin {
    pub(super) fn new(pages: Pages) -> Self {
        Admin(Arc::new(pages))
    }

    async fn page(&self, uri: &Uri) -> Response<Full<Bytes>> {
        let pages = &*self.0;
        match uri.path() {
            "/" => page(StatusCode::OK, TEXT, format!("{}\n\n{INDEX}", pages.name)),
            "/healthz" => page(StatusCode::OK, TEXT, "alive\n".to_owned()),
            "/readyz" => match pages.readiness.refusal().await {
                None => page(StatusCode::OK, TEXT, "ready\n".to_owned()),
                Some(why) => page(StatusCode::SERVICE_UNAVAILABLE, TEXT, why + "\n"),
            },
            "/info" => page(StatusCode::OK, JSON, format!("{:#}\n", pages.info())),
            "/openapi.json" => contract::openapi(pages, uri.query()),
            "/contract.proto" => contract::proto(&pages.contracts, uri.query()),
            _ => page(StatusCode::NOT_FOUND, TEXT, format!("there is no such page, but\n{INDEX}")),
        }
    }
}

impl Pages {
    fn info(&self) -> Value {
        json!({
            "name": self.name,
            "version": self.version,
            "uptimeSeconds": self.started.elapsed().as_secs(),
            "services": self.contracts.iter().map(|contract| service(contract)).collect::<Vec<_>>(),
        })
    }
}

impl Handler for Admin {
    type Body = Full<Bytes>;

    async fn handle<B>(&self, _: &Peer, request: Request<B>) -> Response<Full<Bytes>>
    where
        B: Body<Data = Bytes, Error: Into<Box<dyn std::error::Error + Send + Sync>>>
            + Send
            + 'static,
    {
        // A request's body may not be shared between threads, and nobody needs it here.
        let (head, _) = request.into_parts();
        let head_only = head.method == Method::HEAD;
        if head.method != Method::GET && !head_only {
            let why = "only GET and HEAD are answered here\n".to_owned();
            let mut response = page(StatusCode::METHOD_NOT_ALLOWED, TEXT, why);
            response.headers_mut().insert(ALLOW, HeaderValue::from_static("GET, HEAD"));
            return response;
        }
        let mut response = self.page(&head.uri).await;
        if head_only {
            *response.body_mut() = Full::default();
        }
        response
    }
}

fn page(status: StatusCode, kind: &'static str, text: String) -> Response<Full<Bytes>> {
    let length = HeaderValue::from(text.len());
    let mut response = Response::new(Full::from(text));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(kind));
    headers.insert(CONTENT_LENGTH, length);
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert("x-content-type-options", HeaderValue::from_static("nosniff"));
    response
}

fn service(contract: &Contract) -> Value {
    let methods = contract.methods.iter().map(|method| {
        let routes = method.routes.iter();
        let routes = routes.map(|route| format!("{} {}", route.verb.name(), route.template));
        json!({
            "name": method.name,
            "path": method.path,
            "routes": routes.collect::<Vec<_>>(),
        })
    });
    json!({
        "name": format!("{}.{}", contract.package, contract.name),
        "methods": methods.collect::<Vec<_>>(),
    })
}
