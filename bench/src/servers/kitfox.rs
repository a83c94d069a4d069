//! The service of `examples/strings`, served by Kitfox: every wire on one port, with its error path,
//! deadline and limits. Only the ports are the bench's own, and a second service beside it, which
//! streams what the first one does. How much of its onion there is beside is an [`Onion`].

use bench_common::messages::REPEATED;
use bench_common::{Failure, While};
use futures_util::{StreamExt, stream};
use kitfox::{Context, Host, Streaming};
use strings::{Service, StringsError, StringsServer, UppercaseRequest, UppercaseResponse};

use crate::load::Wire;

/// What is around the methods, each one with what those before it have.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Onion {
    /// The wires, with deadline, panic barrier and limits; nothing is recorded.
    Wires,
    /// Each call is recorded: its metrics, its identifiers, its place among those in flight.
    Metrics,
    /// Each has a line of JSON on standard output.
    Lines,
    /// A host with its default settings and a collector: one in a hundred has a span.
    Record,
    /// Each has a span.
    Traced,
    /// As [`Record`](Self::Record), and what is off by default decides about each call, too: both
    /// rate limits and the limit of calls at the same time.
    Protected,
}

impl Onion {
    pub(crate) const ALL: [Self; 6] =
        [Self::Wires, Self::Metrics, Self::Lines, Self::Record, Self::Traced, Self::Protected];

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Wires => "kitfox",
            Self::Metrics => "kitfox-metrics",
            Self::Lines => "kitfox-lines",
            Self::Record => "kitfox-record",
            Self::Traced => "kitfox-traced",
            Self::Protected => "kitfox-protected",
        }
    }

    /// As tables have it.
    pub(crate) fn title(self, wire: Wire) -> &'static str {
        match (self, wire) {
            (Self::Wires, Wire::Json) => "Kitfox, JSON",
            (Self::Wires, Wire::Grpc) => "Kitfox, gRPC",
            (Self::Wires, Wire::Connect) => "Kitfox, Connect",
            (Self::Wires, Wire::Lines) => "Kitfox, JSON lines",
            (Self::Metrics, _) => "Kitfox, with metrics",
            (Self::Lines, _) => "Kitfox, with a line each",
            (Self::Record, _) => "Kitfox, with 1 % traced",
            (Self::Traced, _) => "Kitfox, with all traced",
            (Self::Protected, _) => "Kitfox, all layers on",
        }
    }

    /// Whether spans are sent to a collector.
    pub(super) fn is_exported(self) -> bool {
        matches!(self, Self::Record | Self::Traced | Self::Protected)
    }

    fn around(self, host: Host) -> Host {
        match self {
            Self::Wires => host.announce(false).unrecorded(),
            Self::Metrics => host.announce(false).set("log.filter", "off").set("traces.sample", 0),
            Self::Lines => host.set("traces.sample", 0),
            Self::Record => exported(host),
            Self::Traced => exported(host).set("traces.sample", 1),
            Self::Protected => protected(exported(host)),
        }
    }
}

/// To the collector that the environment names.
fn exported(host: Host) -> Host {
    host.set("otlp.protocol", "grpc").set("otlp.signals", "traces")
}

/// Within limits that nobody reaches: the layers decide, and let all through.
fn protected(host: Host) -> Host {
    ["rate_limit", "principal_rate_limit"]
        .into_iter()
        .fold(host, |host, limit| {
            host.set(format!("server.{limit}.mode"), "on").set(format!("server.{limit}.rate"), 1e9)
        })
        .set("server.concurrency.mode", "on")
}

pub(super) async fn run(onion: Onion) -> Result<(), Failure> {
    let host = Host::new("strings").listen("127.0.0.1:0").admin("127.0.0.1:0");
    let host = onion.around(host);
    let host = host.serve(StringsServer::new(Service)).serve(StreamsServer::new(Handler));
    let running = host.start().await;
    let running = running.failed_while("starting Kitfox")?;
    println!("http://{}", running.address());
    running.run().await.failed_while("serving with Kitfox")
}

/// `Uppercase` in the three shapes of a stream.
#[kitfox::service(package = "bench.v1")]
trait Streams {
    /// The text in upper case, [`REPEATED`] times.
    async fn repeat(
        &self,
        cx: &Context,
        request: UppercaseRequest,
    ) -> Result<Streaming<UppercaseResponse, StringsError>, StringsError>;

    /// How long the texts are in upper case.
    async fn measure(
        &self,
        cx: &Context,
        texts: Streaming<UppercaseRequest, StringsError>,
    ) -> Result<Measured, StringsError>;

    /// Each text in upper case.
    async fn answer(
        &self,
        cx: &Context,
        texts: Streaming<UppercaseRequest, StringsError>,
    ) -> Result<Streaming<UppercaseResponse, StringsError>, StringsError>;
}

/// How long all texts of a stream are.
#[kitfox::message]
struct Measured {
    bytes: u64,
}

struct Handler;

impl Streams for Handler {
    async fn repeat(
        &self,
        _: &Context,
        request: UppercaseRequest,
    ) -> Result<Streaming<UppercaseResponse, StringsError>, StringsError> {
        let answers = (0..REPEATED).map(move |_| uppercase(&request));
        Ok(Streaming::new(stream::iter(answers)))
    }

    async fn measure(
        &self,
        _: &Context,
        mut texts: Streaming<UppercaseRequest, StringsError>,
    ) -> Result<Measured, StringsError> {
        let mut bytes = 0;
        while let Some(text) = texts.next().await {
            bytes += uppercase(&text?)?.text.len() as u64;
        }
        Ok(Measured { bytes })
    }

    async fn answer(
        &self,
        _: &Context,
        texts: Streaming<UppercaseRequest, StringsError>,
    ) -> Result<Streaming<UppercaseResponse, StringsError>, StringsError> {
        Ok(Streaming::new(texts.map(|text| uppercase(&text?))))
    }
}

fn uppercase(request: &UppercaseRequest) -> Result<UppercaseResponse, StringsError> {
    if request.text.is_empty() {
        return Err(StringsError::Empty);
    }
    Ok(UppercaseResponse { text: request.text.to_uppercase() })
}
