//! A host and a client whose calls are witnessed.

use std::sync::Arc;
use std::time::Duration;

use kitfox::contract::Shape;
use kitfox::record::{Ending, Side};
use kitfox::transport::Limits;
use kitfox::{
    BoxEndpoint, Channel, Code, Context, Endpoint, Error, Host, Incoming, Platform, Principal,
    Reply, Request, Streaming, layer_fn,
};

use crate::suite::rig::{Outcome, Rig, call, over, until};
use crate::suite::service::{Item, SuiteClient, SuiteError};
use crate::suite::ways::Way;
use crate::support::memory::Memory;
use crate::support::witness::{End, Seen, Witness};

/// What a call may take at the server.
pub(super) const SERVERS_TIME: Duration = Duration::from_secs(2);

/// The header that has the host's layer refuse a call.
pub(super) const REFUSE: &str = "x-refuse";

/// The header that says who calls.
pub(super) const PRINCIPAL: &str = "x-principal";

pub(super) const ANSWERED: End = (Ending::Answered, None, None);
pub(super) const DROPPED: End = (Ending::Dropped, Some(Code::Canceled), None);
pub(super) const EXPIRED: End = (Ending::Expired, Some(Code::DeadlineExceeded), Some("deadline"));

pub(super) fn failed(code: Code) -> End {
    (Ending::Failed, Some(code), None)
}

/// Runs a case on every way, in memory, where time stands still.
pub(super) async fn everywhere(name: &str, case: impl AsyncFn(&Rig, &Caller)) {
    let on_each = async |rig: &Rig| case(rig, &Caller::default()).await;
    over(name, on_each, async |way| {
        let platform = Memory::default().platform();
        Rig::witnessed(way, &platform, with_layer).await
    })
    .await;
}

/// With a layer that authenticates and refuses, and little time for each call.
fn with_layer(host: Host) -> Host {
    let mut limits = Limits::default();
    (limits.call_timeout, limits.stream_timeout) = (SERVERS_TIME, SERVERS_TIME);
    host.limits(limits).layer(layer_fn(|mut request: Request, next| async move {
        let headers = request.context.metadata();
        if headers.text(REFUSE).is_some() {
            return Err(Error::by_layer("quota", Code::ResourceExhausted, "none is left"));
        }
        if let Some(name) = headers.text(PRINCIPAL) {
            request.context = request.context.with_principal(Principal::new(name));
        }
        next.call(request).await
    }))
}

/// Where calls are made from, and what is known of them there.
pub(super) struct Caller {
    pub(super) made: Witness,
    pub(super) cx: Context,
}

impl Default for Caller {
    fn default() -> Self {
        let (made, platform) = (Witness::default(), Platform::system());
        assert!(platform.observe(Arc::new(made.clone())));
        let incoming = Incoming { platform: Some(platform), ..Incoming::default() };
        Caller { made, cx: Context::incoming(incoming) }
    }
}

/// What both ends were told of one call.
pub(super) struct Told {
    pub(super) served: Seen,
    pub(super) made: Seen,
}

impl Caller {
    /// The records of the one call that was made, once it is over at both ends: exactly one at the
    /// server, one of the call at the client, and one of its attempt where the channel is ours. In
    /// process there is one record of it all, the caller's.
    pub(super) async fn told(&self, rig: &Rig) -> Told {
        let local = rig.way == Way::Local;
        let (served, made) = (usize::from(!local), 1 + attempts(rig.way));
        until(|| rig.served.over() >= served && self.made.over() >= made).await;
        let (served, mut made) = self.all(rig).await;
        if local {
            assert_eq!((served.len(), made.len()), (0, 1), "{served:#?} {made:#?}");
            assert_eq!(made[0].side, Side::Client);
            return Told { served: made[0].clone(), made: made.remove(0) };
        }
        assert_eq!((served.len(), made.len()), (1, 1 + attempts(rig.way)), "{served:#?} {made:#?}");
        assert_eq!(served[0].side, Side::Server);
        let of = |side| made.iter().find(|seen| seen.side == side).cloned();
        let call = of(Side::Client).expect("the call has one");
        // The deadline ends the call around its attempt, which is dropped then.
        if let Some(attempt) = of(Side::Attempt)
            && call.end != EXPIRED
        {
            assert_eq!(call.end, attempt.end);
        }
        Told { served: served[0].clone(), made: call }
    }

    /// All records that there are when nothing more comes.
    pub(super) async fn all(&self, rig: &Rig) -> (Vec<Seen>, Vec<Seen>) {
        tokio::time::sleep(Duration::from_secs(1)).await;
        assert_eq!((rig.served.open(), self.made.open()), (0, 0), "a call is not over");
        assert_eq!(rig.served.take_edges(), [], "it reached its method");
        (rig.served.take(), self.made.take())
    }

    /// Calls with one message, or three of them, and reads to the end.
    pub(super) async fn ask(&self, rig: &Rig, shape: Shape) -> Outcome {
        rig.ask(shape, &self.cx, three()).await
    }
}

/// How many records of attempts a call leaves that is tried once.
pub(super) fn attempts(way: Way) -> usize {
    usize::from(matches!(way, Way::Http { .. }))
}

pub(super) fn three() -> [Item; 3] {
    [1, 2, 3].map(Item::numbered)
}

/// A stream of two messages, and then `end`.
pub(super) fn two_and<Fut>(
    end: impl FnOnce() -> Fut + Send + 'static,
) -> Streaming<Item, SuiteError>
where
    Fut: Future<Output = Result<(), SuiteError>> + Send,
{
    Streaming::produce(async move |items| {
        for number in 1..=2 {
            items.send(Item::numbered(number)).await?;
        }
        // A panic takes along what was sent in the same breath.
        tokio::task::yield_now().await;
        end().await
    })
}

/// A client whose calls go no further than to a layer that refuses them.
pub(super) fn refusing() -> SuiteClient {
    SuiteClient::new(&Refusing)
}

struct Refusing;

impl Channel for Refusing {
    fn endpoint(&self, _: &'static kitfox::Method) -> BoxEndpoint {
        BoxEndpoint::new(Refusing)
    }

    fn codec(&self) -> kitfox::message::Codec {
        kitfox::message::Codec::Protobuf
    }
}

impl Endpoint for Refusing {
    async fn call(&self, _: Request) -> Result<Reply, Error> {
        Err(Error::by_layer("breaker", Code::Unavailable, "open"))
    }
}

/// Calls `client`, and reads to the end.
pub(super) async fn ask(client: &SuiteClient, shape: Shape, cx: &Context) -> Outcome {
    Outcome::of(call(client, shape, cx, Streaming::of(three())).await).await
}
