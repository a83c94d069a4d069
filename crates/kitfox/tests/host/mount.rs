//! Beside somebody else's application, both ways round.

use axum::Router;
use axum::body::Body;
use axum::routing::{get, post};
use http_body_util::BodyExt;
use kitfox::resilience::Mode;
use kitfox::stack::{Place, ServerSettings};
use kitfox::transport::Limits;
use kitfox::{Ending, Principal, Services, layer_fn};
use tower_service::Service;

use super::host;
use crate::support::http::{begin_call, read, send};
use crate::support::memory::Memory;
use crate::support::probe::Probe;

#[tokio::test(start_paused = true)]
async fn an_axum_router_mounts_beside_the_services() {
    let net = Memory::default();
    let pages = Router::new()
        .route("/about", get(|| async { "all about it" }))
        .route("/hook", post(|body: String| async move { body.to_uppercase() }));
    let running = host(&net, &Probe::default()).mount(pages).start().await.unwrap();

    let mut connection = net.dial(running.address()).await.unwrap();
    let answer = send(&mut connection, "GET", "/about").await;
    assert_eq!((answer.status, answer.body.as_str()), (200, "all about it"));
    let mut connection = net.dial(running.address()).await.unwrap();
    begin_call(&mut connection, "/hook", "\"raw\"").await;
    assert_eq!(read(&mut connection).await.body, "\"RAW\"");
    for path in ["/v1/echo", "/probe.v1.Probe/Echo"] {
        let mut connection = net.dial(running.address()).await.unwrap();
        begin_call(&mut connection, path, "{}").await;
        let answer = read(&mut connection).await;
        assert_eq!((answer.status, answer.body.as_str()), (200, "{}"));
    }
    let mut connection = net.dial(running.address()).await.unwrap();
    assert_eq!(send(&mut connection, "GET", "/nothing").await.status, 404);
    running.shutdown();
    assert_eq!(running.wait().await, Ending::Clean);
}

#[tokio::test(start_paused = true)]
async fn services_mount_in_an_axum_application() {
    let platform = Memory::default().platform();
    let services = Services::new().serve(Probe::default());
    let wires = services.wires(&platform, &Limits::default()).unwrap();
    let app = Router::new().route("/about", get(|| async { "mine" })).fallback_service(wires);
    assert_eq!(ask(&app, "GET", "/about", "").await, (200, "mine".to_owned()));
    for path in ["/v1/echo", "/probe.v1.Probe/Echo"] {
        assert_eq!(ask(&app, "POST", path, "{\"a\":1}").await, (200, "{\"a\":1}".to_owned()));
    }
    assert_eq!(ask(&app, "GET", "/nothing", "").await.0, 404);
}

#[tokio::test(start_paused = true)]
async fn layers_see_a_call_in_the_order_they_were_added() {
    let platform = Memory::default().platform();
    let mark = |letter: &'static str| {
        layer_fn(move |request: kitfox::Request, next| async move {
            request.context.record("seen", letter);
            if letter == "b" {
                let seen = request.context.take_fields();
                let seen: String = seen.iter().map(|field| field.value.as_ref()).collect();
                return Err(kitfox::Error::new(kitfox::Code::FailedPrecondition, seen));
            }
            next.call(request).await
        })
    };
    let probe = Probe::default();
    let services = Services::new().serve(probe.clone()).layer(mark("a")).layer(mark("b"));
    let wires = services.wires(&platform, &Limits::default()).unwrap();
    let app = Router::new().fallback_service(wires);
    let (status, body) = ask(&app, "POST", "/probe.v1.Probe/Echo", "{}").await;
    assert_eq!(status, 400);
    assert!(body.contains("\"ab\""), "{body}");
    assert_eq!(probe.calls(), 0);
}

#[tokio::test(start_paused = true)]
async fn services_that_are_mounted_authenticate_before_they_limit() {
    let authenticate = layer_fn(|mut request: kitfox::Request, next| async move {
        let name = request.context.metadata().text("x-user").unwrap_or("nobody").to_owned();
        request.context = request.context.with_principal(Principal::new(name));
        next.call(request).await
    });
    let mut settings = ServerSettings::default();
    settings.principal_rate_limit.mode = Mode::On;
    settings.principal_rate_limit.burst = 1;
    let services = Services::new().serve(Probe::default()).protect(settings);
    let services = services.layer_at(Place::Authentication, authenticate);
    let wires = services.wires(&Memory::default().platform(), &Limits::default()).unwrap();
    let app = Router::new().fallback_service(wires);
    for (user, status) in [("alice", 200), ("alice", 429), ("bob", 200)] {
        let request = http::Request::post("/v1/echo").header("x-user", user);
        let request = request.header("content-type", "application/json");
        let response = app.clone().call(request.body(Body::from("{}")).unwrap()).await.unwrap();
        assert_eq!(response.status(), status, "{user}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_service_that_is_served_twice_is_refused_by_name() {
    let probe = Probe::default();
    let error = host(&Memory::default(), &probe).serve(probe).start().await.unwrap_err();
    assert!(matches!(error, kitfox::HostError::Route(_)));
    assert!(error.to_string().contains("/probe.v1.Probe/Echo"), "{error}");
}

async fn ask(app: &Router, method: &str, path: &str, body: &'static str) -> (u16, String) {
    let request = http::Request::builder().method(method).uri(path);
    let request = request.header("content-type", "application/json").body(Body::from(body));
    let response = app.clone().call(request.unwrap()).await.unwrap();
    let status = response.status().as_u16();
    let body = response.into_body().collect().await.unwrap().to_bytes();
    (status, String::from_utf8(body.to_vec()).unwrap())
}
