//! A trace that goes over several wires is one tree, and what is logged on the way is in it.

use std::collections::HashMap;

use kitfox::config::Environment;
use kitfox::platform::Random;
use kitfox::record::Side;
use kitfox::{
    Context, Host, HttpChannel, HttpVersion, Platform, Protocol, Running, Streaming, layer_fn,
};
use strings::{
    CountRequest, CountResponse, JoinResponse, Service, Strings, StringsClient, StringsError,
    StringsServer, UppercaseRequest, UppercaseResponse, Word, WordsRequest,
};
use tokio::time::Instant;
use tracing::{Instrument, info, info_span};
use tracing_subscriber::layer::SubscriberExt;

use super::collector::Collected;
use super::model::{LogRecord, Span, hex, value};
use super::{telemetry, work};
use crate::support::http::read;
use crate::support::memory::Memory;

/// The service, told by user code that logs, and tells its work apart.
struct Told<S>(S);

impl<S: Strings + 'static> Strings for Told<S> {
    async fn uppercase(
        &self,
        cx: &Context,
        request: UppercaseRequest,
    ) -> Result<UppercaseResponse, StringsError> {
        info!("before");
        let step = async {
            info!("within");
            self.0.uppercase(cx, request).await
        };
        step.instrument(info_span!("step", letters = 3, password = "1234")).await
    }

    async fn count(&self, cx: &Context, it: CountRequest) -> Result<CountResponse, StringsError> {
        self.0.count(cx, it).await
    }

    async fn words(
        &self,
        cx: &Context,
        request: WordsRequest,
    ) -> Result<Streaming<Word, StringsError>, StringsError> {
        let words = self.0.words(cx, request).instrument(info_span!("step")).await?;
        Ok(logged(words))
    }

    async fn join(
        &self,
        cx: &Context,
        words: Streaming<Word>,
    ) -> Result<JoinResponse, StringsError> {
        self.0.join(cx, words).instrument(info_span!("step")).await
    }

    async fn chat(
        &self,
        cx: &Context,
        words: Streaming<Word>,
    ) -> Result<Streaming<Word, StringsError>, StringsError> {
        let words = self.0.chat(cx, words).instrument(info_span!("step")).await?;
        Ok(logged(words))
    }
}

/// A stream that logs each message of another as it goes by.
fn logged(mut words: Streaming<Word, StringsError>) -> Streaming<Word, StringsError> {
    Streaming::produce(async move |answers| {
        while let Some(word) = words.try_next().await? {
            info!(word = word.text, "in the stream");
            answers.send(word).await?;
        }
        Ok(())
    })
}

/// Three services that call each other, and a client of the first: over gRPC, Connect and gRPC-Web.
struct Chain {
    net: Memory,
    collected: Collected,
    client: StringsClient,
    /// Where the client is.
    platform: Platform,
    background: kitfox::telemetry::Background,
    hosts: Vec<Running>,
}

const NAMES: [&str; 3] = ["edge", "gateway", "strings"];

impl Chain {
    async fn start() -> Self {
        let (net, collected) = (Memory::default(), Collected::default());
        let strings = host(NAMES[2], &net, &collected, Told(Service)).await;
        let web = channel(&net, &strings, Protocol::GrpcWeb, HttpVersion::Http1);
        let gateway = Told(StringsClient::new(&web));
        let gateway = host(NAMES[1], &net, &collected, gateway).await;
        let connect = channel(&net, &gateway, Protocol::Connect, HttpVersion::Http2);
        let edge = host(NAMES[0], &net, &collected, Told(StringsClient::new(&connect))).await;
        let grpc = channel(&net, &edge, Protocol::Grpc, HttpVersion::Http2);

        let platform = platform("client", &net);
        let telemetry = telemetry("client", 1.0, &platform, &collected);
        let background = telemetry.start(&platform, Box::new(tokio::io::sink()));
        let client = StringsClient::new(&grpc);
        Chain { net, collected, client, platform, background, hosts: vec![edge, gateway, strings] }
    }

    fn cx(&self) -> Context {
        work(&self.platform)
    }

    /// What everybody left behind.
    async fn end(self) -> Collected {
        for host in self.hosts {
            host.shutdown();
            let _ending = host.wait().await;
        }
        let deadline = Instant::now() + std::time::Duration::from_secs(2);
        assert_eq!(self.background.flush(deadline).await, 0);
        self.collected
    }
}

/// With randomness of its own, so that no two make the same identifiers.
fn platform(name: &str, net: &Memory) -> Platform {
    let seed = name.bytes().fold(0, |seed, byte| seed * 31 + u64::from(byte));
    Platform::new(net.clone(), Random::seeded(seed))
}

async fn host(
    name: &str,
    net: &Memory,
    collected: &Collected,
    service: impl Strings + 'static,
) -> Running {
    let platform = platform(name, net);
    Host::new(name)
        .serve(StringsServer::new(service))
        .telemetry(telemetry(name, 0.0, &platform, collected))
        .platform(platform)
        .environment(Environment::default())
        .listen("127.0.0.1:0")
        .admin("127.0.0.1:0")
        .announce(false)
        .start()
        .await
        .unwrap()
}

fn channel(net: &Memory, to: &Running, protocol: Protocol, http: HttpVersion) -> HttpChannel {
    let channel = HttpChannel::builder(format!("http://{}", to.address()));
    channel.protocol(protocol).http(http).platform(net.platform()).build().unwrap()
}

fn listening() -> tracing::subscriber::DefaultGuard {
    let subscriber = tracing_subscriber::registry().with(kitfox::telemetry::layer());
    tracing::subscriber::set_default(subscriber)
}

/// The spans of one trace, from the root on, as far as each has one child: `(service, name, kind)`.
fn line(spans: &[(String, Span)]) -> Vec<(&str, &str, u32)> {
    let mut children: HashMap<&[u8], Vec<&(String, Span)>> = HashMap::new();
    for span in spans {
        children.entry(&span.1.parent_span_id).or_default().push(span);
        assert_eq!(span.1.trace_id, spans[0].1.trace_id, "one trace");
        assert!(span.1.end >= span.1.start);
    }
    let (mut line, mut parent): (Vec<_>, &[u8]) = (Vec::new(), &[]);
    while let Some(next) = children.remove(parent) {
        let [(service, span)] = next[..] else { panic!("{} children", next.len()) };
        line.push((service.as_str(), span.name.as_str(), span.kind));
        parent = &span.span_id;
    }
    assert!(children.is_empty(), "{} spans have a parent that nobody knows", children.len());
    line
}

/// What [`line`] gives for a call of `method` by way of all: at each service its own span and that of
/// user code, and, but at the last, those of the call to the next and of its one attempt.
fn expected(method: &str, first: &[&'static str]) -> Vec<(&'static str, String, u32)> {
    const SERVER: u32 = 2;
    const CLIENT: u32 = 3;
    let method = format!("strings.v1.Strings/{method}");
    let call = |service| [(service, method.clone(), CLIENT), (service, method.clone(), CLIENT)];
    let mut line: Vec<_> = first.iter().copied().flat_map(call).collect();
    for service in NAMES {
        line.push((service, method.clone(), SERVER));
        line.push((service, "step".to_owned(), 1));
        if service != NAMES[2] {
            line.extend(call(service));
        }
    }
    line
}

fn borrowed<'a>(line: &'a [(&'static str, String, u32)]) -> Vec<(&'a str, &'a str, u32)> {
    line.iter().map(|(service, name, kind)| (*service, name.as_str(), *kind)).collect()
}

#[tokio::test(start_paused = true)]
async fn over_three_wires_it_is_one_tree_and_what_is_logged_is_in_it() {
    let _listening = listening();
    let chain = Chain::start().await;
    let request = UppercaseRequest { text: "fox".to_owned() };
    assert_eq!(chain.client.uppercase(&chain.cx(), request).await.unwrap().text, "FOX");
    let collected = chain.end().await;
    let spans = collected.spans();
    assert_eq!(line(&spans), borrowed(&expected("Uppercase", &["client"])));
    for service in NAMES {
        let of = |kind| {
            let found = spans.iter().find(|(of, span)| of == service && span.kind == kind);
            &found.unwrap().1
        };
        let (call, step) = (of(2), of(1));
        assert_eq!(value(&step.attributes, "letters").unwrap(), "3");
        assert_eq!(value(&step.attributes, "password").unwrap(), "[redacted]");
        for (message, span) in [("before", call), ("within", step)] {
            let records = collected.records();
            let records = records.iter().filter(|(of, record)| {
                of == service && record.body.text.as_deref() == Some(message)
            });
            let records: Vec<_> = records.collect();
            assert_eq!(records.len(), 1, "{service}: {message}");
            assert_eq!(hex(&records[0].1.trace_id), hex(&span.trace_id), "{service}: {message}");
            assert_eq!(hex(&records[0].1.span_id), hex(&span.span_id), "{service}: {message}");
        }
        // Whether the parent is elsewhere is said of each.
        assert_eq!((call.flags, step.flags), (0x301, 0x101));
    }
    for (service, system) in [("edge", "grpc"), ("gateway", "connectrpc"), ("strings", "grpc")] {
        let server = spans.iter().find(|(of, span)| of == service && span.kind == 2).unwrap();
        assert_eq!(value(&server.1.attributes, "rpc.system.name").unwrap(), system);
        assert_eq!(value(&server.1.attributes, "rpc.status_code").unwrap(), "ok");
    }
}

#[tokio::test(start_paused = true)]
async fn a_stream_is_in_its_tree_to_its_end() {
    let _listening = listening();
    for method in ["Words", "Join", "Chat"] {
        let chain = Chain::start().await;
        let words = || Streaming::of(["red", "fox"].map(|text| Word { text: text.to_owned() }));
        let (cx, client) = (chain.cx(), &chain.client);
        match method {
            "Words" => {
                let request = WordsRequest { text: "red fox".to_owned() };
                assert_eq!(count(client.words(&cx, request).await.unwrap()).await, 2);
            }
            "Join" => {
                assert_eq!(client.join(&cx, words()).await.unwrap().text, "red fox");
            }
            _ => assert_eq!(count(client.chat(&cx, words()).await.unwrap()).await, 2),
        }
        let collected = chain.end().await;
        let spans = collected.spans();
        assert_eq!(line(&spans), borrowed(&expected(method, &["client"])), "{method}");
        let records = collected.records();
        for service in NAMES {
            let server = spans.iter().find(|(of, span)| of == service && span.kind == 2).unwrap();
            let name = if method == "Join" { "received" } else { "sent" };
            let name = format!("kitfox.{name}.messages");
            assert_eq!(value(&server.1.attributes, &name).unwrap(), "2", "{service}: {method}");
            let streamed = records.iter().filter(|(of, record)| {
                of == service && record.body.text.as_deref() == Some("in the stream")
            });
            let ids: Vec<_> = streamed.map(|(_, record)| hex(&record.span_id)).collect();
            let logged = if method == "Join" { 0 } else { 2 };
            assert_eq!(ids, vec![hex(&server.1.span_id); logged], "{service}: {method}");
        }
    }
}

async fn count(mut words: Streaming<Word, StringsError>) -> usize {
    let mut count = 0;
    while words.try_next().await.unwrap().is_some() {
        count += 1;
    }
    count
}

#[tokio::test(start_paused = true)]
async fn who_comes_by_rest_brings_a_trace_as_well() {
    use tokio::io::AsyncWriteExt;

    let _listening = listening();
    let chain = Chain::start().await;
    let trace = "4bf92f3577b34da6a3ce929d0e0e4736";
    for header in [
        format!("traceparent: 00-{trace}-00f067aa0ba902b7-01"),
        format!("b3: {trace}-00f067aa0ba902b7-1"),
    ] {
        let mut connection = chain.net.dial(chain.hosts[0].address()).await.unwrap();
        let head = format!(
            "GET /v1/words/red%20fox HTTP/1.1\r\nhost: edge\r\nconnection: close\r\n{header}\r\n\
             tracestate: vendor=1\r\n\r\n"
        );
        connection.write_all(head.as_bytes()).await.unwrap();
        assert_eq!(read(&mut connection).await.status, 200, "{header}");
    }
    let spans = chain.end().await.spans();
    let roots: Vec<_> =
        spans.iter().filter(|(service, span)| service == "edge" && span.kind == 2).collect();
    assert_eq!((roots.len(), spans.len()), (2, 20));
    // What vendors pass along is W3C's, and goes the whole way.
    let marked = spans.iter().filter(|(_, span)| span.trace_state == "vendor=1");
    assert_eq!(marked.count(), 10);
    for (_, root) in roots {
        assert_eq!(hex(&root.trace_id), trace);
        assert_eq!(hex(&root.parent_span_id), "00f067aa0ba902b7");
        assert_eq!(value(&root.attributes, "http.route").unwrap(), "/v1/words/{text}");
        assert_eq!(value(&root.attributes, "http.response.status_code").unwrap(), "200");
        assert_eq!(root.flags, 0x301);
    }
}

#[tokio::test(start_paused = true)]
async fn a_call_within_the_process_has_a_span_and_steps_of_its_own() {
    let _listening = listening();
    let (net, collected) = (Memory::default(), Collected::default());
    let here = platform("edge", &net);
    let background = telemetry("edge", 1.0, &here, &collected);
    let background = background.start(&here, Box::new(tokio::io::sink()));
    let client = StringsClient::local(Told(StringsClient::local(Told(Service))));
    let request = UppercaseRequest { text: "fox".to_owned() };
    assert_eq!(client.uppercase(&work(&here), request).await.unwrap().text, "FOX");
    let _none = background.flush(Instant::now() + std::time::Duration::from_secs(2)).await;

    // The inner call is made while the thread is in the outer one's step, and is part of it; what the
    // inner one logs before its own step is its own, not that step's.
    let (spans, records) = (collected.spans(), collected.records());
    let names: Vec<_> = line(&spans).into_iter().map(|(_, name, _)| name).collect();
    let method = "strings.v1.Strings/Uppercase";
    assert_eq!(names, [method, "step", method, "step"]);
    let logged = |message| {
        let of_it = |record: &&(String, LogRecord)| record.1.body.text.as_deref() == Some(message);
        let records = records.iter().filter(of_it);
        records.map(|(_, record)| hex(&record.span_id)).collect::<Vec<_>>()
    };
    let of = |name| {
        let mut spans: Vec<_> = spans.iter().filter(|(_, span)| span.name == name).collect();
        // Those that are within others end first.
        spans.reverse();
        spans.iter().map(|(_, span)| hex(&span.span_id)).collect::<Vec<_>>()
    };
    assert_eq!(logged("before"), of(method));
    assert_eq!(logged("within"), of("step"));
}

#[tokio::test(start_paused = true)]
async fn a_span_names_the_layer_that_refused_and_what_it_decided() {
    let (net, collected) = (Memory::default(), Collected::default());
    let platform = net.platform();
    let refusing = layer_fn(|_, _| async {
        let why = "50/s, burst 10: ask again in 20 ms";
        Err(kitfox::Error::by_layer("rate_limit", kitfox::Code::ResourceExhausted, why))
    });
    let host = Host::new("strings")
        .serve(StringsServer::new(Service))
        .layer(refusing)
        .telemetry(telemetry("strings", 0.0, &platform, &collected))
        .platform(platform)
        .environment(Environment::default())
        .listen("127.0.0.1:0")
        .admin("127.0.0.1:0")
        .announce(false);
    let host = host.start().await.unwrap();
    let here = net.platform();
    let background = telemetry("client", 1.0, &here, &collected);
    let background = background.start(&here, Box::new(tokio::io::sink()));
    let channel = channel(&net, &host, Protocol::Grpc, HttpVersion::Http2);
    let request = CountRequest { text: "fox".to_owned() };
    StringsClient::new(&channel).count(&work(&here), request).await.unwrap_err();
    host.shutdown();
    let _ending = host.wait().await;
    let _none = background.flush(Instant::now() + std::time::Duration::from_secs(2)).await;

    let spans = collected.spans();
    let server = &spans.iter().find(|(_, span)| span.kind == 2).unwrap().1;
    assert_eq!(value(&server.attributes, "kitfox.layer").unwrap(), "rate_limit");
    let decision = value(&server.attributes, "kitfox.decision").unwrap();
    assert_eq!(decision, "50/s, burst 10: ask again in 20 ms");
    assert_eq!(value(&server.attributes, "kitfox.ending").unwrap(), "refused");
    assert_eq!(value(&server.attributes, "error.type").unwrap(), "resource_exhausted");
    assert!(server.status.is_none(), "its caller did something wrong, not the server");
    let clients: Vec<_> = spans.iter().filter(|(_, span)| span.kind == 3).collect();
    assert_eq!(clients.len(), 2, "{} and {}", Side::Client.name(), Side::Attempt.name());
    for (_, client) in clients {
        let status = client.status.as_ref().unwrap();
        assert_eq!((status.code, status.message.as_str()), (2, decision.as_str()));
    }
}
