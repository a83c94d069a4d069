//! What a case runs on: the service, a client of it on one of the ways, and a look behind both.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use futures_util::FutureExt;
use kitfox::config::Environment;
use kitfox::contract::Shape;
use kitfox::transport::Limits;
use kitfox::{ChannelLimits, Context, Host, HttpChannel, Platform, Running, Streaming, layer_fn};

use super::service::{Counted, Item, Puppet, Suite, SuiteClient, SuiteError, SuiteServer};
use super::ways::{Way, impossible};
use crate::support::memory::Memory;

/// How long a case may take. Where time can stand still, that is no time at all.
const LIMIT: Duration = Duration::from_secs(50);

/// The most bytes of a message, at both ends: less than by default, so that more than that is soon
/// sent.
pub(super) const MESSAGE_BYTES: usize = 512 * 1024;

pub(super) const SHAPES: [Shape; 4] =
    [Shape::Unary, Shape::ServerStream, Shape::ClientStream, Shape::BothStream];

/// Those whose answer is a stream.
pub(super) const ANSWERING: [Shape; 2] = [Shape::ServerStream, Shape::BothStream];

/// Those whose request is a stream.
pub(super) const ASKING: [Shape; 2] = [Shape::ClientStream, Shape::BothStream];

pub(super) struct Rig {
    pub(super) puppet: Puppet,
    client: SuiteClient,
    in_flight: Arc<AtomicUsize>,
    /// How many bytes may lie between two ends of which one is slow.
    pub(super) slack: usize,
    // Serves for as long as it is there.
    _host: Option<Running>,
}

impl Rig {
    async fn new(way: Way, platform: &Platform, slack: usize) -> Self {
        let puppet = Puppet::default();
        let in_flight = Arc::new(AtomicUsize::new(0));
        let Way::Http { protocol, codec, http } = way else {
            let client = SuiteClient::local(puppet.clone());
            return Rig { puppet, client, in_flight, slack, _host: None };
        };
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
        let host = Host::new("suite")
            .limits(limits)
            .serve(SuiteServer::new(puppet.clone()))
            .layer(counting)
            .platform(platform.apart())
            .environment(Environment::default())
            .listen("127.0.0.1:0")
            .admin("127.0.0.1:0")
            .announce(false);
        let host = host.start().await.unwrap();
        let mut limits = ChannelLimits::default();
        limits.answer_bytes = MESSAGE_BYTES;
        let channel = HttpChannel::builder(format!("http://{}", host.address()))
            .protocol(protocol)
            .codec(codec)
            .http(http)
            .limits(limits)
            .platform(platform.apart());
        let client = SuiteClient::new(&channel.build().unwrap());
        Rig { puppet, client, in_flight, slack, _host: Some(host) }
    }

    /// How many calls a layer of the server has under way.
    pub(super) fn in_flight(&self) -> usize {
        self.in_flight.load(Ordering::SeqCst)
    }

    /// Calls the method of `shape`: many messages in, many out, of which there are fewer where the
    /// shape has one.
    pub(super) async fn call(
        &self,
        shape: Shape,
        cx: &Context,
        mut items: Streaming<Item, SuiteError>,
    ) -> Result<Streaming<Item, SuiteError>, SuiteError> {
        let client = &self.client;
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

    /// Calls with `items`, and reads to the end.
    pub(super) async fn ask<I>(&self, shape: Shape, cx: &Context, items: I) -> Outcome
    where
        I: IntoIterator<Item = Item>,
        I::IntoIter: Send + Unpin + 'static,
    {
        Outcome::of(self.call(shape, cx, Streaming::of(items)).await).await
    }

    /// Waits until nothing of a call is left at the server.
    pub(super) async fn over(&self) {
        until(|| self.puppet.open() == 0 && self.in_flight() == 0).await;
    }
}

/// All that came of a call.
#[derive(Debug)]
pub(super) struct Outcome {
    pub(super) items: Vec<Item>,
    pub(super) error: Option<SuiteError>,
}

impl Outcome {
    pub(super) async fn of(called: Result<Streaming<Item, SuiteError>, SuiteError>) -> Self {
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
    pub(super) fn good(self) -> Vec<Item> {
        assert!(self.error.is_none(), "failed after {} items: {:?}", self.items.len(), self.error);
        self.items
    }

    /// Why a call failed that must have failed.
    pub(super) fn bad(self) -> SuiteError {
        self.error.unwrap_or_else(|| panic!("went well, with {} items", self.items.len()))
    }

    /// The same, where it is no variant of the service.
    pub(super) fn failure(self) -> kitfox::Error {
        match self.bad() {
            SuiteError::Call(error) => error,
            variant => panic!("{variant:?} is an answer of the service"),
        }
    }
}

/// Waits until something holds.
pub(super) async fn until(holds: impl Fn() -> bool) {
    while !holds() {
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
}

/// Waits until a number stays as it is, and gives it.
pub(super) async fn settled(number: impl Fn() -> usize) -> usize {
    loop {
        let before = number();
        tokio::time::sleep(Duration::from_millis(100)).await;
        if number() == before {
            return before;
        }
    }
}

pub(super) async fn over_memory(name: &str, case: impl AsyncFn(&Rig)) {
    over(name, case, || Memory::default().platform(), 3 * MIB).await;
}

pub(super) async fn over_sockets(name: &str, case: impl AsyncFn(&Rig)) {
    // Most of it in the kernel's buffers.
    over(name, case, Platform::system, 12 * MIB).await;
}

const MIB: usize = 1024 * 1024;

/// Runs a case on each way there is, and fails with the names of those where it does not hold.
async fn over(name: &str, case: impl AsyncFn(&Rig), platform: impl Fn() -> Platform, slack: usize) {
    let mut failed = Vec::new();
    for way in Way::ALL {
        if impossible(name, way).is_some() {
            continue;
        }
        let rig = Rig::new(way, &platform(), slack).await;
        let run = AssertUnwindSafe(tokio::time::timeout(LIMIT, case(&rig))).catch_unwind().await;
        match run {
            Ok(Ok(())) => {}
            Ok(Err(_)) => failed.push(format!("{way}: does not come to an end")),
            Err(panic) => {
                let text = panic.downcast_ref::<String>().map(String::as_str);
                let text = text.or_else(|| panic.downcast_ref::<&str>().copied());
                failed.push(format!("{way}: {}", text.unwrap_or("panicked")));
            }
        }
    }
    assert!(failed.is_empty(), "{name} does not hold\n  {}", failed.join("\n  "));
}
