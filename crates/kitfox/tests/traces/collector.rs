//! A collector within the process: it takes what is sent, over either protocol or without one, and
//! says what it is told to say.

use std::sync::{Arc, Mutex};

use axum::Router;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use bytes::Bytes;
use futures_core::future::BoxFuture;
use kitfox::config::Environment;
use kitfox::message::{Codec, Message};
use kitfox::telemetry::otlp::{Refused, Sender, Signal};
use kitfox::{Context, Host, Running};

use super::model::{KeyValue, LogRecord, Logs, Metric, Metrics, Resource, Span, Traces, value};
use crate::support::memory::Memory;

/// What was sent. Cloning shares it.
#[derive(Clone, Default)]
pub(crate) struct Collected(Arc<Mutex<Seen>>);

#[derive(Default)]
struct Seen {
    requests: Vec<(Signal, Bytes)>,
    /// The header `x-tenant` of each request.
    tenants: Vec<String>,
    /// How many requests are refused for now, with the pause that they shall make.
    busy: usize,
    silent: bool,
}

impl Collected {
    pub(crate) fn take(&self, signal: Signal, request: Bytes) {
        self.0.lock().unwrap().requests.push((signal, request));
    }

    pub(super) fn be_busy(&self, times: usize) {
        self.0.lock().unwrap().busy = times;
    }

    pub(super) fn be_silent(&self) {
        self.0.lock().unwrap().silent = true;
    }

    pub(super) fn tenants(&self) -> Vec<String> {
        self.0.lock().unwrap().tenants.clone()
    }

    /// Every span, with the service that it is of.
    pub(crate) fn spans(&self) -> Vec<(String, Span)> {
        let scopes = self.requests(Signal::Traces).into_iter().flat_map(|request| {
            let traces = Traces::decode(Codec::Protobuf, &request).unwrap();
            traces.resources.into_iter().flat_map(|it| {
                let name = service(&it.resource);
                it.scopes.into_iter().map(move |scope| (name.clone(), scope.spans))
            })
        });
        scopes.flat_map(|(name, all)| all.into_iter().map(move |it| (name.clone(), it))).collect()
    }

    /// Every log record, with the service that it is of.
    pub(crate) fn records(&self) -> Vec<(String, LogRecord)> {
        let scopes = self.requests(Signal::Logs).into_iter().flat_map(|request| {
            let logs = Logs::decode(Codec::Protobuf, &request).unwrap();
            logs.resources.into_iter().flat_map(|it| {
                let name = service(&it.resource);
                it.scopes.into_iter().map(move |scope| (name.clone(), scope.records))
            })
        });
        scopes.flat_map(|(name, all)| all.into_iter().map(move |it| (name.clone(), it))).collect()
    }

    /// The metrics in each request that brought some.
    pub(crate) fn metrics(&self) -> Vec<Vec<Metric>> {
        let requests = self.requests(Signal::Metrics).into_iter();
        let all = requests.map(|request| {
            let metrics = Metrics::decode(Codec::Protobuf, &request).unwrap();
            let scopes = metrics.resources.into_iter().flat_map(|it| it.scopes);
            scopes.flat_map(|scope| scope.metrics).collect()
        });
        all.collect()
    }

    /// The attributes of who sent, of each request with spans.
    pub(crate) fn resources(&self) -> Vec<Vec<KeyValue>> {
        let traces = self.requests(Signal::Traces).into_iter().flat_map(|request| {
            let traces = Traces::decode(Codec::Protobuf, &request).unwrap();
            traces.resources.into_iter().map(|it| it.resource.attributes)
        });
        traces.collect()
    }

    fn requests(&self, signal: Signal) -> Vec<Bytes> {
        let requests = &self.0.lock().unwrap().requests;
        let of_it = requests.iter().filter(|(other, _)| *other == signal);
        of_it.map(|(_, request)| request.clone()).collect()
    }

    /// What becomes of a request: taken, or refused for two seconds.
    async fn receive(&self, signal: Signal, request: Bytes, tenant: Option<&str>) -> bool {
        if self.0.lock().unwrap().silent {
            std::future::pending::<()>().await;
        }
        let mut state = self.0.lock().unwrap();
        if state.busy > 0 {
            state.busy -= 1;
            return false;
        }
        state.tenants.extend(tenant.map(str::to_owned));
        drop(state);
        self.take(signal, request);
        true
    }

    /// Serves OTLP over both protocols on `net`.
    pub(super) async fn serve(&self, net: &Memory) -> Running {
        self.host(net).start().await.unwrap()
    }

    /// A host that does so.
    pub(super) fn host(&self, net: &Memory) -> Host {
        let http = Router::new().route("/v1/{signal}", post(over_http)).with_state(self.clone());
        Host::new("collector")
            .serve(TraceServiceServer::new(self.clone()))
            .serve(LogsServiceServer::new(self.clone()))
            .serve(MetricsServiceServer::new(self.clone()))
            .mount(http)
            .platform(net.platform())
            .environment(Environment::default())
            .listen("10.0.0.9:4317")
            .admin("10.0.0.9:1")
            .announce(false)
            .unrecorded()
    }
}

fn service(resource: &Resource) -> String {
    value(&resource.attributes, "service.name").unwrap()
}

/// Without any wire.
impl Sender for Collected {
    fn send(&self, signal: Signal, request: Bytes) -> BoxFuture<'_, Result<Bytes, Refused>> {
        self.take(signal, request);
        Box::pin(async { Ok(Bytes::new()) })
    }
}

async fn over_http(
    State(collected): State<Collected>,
    Path(name): Path<String>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let text = |name: &str| headers.get(name).map(|value| value.to_str().unwrap());
    let signal = Signal::ALL.into_iter().find(|signal| signal.name() == name);
    let (Some(signal), Some("application/x-protobuf")) = (signal, text("content-type")) else {
        return StatusCode::BAD_REQUEST.into_response();
    };
    if !collected.receive(signal, body, text("x-tenant")).await {
        return (StatusCode::SERVICE_UNAVAILABLE, [("retry-after", "2")]).into_response();
    }
    [("content-type", "application/x-protobuf")].into_response()
}

#[kitfox::service(package = "opentelemetry.proto.collector.trace.v1")]
pub(super) trait TraceService {
    async fn export(&self, cx: &Context, request: Traces) -> Result<(), Busy>;
}

#[kitfox::service(package = "opentelemetry.proto.collector.logs.v1")]
pub(super) trait LogsService {
    async fn export(&self, cx: &Context, request: Logs) -> Result<(), Busy>;
}

#[kitfox::service(package = "opentelemetry.proto.collector.metrics.v1")]
pub(super) trait MetricsService {
    async fn export(&self, cx: &Context, request: Metrics) -> Result<(), Busy>;
}

#[kitfox::error]
pub(super) enum Busy {
    /// ask again in two seconds
    #[code(Unavailable, retry_after = "2s")]
    Now,
    #[call]
    Call(kitfox::Error),
}

impl Collected {
    async fn called<M: Message>(
        &self,
        signal: Signal,
        cx: &Context,
        request: &M,
    ) -> Result<(), Busy> {
        let tenant = cx.metadata().text("x-tenant");
        let request = request.encode(Codec::Protobuf).unwrap();
        if self.receive(signal, request, tenant).await { Ok(()) } else { Err(Busy::Now) }
    }
}

impl TraceService for Collected {
    async fn export(&self, cx: &Context, request: Traces) -> Result<(), Busy> {
        self.called(Signal::Traces, cx, &request).await
    }
}

impl LogsService for Collected {
    async fn export(&self, cx: &Context, request: Logs) -> Result<(), Busy> {
        self.called(Signal::Logs, cx, &request).await
    }
}

impl MetricsService for Collected {
    async fn export(&self, cx: &Context, request: Metrics) -> Result<(), Busy> {
        self.called(Signal::Metrics, cx, &request).await
    }
}
