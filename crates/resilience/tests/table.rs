//! What holds of every layer, and that the tables of `docs/RESILIENCE.md` name what there is.

use std::any::Any;
use std::collections::{BTreeMap, BTreeSet};
use std::future::Future;
use std::path::Path;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures_util::StreamExt;
use kitfox_core::contract::{Idempotency as Kind, Method, Shape};
use kitfox_core::message::Codec;
use kitfox_core::meter::Measure;
use kitfox_core::platform::{Random, Tcp};
use kitfox_core::record::{Edge, Observer, Recorder, Side};
use kitfox_core::{
    BoxEndpoint, Context, Endpoint, Error, Incoming, Layer, MessageStream, Payload, Platform,
    Reply, Request,
};
use kitfox_resilience::{
    Breaker, BreakerSettings, Budget, BudgetSettings, Concurrency, ConcurrencySettings,
    DeadlineSettings, Deadlines, Glance, Hedge, HedgeSettings, Idempotency, IdempotencySettings,
    Live, Mode, Owner, RateLimit, RateLimitSettings, Retry, RetrySettings, SheddingSettings,
};
use tokio::time::timeout;

static METHOD: Method = Method {
    shape: Shape::ServerStream,
    idempotency: Kind::Safe,
    ..Method::unary("test.v1.Test", "Watch", "/test.v1.Test/Watch")
};

static ONCE: Method = Method::unary("test.v1.Test", "Put", "/test.v1.Test/Put");

/// Every layer around `inner`, but idempotency, which is for other methods: with its defaults, or on.
fn layers(inner: &BoxEndpoint, on: bool) -> Vec<(&'static str, BoxEndpoint)> {
    fn live<S: Default + Glance>(on: bool, mode: fn(&mut S) -> &mut Mode) -> Live<S> {
        let mut settings = S::default();
        if on {
            *mode(&mut settings) = Mode::On;
        }
        Live::new(settings)
    }
    fn around(layer: &impl Layer<BoxEndpoint>, inner: &BoxEndpoint) -> BoxEndpoint {
        BoxEndpoint::new(layer.layer(&METHOD, inner.clone()))
    }
    let owner = &Owner::stack("clients.test");
    let budget =
        Budget::new(live(on, |settings: &mut BudgetSettings| &mut settings.mode)).of(owner);
    let retry = live(on, |settings: &mut RetrySettings| &mut settings.mode);
    let hedge = live(on, |settings: &mut HedgeSettings| &mut settings.mode);
    let breaker = live(on, |settings: &mut BreakerSettings| &mut settings.mode);
    let rate_limit = live(on, |settings: &mut RateLimitSettings| &mut settings.mode);
    let concurrency = live(on, |settings: &mut ConcurrencySettings| &mut settings.mode);
    let shedding = live(on, |settings: &mut SheddingSettings| &mut settings.mode);
    let deadline = live(on, |settings: &mut DeadlineSettings| &mut settings.mode);
    let deadlines = Deadlines::new(deadline).of(owner);
    vec![
        ("total deadline", around(&deadlines.total(), inner)),
        ("attempt deadline", around(&deadlines.attempt(), inner)),
        ("budget", around(&budget, inner)),
        ("retry", around(&Retry::new(retry, budget.clone()).of(owner), inner)),
        ("hedge", around(&Hedge::new(hedge, budget).of(owner), inner)),
        ("breaker", around(&Breaker::new(breaker).of(owner), inner)),
        ("rate limit", around(&RateLimit::new(rate_limit).of(owner), inner)),
        ("concurrency", around(&Concurrency::new(concurrency, shedding).of(owner), inner)),
    ]
}

/// Counts itself as long as it is there.
struct Alive(Arc<AtomicU32>);

impl Alive {
    fn new(count: &Arc<AtomicU32>) -> Self {
        count.fetch_add(1, Ordering::Relaxed);
        Alive(Arc::clone(count))
    }
}

impl Drop for Alive {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// An endpoint that never answers.
struct Hanging(Arc<AtomicU32>);

impl Endpoint for Hanging {
    async fn call(&self, _: Request) -> Result<Reply, Error> {
        let _alive = Alive::new(&self.0);
        std::future::pending().await
    }
}

/// An endpoint that answers with three messages.
struct Streaming(Arc<AtomicU32>);

impl Endpoint for Streaming {
    fn call(&self, _: Request) -> impl Future<Output = Result<Reply, Error>> + Send {
        let alive = Alive::new(&self.0);
        let messages = futures_util::stream::iter(["1", "2", "3"]).map(move |message| {
            let _ = &alive;
            Ok(message.into())
        });
        let payload = Payload::stream(Codec::Json, MessageStream::new(messages));
        async { Ok(Reply::new(payload)) }
    }
}

async fn call(endpoint: &BoxEndpoint) -> Result<Reply, Error> {
    call_in(&Context::background(), endpoint).await
}

async fn call_in(context: &Context, endpoint: &BoxEndpoint) -> Result<Reply, Error> {
    let payload = Payload::unary(Codec::Json, "{}".into());
    endpoint.call(Request::new(context.clone(), payload)).await
}

/// Keeps the measures that it is told.
#[derive(Clone, Default)]
struct Told(Arc<Mutex<Vec<Measure>>>);

impl Observer for Told {
    fn method(&self, _: Side, _: &'static Method) -> Box<dyn Recorder> {
        unreachable!("no layer records")
    }

    fn edge(&self, _: &Edge<'_>) {}

    fn measure(&self, measure: Measure) {
        self.0.lock().expect("no test panicked").push(measure);
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}

#[tokio::test(start_paused = true)]
async fn every_layer_drops_what_is_below_when_its_caller_leaves() {
    for on in [false, true] {
        let alive = Arc::<AtomicU32>::default();
        for (layer, endpoint) in layers(&BoxEndpoint::new(Hanging(Arc::clone(&alive))), on) {
            let ended = timeout(Duration::from_secs(1), call(&endpoint)).await;
            assert!(ended.is_err(), "{layer}");
            assert_eq!(alive.load(Ordering::Relaxed), 0, "{layer}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn every_layer_drops_a_stream_that_nobody_reads_to_its_end() {
    for on in [false, true] {
        let alive = Arc::<AtomicU32>::default();
        for (layer, endpoint) in layers(&BoxEndpoint::new(Streaming(Arc::clone(&alive))), on) {
            let reply = call(&endpoint).await.expect(layer);
            let mut stream = reply.into_parts().0.into_stream();
            assert!(stream.next().await.is_some(), "{layer}");
            assert_eq!(alive.load(Ordering::Relaxed), 1, "{layer}");
            drop(stream);
            assert_eq!(alive.load(Ordering::Relaxed), 0, "{layer}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn every_layer_with_its_defaults_lets_answers_pass_as_they_are_also_when_it_is_gone() {
    let alive = Arc::<AtomicU32>::default();
    for (layer, endpoint) in layers(&BoxEndpoint::new(Streaming(alive)), false) {
        for _ in 0..100 {
            call(&endpoint).await.expect(layer);
        }
        let reply = call(&endpoint).await.expect(layer);
        drop(endpoint);
        let messages: Vec<_> = reply.into_parts().0.into_stream().collect().await;
        let messages: Vec<_> = messages.into_iter().map(|message| message.expect(layer)).collect();
        assert_eq!(messages, ["1", "2", "3"], "{layer}");
    }
}

#[tokio::test(start_paused = true)]
async fn the_table_of_measures_is_what_layers_tell_of_their_owner() {
    let (platform, told) = (Platform::new(Tcp, Random::seeded(7)), Told::default());
    platform.observe(Arc::new(told.clone()));
    let context = Context::incoming(Incoming { platform: Some(platform), ..Incoming::default() });
    let inner = BoxEndpoint::new(Streaming(Arc::default()));
    for (layer, endpoint) in layers(&inner, true) {
        call_in(&context, &endpoint).await.expect(layer);
    }
    let idempotency = Idempotency::new(Live::<IdempotencySettings>::default());
    let once = BoxEndpoint::new(idempotency.of(&Owner::stack("clients.test")).layer(&ONCE, inner));
    context.begin_idempotency_key("7");
    call_in(&context, &once).await.expect("it is done");

    let mut rows = BTreeMap::<_, (BTreeSet<_>, BTreeSet<_>)>::new();
    for Measure { name, labels, .. } in &*told.0.lock().unwrap() {
        let (names, decisions) = rows.entry(format!("`{name}`")).or_default();
        for (label, value) in labels {
            match *label {
                "stack" => assert_eq!(value, "clients.test", "{name}"),
                "decision" => drop(decisions.insert(format!("`{value}`"))),
                _ => {}
            }
            names.insert(format!("`{label}`"));
        }
        assert!(names.remove("`stack`"), "whose is {name}?");
    }
    let docs = docs();
    let table = docs.split("## What is counted").nth(1).expect("the table has its heading");
    let table = table.split("\n## ").next().expect("it ends");
    let cells = |row: &str| row.trim_matches('|').split('|').map(set).collect::<Vec<_>>();
    let shown = table.lines().filter(|line| line.starts_with("| `")).map(cells);
    let counted = rows
        .into_iter()
        .map(|(name, (labels, decisions))| vec![BTreeSet::from([name]), labels, decisions]);
    assert_eq!(shown.collect::<BTreeSet<_>>(), counted.collect::<BTreeSet<_>>());
}

/// The words of a cell.
fn set(cell: &str) -> BTreeSet<String> {
    cell.split([',', ' ']).filter(|word| !word.is_empty()).map(str::to_owned).collect()
}

fn docs() -> String {
    let docs = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/RESILIENCE.md");
    std::fs::read_to_string(docs).expect("it is there")
}

#[test]
fn every_cell_of_the_table_names_tests_that_there_are() {
    let crate_ = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut sources = String::new();
    for folder in ["src", "tests"] {
        read(&crate_.join(folder), &mut sources);
    }
    let docs = docs();
    let table = docs.split("## What becomes of a call").nth(1).expect("the table has its heading");
    let rows: Vec<_> = table.lines().filter(|line| line.starts_with("| **")).collect();
    assert!(rows.len() >= 8, "a row for each layer");
    for row in rows {
        for cell in row.trim_matches('|').split('|').skip(1) {
            let tests: Vec<_> = cell.split('`').skip(1).step_by(2).collect();
            assert!(!tests.is_empty(), "a cell without a test: {row}");
            for test in tests {
                assert!(sources.contains(&format!("fn {test}()")), "no test `{test}`");
            }
        }
    }
}

fn read(folder: &Path, into: &mut String) {
    for entry in std::fs::read_dir(folder).expect("a folder of the crate") {
        let path = entry.expect("an entry of it").path();
        if path.is_dir() {
            read(&path, into);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            *into += &std::fs::read_to_string(&path).expect("a source of the crate");
        }
    }
}
