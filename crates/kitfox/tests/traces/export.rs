//! A host with all of its telemetry, in memory, while time stands still: a log sink, an exporter, metrics
//! that are pushed, and a collector that is not always well.

use std::time::Duration;

use kitfox::config::Environment;
use kitfox::{Ending, Host, HostError, Running};
use strings::{Service, StringsServer};
use tokio::io::{AsyncReadExt, DuplexStream, duplex};
use tokio::time::{Instant, sleep};

use super::collector::Collected;
use super::model::{LogRecord, value};
use crate::support::http::{begin_call, read, send};
use crate::support::memory::Memory;

const COLLECTOR: &str = "http://10.0.0.9:4317";

/// The drain's part for telemetry, by default.
const FLUSH: Duration = Duration::from_secs(2);

/// A host that records every call, and sends what it knows to the collector.
fn host(net: &Memory, protocol: &'static str) -> Host {
    Host::new("strings")
        .version("1.2.3")
        .serve(StringsServer::new(Service))
        .platform(net.platform())
        .environment(Environment::default())
        .listen("127.0.0.1:0")
        .admin("127.0.0.1:0")
        .announce(false)
        .set("traces.sample", 1)
        .set("log.format", "json")
        .set("otlp.endpoint", COLLECTOR)
        .set("otlp.protocol", protocol)
        .set("otlp.headers", "x-tenant=blue%20one")
        .set("otlp.attributes", "deployment.environment.name=test")
        .set("otlp.metrics_interval", "30s")
}

async fn call(net: &Memory, running: &Running, text: &str) {
    let mut connection = net.dial(running.address()).await.unwrap();
    let body = format!(r#"{{"text":"{text}"}}"#);
    begin_call(&mut connection, "/strings.v1.Strings/Uppercase", &body).await;
    assert_eq!(read(&mut connection).await.status, 200);
}

async fn metrics(net: &Memory, running: &Running) -> String {
    let mut connection = net.dial(running.admin_address()).await.unwrap();
    send(&mut connection, "GET", "/metrics").await.body
}

/// Shuts down; how that ended and how long it took.
async fn end(running: Running) -> (Ending, Duration) {
    let begin = Instant::now();
    running.shutdown();
    (running.wait().await, begin.elapsed())
}

/// The lines of calls: elsewhere in the process user code logs, too.
fn calls(collected: &Collected) -> Vec<LogRecord> {
    let records = collected.records().into_iter().map(|(_, record)| record);
    let of_calls = |record: &LogRecord| {
        value(&record.attributes, "target").is_some_and(|target| target == "kitfox::call")
    };
    records.filter(of_calls).collect()
}

async fn lines(mut sink: DuplexStream) -> Vec<serde_json::Value> {
    let mut text = String::new();
    sink.read_to_string(&mut text).await.unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[tokio::test(start_paused = true)]
async fn everything_leaves_while_the_host_runs_and_the_rest_at_drain() {
    for protocol in ["http", "grpc"] {
        let (net, collected) = (Memory::default(), Collected::default());
        let collector = collected.serve(&net).await;
        let (sink, written) = duplex(1 << 20);
        let running = host(&net, protocol).log_to(sink).start().await.unwrap();
        call(&net, &running, "red").await;
        assert_eq!(collected.spans().len(), 0, "they are gathered for a while");
        sleep(Duration::from_secs(2)).await;
        assert_eq!((collected.spans().len(), calls(&collected).len()), (1, 1), "{protocol}");
        assert_eq!(collected.metrics().len(), 0);
        sleep(Duration::from_secs(60)).await;
        assert_eq!(collected.metrics().len(), 2, "{protocol}");

        call(&net, &running, "fox").await;
        let (ending, took) = end(running).await;
        assert!(ending == Ending::Clean && took < Duration::from_millis(100), "{took:?}");
        let (spans, records, metrics) = (collected.spans(), calls(&collected), collected.metrics());
        assert_eq!((spans.len(), records.len(), metrics.len()), (2, 2, 3), "{protocol}");
        assert!(metrics[2].iter().any(|metric| metric.name == "rpc.server.call.duration"));
        for ((service, span), record) in spans.iter().zip(&records) {
            assert_eq!((service.as_str(), &span.span_id), ("strings", &record.span_id));
            assert_eq!(record.body.text.as_deref(), Some("answered"));
            let method = value(&record.attributes, "method").unwrap();
            assert_eq!(method, "strings.v1.Strings/Uppercase");
        }
        let lines = lines(written).await;
        let calls = lines.iter().filter(|line| line["target"] == "kitfox::call");
        assert_eq!(calls.count(), 2, "{lines:?}");
        assert!(collected.tenants().len() >= 5);
        assert!(collected.tenants().iter().all(|tenant| tenant == "blue one"));
        let _ending = end(collector).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_busy_collector_gets_it_later_and_once() {
    for protocol in ["http", "grpc"] {
        let (net, collected) = (Memory::default(), Collected::default());
        let collector = collected.serve(&net).await;
        let running = host(&net, protocol).set("otlp.signals", "traces").start().await.unwrap();
        collected.be_busy(2);
        call(&net, &running, "red").await;
        sleep(Duration::from_secs(4)).await;
        assert_eq!(collected.spans().len(), 0, "{protocol}: it asked for two seconds, twice");
        sleep(Duration::from_secs(2)).await;
        assert_eq!(collected.spans().len(), 1, "{protocol}");
        let _ending = end(running).await;
        assert_eq!((collected.spans().len(), collected.records().len()), (1, 0));
        assert_eq!(collected.metrics().len(), 0, "{protocol}: nobody asked for them");
        let _ending = end(collector).await;
    }
}

#[tokio::test(start_paused = true)]
async fn without_a_collector_memory_is_bounded_and_the_loss_is_a_metric() {
    for protocol in ["http", "grpc"] {
        let net = Memory::default();
        let running = host(&net, protocol).set("otlp.buffer_bytes", "64KiB").start().await.unwrap();
        for _ in 0..400 {
            call(&net, &running, "red").await;
        }
        let text = metrics(&net, &running).await;
        for signal in ["traces", "logs"] {
            let name =
                format!(r#"kitfox_export_dropped_total{{reason="full",signal="{signal}"}} "#);
            let lost = text.lines().find_map(|line| line.strip_prefix(name.as_str())).unwrap();
            assert!((50..).contains(&lost.parse().unwrap()), "{protocol}: {signal}: {lost}");
        }
        let (ending, took) = end(running).await;
        assert_eq!(ending, Ending::Clean, "{protocol}: nothing of the service is lost");
        assert!(took <= FLUSH + Duration::from_millis(100), "{took:?}");
    }
}

#[cfg(feature = "tls")]
#[tokio::test(start_paused = true)]
async fn it_leaves_over_tls_for_a_collector_that_somebody_vouches_for() {
    use bytes::Bytes;
    use kitfox::config::OtlpProtocol;
    use kitfox::otlp::Collector;
    use kitfox::telemetry::otlp::Signal;
    use kitfox::tls::Identity;

    use crate::tls::{directory, roots};

    let (net, collected) = (Memory::default(), Collected::default());
    let (certificate, key) = (directory().join("certificate.pem"), directory().join("key.pem"));
    let host = collected.host(&net).listen("127.0.0.1:4317");
    let collector = host.tls(Identity::files(certificate, key).unwrap()).start().await.unwrap();
    for protocol in [OtlpProtocol::Http, OtlpProtocol::Grpc] {
        let to = || Collector::new("https://127.0.0.1:4317".parse().unwrap()).protocol(protocol);
        let sender = to().roots(roots()).sender(&net.platform()).unwrap();
        sender.send(Signal::Traces, Bytes::new()).await.unwrap();
        let stranger = to().sender(&net.platform()).unwrap();
        let refused = stranger.send(Signal::Traces, Bytes::new()).await.unwrap_err();
        assert!(refused.retry && refused.why.contains("TLS"), "{refused}");
    }
    let _ending = end(collector).await;
}

#[tokio::test(start_paused = true)]
async fn a_silent_collector_keeps_neither_a_call_nor_the_shutdown_waiting() {
    for protocol in ["http", "grpc"] {
        let (net, collected) = (Memory::default(), Collected::default());
        let collector = collected.serve(&net).await;
        collected.be_silent();
        let running = host(&net, protocol).start().await.unwrap();
        let begin = Instant::now();
        call(&net, &running, "red").await;
        assert!(begin.elapsed() < Duration::from_millis(10), "{:?}", begin.elapsed());
        sleep(Duration::from_secs(5)).await;
        let (ending, took) = end(running).await;
        assert_eq!(ending, Ending::Clean);
        assert!(took <= FLUSH + Duration::from_millis(100), "{took:?}");
        collector.handle().abort();
        let _ending = collector.wait().await;
    }
}

#[tokio::test(start_paused = true)]
async fn open_telemetrys_variables_count_and_kitfoxs_are_stronger() {
    let start = |variables: &[(&'static str, &'static str)]| {
        let environment = Environment::from_iter(variables.iter().copied());
        let host = Host::new("strings").announce(false).environment(environment);
        host.platform(Memory::default().platform()).start()
    };
    let endpoint = ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://collector:4317");
    let protocol = ("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc");
    let headers = ("OTEL_EXPORTER_OTLP_HEADERS", "authorization=Bearer%20open-sesame");
    let stronger = ("KITFOX_OTLP_ENDPOINT", "http://other:4317");
    let running = start(&[endpoint, protocol, headers, stronger]).await.unwrap();
    let shown: Vec<_> = running.configuration().entries().collect();
    let entry = |name| shown.iter().find(|entry| entry.key.name == name).unwrap();
    assert_eq!(entry("otlp.endpoint").value, "http://other:4317");
    assert_eq!(entry("otlp.protocol").origin.to_string(), "variable OTEL_EXPORTER_OTLP_PROTOCOL");
    assert_eq!(entry("otlp.headers").value, "[secret]");
    let _ending = end(running).await;

    for (bad, hint) in [
        (("OTEL_EXPORTER_OTLP_PROTOCOL", "http/json"), "`http` or `grpc`"),
        (("OTEL_EXPORTER_OTLP_ENDPOINT", "http://me:open-sesame@collector"), "without user"),
        (("OTEL_EXPORTER_OTLP_HEADERS", "open-sesame"), "headers such as"),
        (("KITFOX_OTLP_SIGNALS", "profiles"), "`traces`, `logs` and `metrics`"),
        (("KITFOX_OTLP_METRICS_INTERVAL", "0s"), "zero leaves no time"),
        (("KITFOX_OTLP_ENDPOINT", "ftp://collector"), "scheme must be http or https"),
    ] {
        let Err(HostError::Config(error)) = start(&[bad]).await else { panic!("{bad:?}") };
        let said = error.to_string();
        assert!(said.contains(hint) && said.contains(bad.0), "{said}");
        assert!(!said.contains("open-sesame"), "{said}");
    }
    let path = ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://collector/otlp");
    let Err(HostError::Config(error)) = start(&[path, protocol]).await else { panic!() };
    assert!(error.to_string().contains("paths of its own"), "{error}");
}
