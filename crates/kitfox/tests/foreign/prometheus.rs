//! Debian's `prometheus`: `promtool` checks what `/metrics` says, the server scrapes it, and a query
//! over what it scraped answers what was done.

use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use kitfox::{Host, Metrics, Running};
use serde_json::Value;
use strings::{Service, StringsServer};
use tokio::runtime::Runtime;
use tokio::time::Instant;

use super::script::{directory, local};
use super::{JSON, curl, missing, text};

/// How long the server may take to start and to scrape.
const PATIENCE: Duration = Duration::from_secs(60);

/// Ends with the test, whatever becomes of it.
struct Server(Child);

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// What was sold, and how.
#[kitfox::labels]
struct Sale {
    kind: &'static str,
    #[label("shop.region")]
    region: &'static str,
}

/// A host that was called: three texts upper-cased, one refused, a request to nobody, and a metric
/// of the user's own.
fn called(runtime: &Runtime) -> Option<Running> {
    let metrics = Metrics::new();
    let sales = metrics.counter::<Sale>("shop.sales", "What was \"sold\", by kind.").unwrap();
    sales.with(&Sale { kind: "a \"rare\" book", region: "north" }).add(7);
    let weights = metrics.histogram::<()>("shop.weights", "Weights.", "g", &[10.0, 100.0]).unwrap();
    weights.with(&()).record(55.5);
    let host = Host::new("strings").serve(StringsServer::new(Service)).metrics(metrics);
    // Every call is traced, so that there are exemplars.
    let host = local(host).set("traces.sample", 1);
    let running = runtime.block_on(host.start()).expect("the host starts");
    let base = format!("http://{}", running.address());
    let url = format!("{base}/v1/uppercase");
    for (body, status) in [("one", 200), ("two", 200), ("three", 200), ("", 400)] {
        let body = format!("{{\"text\":\"{body}\"}}");
        let (answered, _) = curl(&url, &[JSON[0], JSON[1], "-d", &body])?;
        assert_eq!(answered, status);
    }
    assert_eq!(curl(&format!("{base}/nowhere"), &[])?.0, 404);
    Some(running)
}

/// `/metrics` as Prometheus or OpenMetrics.
fn metrics(running: &Running, accept: &str) -> Option<String> {
    let url = format!("http://{}/metrics", running.admin_address());
    let (status, text) = curl(&url, &["-H", &format!("accept: {accept}")])?;
    assert_eq!(status, 200);
    Some(text)
}

#[test]
fn promtool_has_nothing_to_say_against_the_metrics() {
    use std::io::Write;

    let runtime = Runtime::new().expect("a runtime");
    let Some(running) = called(&runtime) else { return };
    let Some(said) = metrics(&running, "text/plain") else { return };
    assert!(said.contains("http_server_request_duration_seconds_bucket{"), "{said}");
    let mut command = Command::new("promtool");
    command.args(["check", "metrics"]).stdin(Stdio::piped());
    let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn();
    let mut child = match child {
        Ok(child) => child,
        Err(why) => return missing("promtool".as_ref(), &why.to_string()).unwrap_or_default(),
    };
    child.stdin.take().expect("it is piped").write_all(said.as_bytes()).expect("it reads");
    let output = child.wait_with_output().expect("it ends");
    let judged = format!("{}{}", text(&output.stdout), text(&output.stderr));
    assert!(output.status.success() && judged.trim().is_empty(), "{judged}\n{said}");
}

/// Starts a server of its own that scrapes `running` every second; its address.
fn scraping(directory: &Path, running: &Running) -> Option<(Server, String)> {
    let free = TcpListener::bind("127.0.0.1:0").expect("a port").local_addr().expect("bound");
    let configuration = format!(
        "global:\n  scrape_interval: 1s\nscrape_configs:\n  - job_name: kitfox\n    \
         static_configs:\n      - targets: ['{}']\n",
        running.admin_address()
    );
    let file = directory.join("prometheus.yml");
    std::fs::write(&file, configuration).expect("a directory of our own");
    let started = Command::new("prometheus")
        .arg(format!("--config.file={}", file.display()))
        .arg(format!("--storage.tsdb.path={}", directory.join("data").display()))
        .arg(format!("--web.listen-address={free}"))
        .arg("--enable-feature=exemplar-storage")
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn();
    match started {
        Ok(child) => Some((Server(child), format!("http://{free}"))),
        Err(why) => missing("prometheus".as_ref(), &why.to_string()),
    }
}

/// Asks until there is something, with a limit.
fn ask(runtime: &Runtime, url: &str, arguments: &[&str], holds: impl Fn(&Value) -> bool) -> Value {
    let end = Instant::now() + PATIENCE;
    loop {
        // Its port may not be open yet.
        let mut all = vec!["-s", "-m", "5", "-G", url];
        all.extend_from_slice(arguments);
        let said = super::run("curl", &all).map(|output| text(&output.stdout)).unwrap_or_default();
        let json: Value = serde_json::from_str(&said).unwrap_or_default();
        if holds(&json["data"]) {
            return json["data"].clone();
        }
        assert!(Instant::now() < end, "{url} {arguments:?}: {said}");
        runtime.block_on(async { tokio::time::sleep(Duration::from_millis(200)).await });
    }
}

#[test]
fn prometheus_scrapes_a_host_and_a_query_answers_rightly() {
    let runtime = Runtime::new().expect("a runtime");
    let Some(running) = called(&runtime) else { return };
    let directory = directory("prometheus");
    let Some((_server, address)) = scraping(&directory, &running) else { return };
    let (queries, exemplars) =
        (format!("{address}/api/v1/query"), format!("{address}/api/v1/query_exemplars"));
    let value = |query: &str| {
        let query = format!("query={query}");
        let arguments = ["--data-urlencode", query.as_str()];
        let there = |data: &Value| data["result"].as_array().is_some_and(|all| !all.is_empty());
        let data = ask(&runtime, &queries, &arguments, there);
        let results = data["result"].as_array().expect("looked at just before");
        assert_eq!(results.len(), 1, "{query}: {data}");
        let value = results[0]["value"][1].as_str().expect("a number in a string");
        value.parse::<f64>().expect("a number")
    };
    let calls = "sum(http_server_request_duration_seconds_count";
    let route = "http_route=\"/v1/uppercase\"";
    let answered =
        format!("{calls}{{{route},http_response_status_code=\"200\",url_scheme=\"http\"}})");
    assert_eq!(value(&answered), 3.0);
    assert_eq!(value(&format!("{calls}{{{route},error_type=\"invalid_argument\"}})")), 1.0);
    assert_eq!(value(&format!("{calls}{{http_route=\"_OTHER\"}})")), 1.0);
    assert_eq!(value("sum(kitfox_server_active_calls)"), 0.0);
    assert_eq!(
        value("sum(shop_sales_total{kind=\"a \\\"rare\\\" book\",shop_region=\"north\"})"),
        7.0
    );
    assert_eq!(value("sum(shop_weights_g_sum)"), 55.5);
    let quantile =
        "histogram_quantile(1, sum by (le) (http_server_request_duration_seconds_bucket))";
    assert!(value(quantile) <= 10.0);

    // It asks for OpenMetrics, which has the traces of calls.
    let query = ["--data-urlencode", "query=http_server_request_duration_seconds_bucket"];
    let times = ["-d", "start=0", "-d", "end=4102444800"];
    let some = |data: &Value| data.as_array().is_some_and(|all| !all.is_empty());
    let found = ask(
        &runtime,
        &exemplars,
        &[query, [times[0], times[1]], [times[2], times[3]]].concat(),
        some,
    );
    let said = metrics(&running, "application/openmetrics-text").expect("curl is there");
    let trace = found[0]["exemplars"][0]["labels"]["trace_id"].as_str().expect("a trace");
    assert!(trace.len() == 32 && said.contains(trace), "{trace} is not in {said}");
    running.shutdown();
    let _ = runtime.block_on(running.wait());
}
