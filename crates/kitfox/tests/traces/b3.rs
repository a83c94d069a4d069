//! b3 on every wire: read where there is nothing else, written where it is asked for.

use kitfox::Streaming;
use kitfox::config::Environment;
use kitfox::{B3, Context, Host, HttpChannel, HttpVersion, Protocol, TraceContext};
use strings::{
    CountRequest, CountResponse, JoinResponse, Strings, StringsClient, StringsError, StringsServer,
    UppercaseRequest, UppercaseResponse, Word, WordsRequest,
};

use crate::support::memory::Memory;

/// Answers with the headers of a trace that came, and with the trace that was read.
struct Mirror;

fn seen(cx: &Context) -> String {
    let names = ["traceparent", "b3", "x-b3-traceid", "x-b3-spanid", "x-b3-sampled"];
    let headers = names.iter().filter_map(|name| cx.metadata().text(name));
    let trace = cx.trace().map(|trace| trace.to_string());
    headers.map(str::to_owned).chain(trace).collect::<Vec<_>>().join(" ")
}

impl Strings for Mirror {
    async fn uppercase(
        &self,
        cx: &Context,
        _: UppercaseRequest,
    ) -> Result<UppercaseResponse, StringsError> {
        Ok(UppercaseResponse { text: seen(cx) })
    }

    async fn count(&self, _: &Context, _: CountRequest) -> Result<CountResponse, StringsError> {
        Err(StringsError::Empty)
    }

    async fn words(
        &self,
        cx: &Context,
        _: WordsRequest,
    ) -> Result<Streaming<Word, StringsError>, StringsError> {
        Ok(Streaming::of([Word { text: seen(cx) }]))
    }

    async fn join(&self, _: &Context, _: Streaming<Word>) -> Result<JoinResponse, StringsError> {
        Err(StringsError::Empty)
    }

    async fn chat(
        &self,
        _: &Context,
        words: Streaming<Word>,
    ) -> Result<Streaming<Word, StringsError>, StringsError> {
        drop(words);
        Err(StringsError::Empty)
    }
}

const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
const SPAN: &str = "00f067aa0ba902b7";

#[tokio::test(start_paused = true)]
async fn it_goes_over_every_wire_beside_the_traceparent_and_counts_without_it() {
    let net = Memory::default();
    let host = Host::new("mirror")
        .serve(StringsServer::new(Mirror))
        .platform(net.platform())
        .environment(Environment::default())
        .announce(false)
        .unrecorded();
    let host = host.start().await.unwrap();
    let w3c = format!("00-{TRACE}-{SPAN}-01");
    let trace: TraceContext = w3c.parse().unwrap();
    let single = format!("{TRACE}-{SPAN}-1");
    let ways = [
        (Protocol::Connect, HttpVersion::Http1),
        (Protocol::Connect, HttpVersion::Http2),
        (Protocol::Grpc, HttpVersion::Http2),
        (Protocol::GrpcWeb, HttpVersion::Http1),
    ];
    for (protocol, http) in ways {
        let client = |b3: Option<B3>| {
            let channel = HttpChannel::builder(format!("http://{}", host.address()));
            let channel = channel.protocol(protocol).http(http).platform(net.platform());
            let channel = b3.into_iter().fold(channel, kitfox::HttpChannelBuilder::b3);
            StringsClient::new(&channel.build().unwrap())
        };
        let traced = Context::background().with_trace(trace.clone());
        for (b3, expected) in [
            (None, format!("{w3c} {w3c}")),
            (Some(B3::Single), format!("{w3c} {single} {w3c}")),
            (Some(B3::Multi), format!("{w3c} {TRACE} {SPAN} 1 {w3c}")),
        ] {
            let request = UppercaseRequest { text: String::new() };
            let answer = client(b3).uppercase(&traced, request).await.unwrap();
            assert_eq!(answer.text, expected, "{protocol:?} over {http:?}");
        }
        // A caller that knows no W3C.
        for headers in [
            &[("b3", single.as_str())][..],
            &[("x-b3-traceid", TRACE), ("x-b3-spanid", SPAN), ("x-b3-sampled", "1")],
        ] {
            let add =
                |cx: Context, (name, value): &(&str, &str)| cx.with_header(name, value).unwrap();
            let cx = headers.iter().fold(Context::background(), add);
            let request = WordsRequest { text: String::new() };
            let mut words = client(None).words(&cx, request).await.unwrap();
            let word = words.try_next().await.unwrap().unwrap().text;
            assert!(word.ends_with(&w3c), "{protocol:?} over {http:?}: {word}");
        }
    }
}
