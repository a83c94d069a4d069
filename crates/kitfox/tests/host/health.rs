//! gRPC's health service, as a host has it of itself.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use kitfox::health::{
    Health, HealthCheckRequest, HealthCheckResponse, HealthClient, HealthListRequest,
    HealthListResponse, HealthServer, ServingStatus,
};
use kitfox::{Code, Context, Error, HttpChannel, Protocol, Running, Streaming};
use tokio::time::{Instant, timeout};

use super::{DRAIN, bare, host};
use crate::support::memory::Memory;
use crate::support::probe::Probe;

const MOMENT: Duration = Duration::from_millis(100);

#[tokio::test(start_paused = true)]
async fn every_service_is_as_ready_as_the_host() {
    let net = Memory::default();
    let healthy = Arc::new(AtomicBool::new(true));
    let asked = Arc::clone(&healthy);
    let check = move || {
        let healthy = asked.load(Ordering::SeqCst);
        async move { if healthy { Ok(()) } else { Err("it is down") } }
    };
    let running = host(&net, &Probe::default()).check("database", check).start().await.unwrap();
    let health = client(&net, &running);
    for service in ["", "probe.v1.Probe", "grpc.health.v1.Health"] {
        assert_eq!(status(&health, service).await, Ok(ServingStatus::Serving), "{service}");
    }
    assert_eq!(status(&health, "probe.v1.Other").await, Err(Code::NotFound));
    let all = health.list(&Context::background(), HealthListRequest {}).await.unwrap().statuses;
    let names: Vec<_> = all.keys().map(String::as_str).collect();
    let reflection =
        ["grpc.reflection.v1.ServerReflection", "grpc.reflection.v1alpha.ServerReflection"];
    let expected = ["", "grpc.health.v1.Health", reflection[0], reflection[1], "probe.v1.Probe"];
    assert_eq!(names, expected);

    healthy.store(false, Ordering::SeqCst);
    assert_eq!(status(&health, "probe.v1.Probe").await, Ok(ServingStatus::NotServing));
}

#[tokio::test(start_paused = true)]
async fn who_watches_is_told_each_change_and_does_not_keep_the_host() {
    let net = Memory::default();
    let healthy = Arc::new(AtomicBool::new(true));
    let asked = Arc::clone(&healthy);
    let check = move || {
        let healthy = asked.load(Ordering::SeqCst);
        async move { if healthy { Ok(()) } else { Err("it is down") } }
    };
    let running = host(&net, &Probe::default()).check("database", check).start().await.unwrap();
    let health = client(&net, &running);
    let request = HealthCheckRequest { service: "probe.v1.Probe".to_owned() };
    let mut watched = health.watch(&for_long(), request).await.unwrap();
    assert_eq!(next(&mut watched).await, ServingStatus::Serving);
    assert!(timeout(Duration::from_secs(60), watched.next()).await.is_err(), "nothing is new");

    healthy.store(false, Ordering::SeqCst);
    assert_eq!(next(&mut watched).await, ServingStatus::NotServing);
    healthy.store(true, Ordering::SeqCst);
    assert_eq!(next(&mut watched).await, ServingStatus::Serving);

    let begun = Instant::now();
    running.shutdown();
    assert_eq!(next(&mut watched).await, ServingStatus::NotServing);
    assert!(begun.elapsed() < MOMENT, "told while calls are still accepted");
    let error = watched.next().await.unwrap().unwrap_err();
    assert_eq!(error.code(), Code::Unavailable);
    let ending = running.wait().await;
    assert_eq!(ending, kitfox::Ending::Clean);
    assert!(begun.elapsed() < DRAIN.propagation + Duration::from_secs(1), "{:?}", begun.elapsed());
}

#[tokio::test(start_paused = true)]
async fn a_service_that_is_not_here_may_come() {
    let net = Memory::default();
    let running = host(&net, &Probe::default()).start().await.unwrap();
    let request = HealthCheckRequest { service: "probe.v1.Other".to_owned() };
    let watched = client(&net, &running).watch(&for_long(), request).await;
    let mut watched = watched.unwrap();
    assert_eq!(next(&mut watched).await, ServingStatus::ServiceUnknown);
    assert!(timeout(Duration::from_secs(60), watched.next()).await.is_err(), "it stays open");
}

#[tokio::test(start_paused = true)]
async fn a_users_own_answers_instead() {
    let net = Memory::default();
    let running = bare(&net).serve(HealthServer::new(Never)).start().await.unwrap();
    let health = client(&net, &running);
    assert_eq!(status(&health, "").await, Ok(ServingStatus::NotServing));
}

/// Wants no calls.
struct Never;

impl Health for Never {
    async fn check(
        &self,
        _: &Context,
        _: HealthCheckRequest,
    ) -> Result<HealthCheckResponse, Error> {
        Ok(HealthCheckResponse { status: ServingStatus::NotServing })
    }

    async fn list(&self, _: &Context, _: HealthListRequest) -> Result<HealthListResponse, Error> {
        Ok(HealthListResponse::default())
    }

    async fn watch(
        &self,
        _: &Context,
        _: HealthCheckRequest,
    ) -> Result<Streaming<HealthCheckResponse>, Error> {
        Ok(Streaming::of([]))
    }
}

fn client(net: &Memory, running: &Running) -> HealthClient {
    let channel = HttpChannel::builder(format!("http://{}", running.address()))
        .protocol(Protocol::Grpc)
        .platform(net.platform());
    HealthClient::new(&channel.build().unwrap())
}

/// Longer than a call may take without a word.
fn for_long() -> Context {
    Context::background().with_timeout(Duration::from_secs(1000))
}

async fn status(health: &HealthClient, service: &str) -> Result<ServingStatus, Code> {
    let request = HealthCheckRequest { service: service.to_owned() };
    let answer = health.check(&Context::background(), request).await;
    answer.map(|answer| answer.status).map_err(|error| error.code())
}

async fn next(watched: &mut Streaming<HealthCheckResponse>) -> ServingStatus {
    watched.next().await.unwrap().unwrap().status
}
