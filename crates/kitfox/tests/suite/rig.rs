//! What a case runs on: the service, a client of it on one of the ways, and a look behind both.

use std::net::SocketAddr;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::join_all;
use kitfox::config::Environment;
use kitfox::contract::Shape;
use kitfox::transport::Limits;
use kitfox::{
    ChannelLimits, Compression, Context, Host, HttpChannel, Platform, Running, Streaming, layer_fn,
};

use super::meter::Meter;
use super::rest::Rest;
use super::service::{Counted, Item, Puppet, Suite, SuiteClient, SuiteError, SuiteServer};
use super::sockets;
use super::ways::{Form, Way, impossible};
use crate::support::memory::Memory;
use crate::support::witness::Witness;

/// How long a case may take, on however busy a machine. Where time can stand still, that is no time
/// at all.
const LIMIT: Duration = Duration::from_secs(300);

/// The most bytes of a message, at both ends: less than by default, so that more than that is soon
/// sent.
pub(crate) const MESSAGE_BYTES: usize = 256 * 1024;

/// From how many bytes on requests are compressed, where they are.
const PACKED_FROM: usize = 64;

const SHAPES: [Shape; 4] =
    [Shape::Unary, Shape::ServerStream, Shape::ClientStream, Shape::BothStream];

pub(crate) struct Rig {
    pub(crate) way: Way,
    pub(crate) puppet: Puppet,
    pub(crate) client: SuiteClient,
    /// What goes over the client's connections.
    pub(crate) meter: Meter,
    /// Who is told of the calls that the host serves, where it is not the host's own telemetry.
    pub(crate) served: Witness,
    in_flight: Arc<AtomicUsize>,
    // Serves for as long as it is there.
    host: Option<Running>,
}

impl Rig {
    async fn new(way: Way, platform: &Platform) -> Self {
        Rig::with(way, platform, |host| host).await
    }

    /// With a host whose calls [`Rig::served`] witnesses, changed by `change`.
    pub(crate) async fn witnessed(
        way: Way,
        platform: &Platform,
        change: impl FnOnce(Host) -> Host,
    ) -> Self {
        Rig::with(way, platform, |host| change(host.unrecorded())).await
    }

    async fn with(way: Way, platform: &Platform, change: impl FnOnce(Host) -> Host) -> Self {
        let served = Witness::default();
        let puppet = Puppet::default();
        let in_flight = Arc::new(AtomicUsize::new(0));
        let meter = Meter::default();
        if way == Way::Local {
            let client = SuiteClient::local(puppet.clone());
            return Rig { way, puppet, client, meter, served, in_flight, host: None };
        }
        let counter = Arc::clone(&in_flight);
        let counting = layer_fn(move |request, next| {
            let counted = Counted::new(&counter);
            async move {
                let mut reply = next.call(request).await?;
                reply.hold(counted);
                Ok(reply)
            }
        });
        let mut limits = Limits::default();
        limits.body_bytes = MESSAGE_BYTES;
        // On a busy machine nobody is slow on purpose.
        (limits.header_timeout, limits.body_timeout) = (LIMIT, LIMIT);
        (limits.write_timeout, limits.keep_alive) = (LIMIT, LIMIT);
        let apart = platform.apart();
        let host = Host::new("suite")
            .limits(limits)
            .serve(SuiteServer::new(puppet.clone()))
            .layer(counting)
            .platform(apart.clone())
            .environment(Environment::default())
            .listen("127.0.0.1:0")
            .admin("127.0.0.1:0")
            .announce(false);
        let host = change(host).start().await.unwrap();
        // A host that has telemetry of its own does not make way for another.
        apart.observe(Arc::new(served.clone()));
        let client = client(way, host.address(), meter.platform(platform));
        Rig { way, puppet, client, meter, served, in_flight, host: Some(host) }
    }

    /// Where the host listens.
    pub(crate) fn address(&self) -> SocketAddr {
        self.host.as_ref().expect("there is a wire").address()
    }

    /// Whether a method of this shape can be called.
    pub(crate) fn has(&self, shape: Shape) -> bool {
        self.way.has(shape)
    }

    /// The shapes that can be called.
    pub(crate) fn shapes(&self) -> impl Iterator<Item = Shape> {
        let way = self.way;
        SHAPES.into_iter().filter(move |shape| way.has(*shape))
    }

    /// Those whose answer is a stream.
    pub(crate) fn answering(&self) -> impl Iterator<Item = Shape> {
        self.shapes().filter(|shape| shape.streams_out())
    }

    /// Those whose request is a stream.
    pub(crate) fn asking(&self) -> impl Iterator<Item = Shape> {
        self.shapes().filter(|shape| shape.streams_in())
    }

    /// How many calls a layer of the server has under way.
    pub(crate) fn in_flight(&self) -> usize {
        self.in_flight.load(Ordering::SeqCst)
    }

    /// Calls the method of `shape`: many messages in, many out, of which there are fewer where the
    /// shape has one.
    pub(crate) async fn call(
        &self,
        shape: Shape,
        cx: &Context,
        items: Streaming<Item, SuiteError>,
    ) -> Result<Streaming<Item, SuiteError>, SuiteError> {
        call(&self.client, shape, cx, items).await
    }

    /// Calls with `items`, and reads to the end.
    pub(crate) async fn ask<I>(&self, shape: Shape, cx: &Context, items: I) -> Outcome
    where
        I: IntoIterator<Item = Item>,
        I::IntoIter: Send + Unpin + 'static,
    {
        Outcome::of(self.call(shape, cx, Streaming::of(items)).await).await
    }

    /// Waits until nothing of a call is left at the server.
    pub(crate) async fn over(&self) {
        until(|| self.puppet.open() == 0 && self.in_flight() == 0).await;
    }
}

/// Calls the method of `shape` by `client`.
pub(crate) async fn call(
    client: &SuiteClient,
    shape: Shape,
    cx: &Context,
    mut items: Streaming<Item, SuiteError>,
) -> Result<Streaming<Item, SuiteError>, SuiteError> {
    match shape {
        Shape::Unary => {
            let item = items.try_next().await?.expect("a message to send");
            Ok(Streaming::of([client.one(cx, item).await?]))
        }
        Shape::ServerStream => {
            let item = items.try_next().await?.expect("a message to send");
            client.many(cx, item).await
        }
        Shape::ClientStream => Ok(Streaming::of([client.gather(cx, items).await?])),
        Shape::BothStream => client.both(cx, items).await,
    }
}

/// A client of the host at `address`.
fn client(way: Way, address: SocketAddr, platform: Platform) -> SuiteClient {
    match way {
        Way::Local => unreachable!("it has no address"),
        Way::Http { protocol, codec, http, form } => {
            let mut limits = ChannelLimits::default();
            limits.answer_bytes = MESSAGE_BYTES;
            (limits.connect_timeout, limits.keep_alive) = (LIMIT, LIMIT);
            let mut channel = HttpChannel::builder(format!("http://{address}"))
                .protocol(protocol)
                .codec(codec)
                .http(http)
                .get(form == Form::Query)
                .limits(limits)
                .platform(platform);
            if form == Form::Packed {
                channel = channel.compression(Compression::Gzip).compress_from(PACKED_FROM);
            }
            SuiteClient::new(&channel.build().unwrap())
        }
        Way::Rest { http, format } => {
            SuiteClient::new(&Rest { address: address.to_string(), http, format, platform })
        }
    }
}

/// All that came of a call.
#[derive(Debug)]
pub(crate) struct Outcome {
    pub(crate) items: Vec<Item>,
    pub(crate) error: Option<SuiteError>,
}

impl Outcome {
    pub(crate) async fn of(called: Result<Streaming<Item, SuiteError>, SuiteError>) -> Self {
        let mut items = Vec::new();
        let mut stream = match called {
            Ok(stream) => stream,
            Err(error) => return Outcome { items, error: Some(error) },
        };
        let error = loop {
            match stream.try_next().await {
                Ok(Some(item)) => items.push(item),
                Ok(None) => break None,
                Err(error) => break Some(error),
            }
        };
        if error.is_some() {
            assert!(stream.next().await.is_none(), "an error is the last of a stream");
        }
        Outcome { items, error }
    }

    /// What came of a call that must have gone well.
    pub(crate) fn good(self) -> Vec<Item> {
        assert!(self.error.is_none(), "failed after {} items: {:?}", self.items.len(), self.error);
        self.items
    }

    /// Why a call failed that must have failed.
    pub(crate) fn bad(self) -> SuiteError {
        self.error.unwrap_or_else(|| panic!("went well, with {} items", self.items.len()))
    }

    /// The same, where it is no variant of the service.
    pub(crate) fn failure(self) -> kitfox::Error {
        match self.bad() {
            SuiteError::Call(error) => error,
            variant => panic!("{variant:?} is an answer of the service"),
        }
    }
}

/// Waits until something holds.
pub(crate) async fn until(holds: impl Fn() -> bool) {
    while !holds() {
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
}

/// Waits until a number stays as it is, and gives it.
pub(crate) async fn settled(number: impl Fn() -> usize) -> usize {
    loop {
        let before = number();
        tokio::time::sleep(Duration::from_millis(100)).await;
        if number() == before {
            return before;
        }
    }
}

pub(crate) async fn over_memory(name: &str, case: impl AsyncFn(&Rig)) {
    over(name, case, async |way| Rig::new(way, &Memory::default().platform()).await).await;
}

pub(crate) async fn over_sockets(name: &str, case: impl AsyncFn(&Rig)) {
    over(name, case, async |way| Rig::new(way, &sockets::platform()).await).await;
}

/// Runs a case on every way at once, and fails with the names of those where it does not hold.
pub(crate) async fn over(name: &str, case: impl AsyncFn(&Rig), rig: impl AsyncFn(Way) -> Rig) {
    let ways = Way::all().into_iter().filter(|way| impossible(name, *way).is_none());
    let runs = ways.map(async |way| {
        let rig = rig(way).await;
        let run = AssertUnwindSafe(tokio::time::timeout(LIMIT, case(&rig))).catch_unwind().await;
        match run {
            Ok(Ok(())) => None,
            Ok(Err(_)) => Some(format!("{way}: does not come to an end")),
            Err(panic) => {
                let text = panic.downcast_ref::<String>().map(String::as_str);
                let text = text.or_else(|| panic.downcast_ref::<&str>().copied());
                Some(format!("{way}: {}", text.unwrap_or("panicked")))
            }
        }
    });
    let failed: Vec<_> = join_all(runs).await.into_iter().flatten().collect();
    assert!(failed.is_empty(), "{name} does not hold\n  {}", failed.join("\n  "));
}
