//! A collector of OpenTelemetry reads what a host sends over both protocols: what its debug exporter
//! prints is what was sent.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_core::future::BoxFuture;
use kitfox::config::{Environment, OtlpProtocol};
use kitfox::otlp::Collector;
use kitfox::telemetry::otlp::{Export, ExportSettings, Refused, Resource, Sender, Signal};
use kitfox::telemetry::{Telemetry, TelemetrySettings};
use kitfox::{Host, HttpChannel, Platform, Protocol};
use strings::{
    Service, Strings, StringsClient, StringsServer, UppercaseRequest, Word, WordsRequest,
};
use tokio::time::{sleep, timeout};
use tracing::Level;

use super::{printed, run};
use crate::traces::collector::Collected;
use crate::traces::work;

/// How long it may take to start, and to print.
const PATIENCE: Duration = Duration::from_secs(60);

/// A collector that runs, until it is dropped.
struct Running {
    child: Child,
    printed: PathBuf,
    http: u16,
    grpc: u16,
}

impl Running {
    async fn start(platform: &Platform) -> Self {
        let (http, grpc) = (free_port(platform).await, free_port(platform).await);
        let directory = Path::new(env!("CARGO_TARGET_TMPDIR")).join("collector");
        std::fs::create_dir_all(&directory).unwrap();
        let (config, printed) = (directory.join("config.yaml"), directory.join("printed.txt"));
        std::fs::write(&config, configuration(http, grpc)).unwrap();
        let output = std::fs::File::create(&printed).unwrap();
        let child = Command::new("otelcol")
            .arg("--config")
            .arg(&config)
            .stdout(Stdio::null())
            .stderr(output)
            .spawn()
            .unwrap();
        let running = Running { child, printed, http, grpc };
        for port in [http, grpc] {
            let answers =
                async || platform.net().connect(&format!("127.0.0.1:{port}")).await.is_ok();
            let up = timeout(PATIENCE, async {
                while !answers().await {
                    sleep(Duration::from_millis(50)).await;
                }
            });
            assert!(up.await.is_ok(), "it does not start: {}", running.printed());
        }
        running
    }

    fn printed(&self) -> String {
        std::fs::read_to_string(&self.printed).unwrap()
    }

    /// What it has printed, once it has all these parts.
    async fn prints(&self, parts: &[String]) -> String {
        let has_all = |text: &str| parts.iter().all(|part| text.contains(part.as_str()));
        let all = timeout(PATIENCE, async {
            loop {
                let text = self.printed();
                if has_all(&text) {
                    return text;
                }
                sleep(Duration::from_millis(50)).await;
            }
        });
        all.await.unwrap_or_else(|_| {
            let text = self.printed();
            let missing = parts.iter().find(|part| !text.contains(part.as_str()));
            panic!("this was sent:\n{}\nand this printed:\n{text}", missing.unwrap());
        })
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn configuration(http: u16, grpc: u16) -> String {
    let pipelines: String = Signal::ALL
        .iter()
        .map(|it| format!("    {}: {{receivers: [otlp], exporters: [debug]}}\n", it.name()))
        .collect();
    format!(
        "receivers:\n  otlp:\n    protocols:\n      http: {{endpoint: \"127.0.0.1:{http}\"}}\n      \
         grpc: {{endpoint: \"127.0.0.1:{grpc}\"}}\nexporters:\n  debug: {{verbosity: detailed}}\n\
         service:\n  telemetry:\n    metrics: {{level: none}}\n  pipelines:\n{pipelines}"
    )
}

/// Nobody else takes it in the moment until the collector does, or the test fails and says so.
async fn free_port(platform: &Platform) -> u16 {
    let listener = platform.net().listen(([127, 0, 0, 1], 0).into()).await.unwrap();
    listener.local_address().unwrap().port()
}

/// Keeps what the other takes.
struct Kept {
    collected: Collected,
    sender: Arc<dyn Sender>,
}

impl Sender for Kept {
    fn send(&self, signal: Signal, request: Bytes) -> BoxFuture<'_, Result<Bytes, Refused>> {
        Box::pin(async move {
            let answer = self.sender.send(signal, request.clone()).await?;
            self.collected.take(signal, request);
            Ok(answer)
        })
    }
}

/// A host that is called, logs, counts, and ends; everything that it sent.
async fn send(endpoint: String, protocol: OtlpProtocol) -> Collected {
    let (platform, collected) = (Platform::system(), Collected::default());
    let collector = Collector::new(endpoint.parse().unwrap()).protocol(protocol);
    let kept = Kept { collected: collected.clone(), sender: collector.sender(&platform).unwrap() };
    let resource = Resource::new("strings", platform.random()).with("service.version", "1.2.3");
    let telemetry = Telemetry::new(TelemetrySettings {
        sample: 1.0,
        export: Some(Export::new(ExportSettings::new(resource), kept)),
        ..TelemetrySettings::default()
    });
    let host = Host::new("strings")
        .serve(StringsServer::new(Service))
        .telemetry(telemetry.clone())
        .platform(platform.clone())
        .environment(Environment::default())
        .listen("127.0.0.1:0")
        .admin("127.0.0.1:0")
        // The clock is a real one, and the machine may have much else to do.
        .set("drain.flush", "30s")
        .set("drain.grace", "60s")
        .announce(false);
    let host = host.start().await.unwrap();
    let channel = HttpChannel::builder(format!("http://{}", host.address()));
    let client = StringsClient::new(&channel.protocol(Protocol::Grpc).build().unwrap());
    let cx = work(&platform);
    for (text, good) in [("straße", true), ("", false)] {
        let request = UppercaseRequest { text: text.to_owned() };
        assert_eq!(client.uppercase(&cx, request).await.is_ok(), good);
    }
    let request = WordsRequest { text: "red fox".to_owned() };
    let mut words = client.words(&cx, request).await.unwrap();
    while let Some(Word { .. }) = words.try_next().await.unwrap() {}

    let logs = telemetry.logs();
    logs.line(Level::WARN, logs.now(), "strings", |line| {
        line.message("sold out: \u{1f98a}");
        line.text("shelf", "größe \"7\"");
        line.integer("left", -1);
        line.float("share", 0.25);
        line.boolean("open", false);
    });
    let orders = telemetry.metrics().counter::<()>("shop.orders", "Orders.").unwrap();
    orders.with(&()).add(7);
    telemetry.metrics().observe("shop.doors", "Open doors.", &(), || 2.5).unwrap();
    host.shutdown();
    let _ending = host.wait().await;
    collected
}

#[test]
fn a_collector_prints_what_was_sent_over_both_protocols() {
    if run("otelcol", &["--version"]).is_none() {
        return;
    }
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        let collector = Running::start(&Platform::system()).await;
        let (mut spans, mut records, mut metrics) = (0, 0, 0);
        for (protocol, port) in
            [(OtlpProtocol::Http, collector.http), (OtlpProtocol::Grpc, collector.grpc)]
        {
            let sent = send(format!("http://127.0.0.1:{port}"), protocol).await;
            let (sent_spans, sent_records) = (sent.spans(), sent.records());
            let sent_metrics: Vec<_> = sent.metrics().into_iter().flatten().collect();
            // Of each of three calls its server's, its client's, and that of its attempt.
            assert_eq!(sent_spans.len(), 9, "{protocol:?}");
            assert!(sent_records.len() >= 4, "{protocol:?}");
            for name in ["rpc.server.call.duration", "shop.orders", "shop.doors"] {
                assert!(sent_metrics.iter().any(|metric| metric.name == name), "{name}");
            }
            let mut parts: Vec<_> = sent_spans.iter().map(|it| printed::span(&it.1)).collect();
            parts.extend(sent_records.iter().map(|it| printed::record(&it.1)));
            parts.extend(sent_metrics.iter().map(printed::metric));
            parts.extend(
                sent.resources().iter().map(|it| printed::attributes("Resource attributes:", it)),
            );
            let text = collector.prints(&parts).await;

            spans += sent_spans.len();
            records += sent_records.len();
            metrics += sent_metrics.len();
            for (what, number) in
                [("\nSpan #", spans), ("\nLogRecord #", records), ("\nMetric #", metrics)]
            {
                assert_eq!(text.matches(what).count(), number, "{protocol:?}:{what}");
            }
        }
    });
}
