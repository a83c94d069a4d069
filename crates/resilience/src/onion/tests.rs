//! The short way and the long one do the same.

use std::any::Any;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use futures_util::StreamExt;
use kitfox_core::layers::{Deadline, Recording};
use kitfox_core::message::Codec;
use kitfox_core::platform::{Random, Tcp};
use kitfox_core::record::{Edge, Observer, Record, Recorder, Side, Ticket};
use kitfox_core::{
    Code, Context, Error, Incoming, MessageStream, Origin, Payload, Platform, Recovery,
};
use tokio::time::{Instant, advance, timeout};

use super::*;
use crate::testing::{
    IDEMPOTENT, METHOD, SAFE, STREAM, endpoint, reason, reply, request, unavailable,
};
use crate::{
    BreakerForce, BreakerScope, BreakerSettings, BreakerWindow, DeadlineSettings, Live, Mode,
};

/// What the service does with the attempt of this number.
type Service = fn(usize) -> Act;

enum Act {
    Answer,
    Stream,
    Fail(Error),
    Hang,
}

/// One client, whose calls go the one way or the other.
struct Rig {
    layers: ClientLayers,
    endpoint: BoxEndpoint,
    attempts: Arc<AtomicUsize>,
    records: Records,
    context: Context,
}

/// The records of a client's calls, a line each.
#[derive(Clone, Default)]
struct Records(Arc<Mutex<Vec<String>>>);

impl Records {
    fn add(&self, line: String) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(line);
    }

    fn take(&self) -> Vec<String> {
        std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Observer for Records {
    fn method(&self, _: Side, _: &'static Method) -> Box<dyn Recorder> {
        Box::new(self.clone())
    }

    fn edge(&self, _: &Edge<'_>) {}

    fn as_any(&self) -> &dyn Any {
        self
    }
}

impl Recorder for Records {
    fn begin(&self, context: &Context, _: Instant) -> Ticket {
        let stage = context.stage();
        self.add(format!("begun {stage:?}"));
        Ticket(7)
    }

    fn end(&self, record: &Record<'_>) {
        let (ending, code, layer) = (record.ending(), record.code(), record.layer());
        let Record { ticket, nanos, received, sent, .. } = record;
        self.add(format!("{ticket:?} {ending:?} {code:?} {layer:?} {nanos} {received:?} {sent:?}"));
    }
}

#[derive(Clone, Copy, PartialEq)]
enum Road {
    Short,
    Long,
}

const ROADS: [Road; 2] = [Road::Short, Road::Long];

impl Rig {
    fn new(road: Road, recorded: bool, method: &'static Method, service: Service) -> Self {
        let breaker = BreakerSettings { consecutive: 12, ..Default::default() };
        Rig::behind(breaker, road, recorded, method, service)
    }

    fn behind(
        breaker: BreakerSettings,
        road: Road,
        recorded: bool,
        method: &'static Method,
        service: Service,
    ) -> Self {
        let attempts = Arc::new(AtomicUsize::new(0));
        let counter = Arc::clone(&attempts);
        let send = endpoint(move |_| {
            let act = service(counter.fetch_add(1, Ordering::Relaxed));
            async {
                match act {
                    Act::Answer => Ok(reply()),
                    Act::Stream => {
                        let two = ["{}", "{\"a\":1}"].map(|message| Ok(message.into()));
                        let messages = MessageStream::new(futures_util::stream::iter(two));
                        Ok(Reply::new(Payload::stream(Codec::Json, messages)))
                    }
                    Act::Fail(error) => Err(error),
                    Act::Hang => std::future::pending().await,
                }
            }
        });
        let deadline = DeadlineSettings { total: Duration::from_secs(2), ..Default::default() };
        let budget = Budget::new(Live::default());
        let layers = ClientLayers {
            deadlines: Deadlines::new(Live::new(deadline)),
            retry: Retry::new(Live::default(), budget.clone()),
            hedge: Hedge::new(Live::default(), budget.clone()),
            breaker: Breaker::new(Live::new(breaker)),
            rate_limit: RateLimit::new(Live::default()),
            budget,
        };
        let endpoint = match (road, recorded) {
            (Road::Short, false) => layers.around(method, send).bare(),
            (Road::Short, true) => layers.around(method, send).recorded(),
            (Road::Long, false) => layers.around_with(method, send, |inner| inner),
            (Road::Long, true) => {
                let endpoint = layers.around_with(method, send, |inner| inner);
                let endpoint = Deadline.layer(method, endpoint);
                BoxEndpoint::new(Recording::client().layer(method, endpoint))
            }
        };
        let platform = Platform::new(Tcp, Random::seeded(7));
        let records = Records::default();
        assert!(platform.observe(Arc::new(records.clone())));
        let platform = Some(platform);
        let context = Context::incoming(Incoming { platform, ..Incoming::default() });
        Rig { layers, endpoint, attempts, records, context }
    }

    /// What became of a call, of the layers and of its record.
    async fn seen(&self, request: Request) -> String {
        let told = match self.endpoint.call(request).await {
            Ok(reply) => {
                let open = self.layers.budget.in_flight();
                let codec = reply.payload().codec();
                let messages = reply.into_parts().0.into_stream();
                let messages: Vec<_> = StreamExt::map(messages, Result::ok).collect().await;
                format!("{codec:?} {messages:?} {open} in flight when it began")
            }
            Err(error) => {
                let (code, recovery, origin) = (error.code(), error.recovery(), error.origin());
                format!("{code:?} {recovery:?} {origin:?} {} {error}", reason(&error))
            }
        };
        format!("{told}\n{}\n{:?}", self.state(), self.records.take())
    }

    fn state(&self) -> String {
        let ClientLayers { budget, retry, breaker, .. } = &self.layers;
        let (made, open) = (self.attempts.load(Ordering::Relaxed), budget.in_flight());
        let [budget, retry, breaker] = [budget.describe(), retry.describe(), breaker.describe()];
        format!("{made} {open}\n{budget}\n{retry}\n{breaker}")
    }

    fn request(&self) -> Request {
        request(&self.context)
    }
}

/// Calls so often, the one way and then the other, and compares what was seen after each. Says what was
/// seen last of a call that is recorded.
async fn same(what: &str, method: &'static Method, service: Service, calls: usize) -> String {
    let mut last = String::new();
    for recorded in [false, true] {
        let mut seen = Vec::new();
        for road in ROADS {
            let rig = Rig::new(road, recorded, method, service);
            let mut all = Vec::new();
            for _ in 0..calls {
                all.push(rig.seen(rig.request()).await);
            }
            assert_eq!(rig.layers.budget.in_flight(), 0, "{what}");
            seen.push(all);
        }
        assert_eq!(seen[0], seen[1], "{what}");
        last = seen[0].pop().unwrap();
    }
    last
}

#[tokio::test(start_paused = true)]
async fn whatever_the_service_does_both_ways_do_the_same() {
    fn no() -> Error {
        Error::new(Code::NotFound, "none").with_origin(Origin::Peer)
    }
    fn unsent() -> Error {
        unavailable().with_recovery(Recovery::NeverProcessed)
    }
    let answered = same("answers", &METHOD, |_| Act::Answer, 3).await;
    assert!(answered.contains("0 in flight") && answered.contains("begun"), "{answered}");
    let streamed = same("answers with a stream", &STREAM, |_| Act::Stream, 3).await;
    assert!(streamed.contains("1 in flight"), "{streamed}");
    same("answers with a stream where one message belongs", &SAFE, |_| Act::Stream, 3).await;
    let said_no = same("says no", &IDEMPOTENT, |_| Act::Fail(no()), 20).await;
    assert!(said_no.starts_with("NotFound"), "{said_no}");
    let second = |attempt| if attempt % 2 == 0 { Act::Fail(unavailable()) } else { Act::Answer };
    let retried = same("fails every other time", &IDEMPOTENT, second, 5).await;
    assert!(retried.contains("5 retried"), "{retried}");
    let second = |attempt| if attempt % 2 == 0 { Act::Fail(unavailable()) } else { Act::Stream };
    for method in [&STREAM, &SAFE] {
        let streamed = same("streams every other time", method, second, 3).await;
        assert!(streamed.contains("1 in flight"), "{streamed}");
    }
    same("fails a call that may not be repeated", &METHOD, |_| Act::Fail(unavailable()), 5).await;
    same("sent nothing", &METHOD, |_| Act::Fail(unsent()), 3).await;
    let exhausted = same("fails", &SAFE, |_| Act::Fail(unavailable()), 3).await;
    assert!(exhausted.contains("Exhausted"), "{exhausted}");
    let refused =
        same("fails until the breaker opens", &SAFE, |_| Act::Fail(unavailable()), 9).await;
    assert!(refused.contains("breaker open"), "{refused}");
    let expired = same("says nothing", &SAFE, |_| Act::Hang, 2).await;
    assert!(expired.starts_with("DeadlineExceeded"), "{expired}");
}

#[tokio::test(start_paused = true)]
async fn whatever_the_breaker_is_set_to_both_ways_do_the_same() {
    fn failing(attempt: usize) -> Act {
        if attempt % 3 == 2 { Act::Answer } else { Act::Fail(unavailable()) }
    }
    let base =
        || BreakerSettings { window: BreakerWindow::Calls(6), least: 3, ..Default::default() };
    let kinds = [
        ("breaker open since", base()),
        ("would have refused it", BreakerSettings { mode: Mode::Dark, ..base() }),
        ("held open", BreakerSettings { force: Some(BreakerForce::Open), ..base() }),
        ("retried", BreakerSettings { force: Some(BreakerForce::Closed), ..base() }),
        ("breaker open since", BreakerSettings { scope: BreakerScope::Method, ..base() }),
        (
            "took 1s or longer",
            BreakerSettings { rate: 0.0, slow: Duration::from_secs(1), ..base() },
        ),
        ("retried", BreakerSettings { mode: Mode::Off, ..base() }),
    ];
    for (expected, breaker) in kinds {
        let service =
            if expected.starts_with("took") { (|_| Act::Hang) as Service } else { failing };
        let mut seen = Vec::new();
        for road in ROADS {
            let rig = Rig::behind(breaker.clone(), road, true, &IDEMPOTENT, service);
            let mut all = String::new();
            for call in 0..12 {
                all += &format!("{}\n", rig.seen(rig.request()).await);
                all += &format!("{:?}\n", rig.context.take_fields());
                // Long enough for a probe now and then.
                advance(Duration::from_secs(if call % 4 == 3 { 6 } else { 0 })).await;
            }
            seen.push(all);
        }
        assert!(seen[0].contains(expected), "{expected}: {}", seen[0]);
        assert_eq!(seen[0], seen[1], "{breaker:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn the_callers_deadline_holds_on_either_way_however_late_it_is() {
    for (method, service) in [(&SAFE, (|_| Act::Hang) as Service), (&STREAM, |_| Act::Hang)] {
        for time in [0, 1, 10, 1_000, 60_000].map(Duration::from_millis) {
            let mut seen = Vec::new();
            for road in ROADS {
                let rig = Rig::new(road, true, method, service);
                let begin = Instant::now();
                let told = rig.seen(request(&rig.context.with_timeout(time))).await;
                seen.push(format!("{told} {:?}", begin.elapsed()));
            }
            assert_eq!(seen[0], seen[1], "{time:?}");
        }
    }
    // What is open when the layer's own deadline comes goes on until the caller's.
    for method in [&SAFE, &STREAM] {
        for road in ROADS {
            let rig = Rig::new(road, true, method, |_| Act::Stream);
            let context = rig.context.with_timeout(Duration::from_secs(60));
            let reply = rig.endpoint.call(request(&context)).await.unwrap();
            let mut messages = reply.into_parts().0.into_stream();
            advance(Duration::from_secs(59)).await;
            assert!(messages.next().await.unwrap().is_ok());
            assert_eq!(messages.deadline(), context.deadline());
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_call_with_too_little_time_left_is_sent_on_neither_way() {
    let mut states = Vec::new();
    for road in ROADS {
        let rig = Rig::new(road, true, &SAFE, |_| Act::Answer);
        let late = rig.context.with_timeout(Duration::from_micros(500));
        let seen = rig.seen(request(&late)).await;
        assert!(seen.contains("NO_TIME_LEFT"), "{seen}");
        assert_eq!(rig.attempts.load(Ordering::Relaxed), 0);
        states.push(rig.state());
    }
    assert_eq!(states[0], states[1]);
}

#[tokio::test(start_paused = true)]
async fn a_call_that_is_dropped_gives_back_what_it_held_on_either_way() {
    let failing = |attempt| if attempt == 0 { Act::Fail(unavailable()) } else { Act::Hang };
    for service in [(|_| Act::Hang) as Service, failing] {
        let mut seen = Vec::new();
        for road in ROADS {
            let rig = Rig::new(road, true, &SAFE, service);
            let call = rig.endpoint.call(rig.request());
            assert!(timeout(Duration::from_secs(1), call).await.is_err());
            advance(Duration::from_secs(1)).await;
            assert_eq!(rig.layers.budget.in_flight(), 0);
            assert!(rig.layers.budget.describe().ends_with("0 in flight now"), "{}", rig.state());
            seen.push((rig.state(), rig.records.take()));
        }
        assert!(seen[0].1[1].contains("Dropped"), "{seen:?}");
        assert_eq!(seen[0], seen[1]);
    }
}

#[tokio::test]
async fn a_call_that_nobody_ever_waited_for_is_not_sent_and_leaves_a_record() {
    for road in ROADS {
        let rig = Rig::new(road, true, &SAFE, |_| Act::Answer);
        drop(rig.endpoint.call(rig.request()));
        let records = rig.records.take();
        assert!(records.len() == 2 && records[1].contains("Dropped"), "{records:?}");
        // The long way makes the futures of all layers at once, and polls none.
        assert!(road == Road::Long || rig.attempts.load(Ordering::Relaxed) == 0);
        assert_eq!(rig.layers.budget.in_flight(), 0);
    }
}

#[tokio::test(start_paused = true)]
async fn a_layer_that_is_switched_on_while_calls_run_has_its_say() {
    let live = Live::<crate::RateLimitSettings>::default();
    let rig = Rig::new(Road::Short, true, &METHOD, |_| Act::Answer);
    let layers = ClientLayers { rate_limit: RateLimit::new(live.clone()), ..rig.layers };
    let endpoint = layers.around(&METHOD, crate::testing::answering()).recorded();
    endpoint.call(request(&rig.context)).await.unwrap();
    live.replace(crate::RateLimitSettings { mode: Mode::On, burst: 1, ..Default::default() });
    endpoint.call(request(&rig.context)).await.unwrap();
    let error = endpoint.call(request(&rig.context)).await.unwrap_err();
    assert_eq!(error.code(), Code::ResourceExhausted);
}
