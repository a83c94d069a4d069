//! What each layer says of what it decides: in the error and in the span where it is on, and in the span
//! where it is dark and does nothing.

use std::mem::discriminant;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use kitfox::discovery::{Instance, Memory as Registry};
use kitfox::resilience::Guard;
use kitfox::types::rpc::ErrorInfo;
use kitfox::{
    Code, Context, Criticality, Detail, Error, Origin, Platform, Recovery, Running, ServiceChannel,
};
use tokio::time::sleep;

use super::collector::Collected;
use super::model::{Span, value};
use super::{telemetry, work};
use crate::stacks::service::{
    Amount, Payments, PaymentsClient, PaymentsError, PaymentsServer, host,
};
use crate::support::http::send;
use crate::support::memory::Memory;

/// Where a layer stands.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Place {
    Client,
    Server,
    Guard,
}

impl Place {
    /// Before its keys.
    fn keys(self) -> &'static str {
        match self {
            Place::Client => "clients.payments",
            Place::Server => "server",
            Place::Guard => "guards.bank",
        }
    }
}

/// What becomes of calls of the service, and of the guarded function.
#[derive(Clone, Copy, Debug)]
enum Mood {
    Well,
    Failing,
    /// The first call fails.
    FailingOnce,
    /// In milliseconds.
    Slow(u64),
    /// The first call is.
    SlowOnce(u64),
}

/// What is called so that a layer has something to decide about the last call.
#[derive(Clone, Copy, Debug)]
enum Calls {
    One,
    /// With so many milliseconds left.
    Hurried(u64),
    /// One after the other.
    Two,
    /// The second while the first runs.
    Together,
    /// One that runs, one that waits, and later one that matters little.
    Queue,
    /// Of one key.
    Keyed,
}

/// A row of the table.
struct Row {
    places: &'static [Place],
    /// Its name in keys, with those that are set besides the mode.
    layer: &'static str,
    keys: &'static [(&'static str, &'static str)],
    mood: Mood,
    calls: Calls,
    on: On,
    /// What the span says where it is dark.
    dark: (&'static str, &'static str),
}

/// What a layer does that is on.
enum On {
    /// Ends the call: its name in errors, and its reason, message and advice.
    Ends(&'static str, &'static str, &'static str, Recovery),
    /// Marks the failure: the reason, and what the span says.
    Marks(&'static str, (&'static str, &'static str)),
    /// Lets it be answered: what the span says.
    Helps((&'static str, &'static str)),
}

const LATER: Recovery = Recovery::After(Duration::ZERO);
const OUT: &[Place] = &[Place::Client, Place::Guard];
const ONCE: (&str, &str) = ("retry.mode", "off");

const TABLE: &[Row] = &[
    Row {
        places: OUT,
        layer: "deadline",
        keys: &[("deadline.total", "100ms"), ONCE],
        mood: Mood::Slow(200),
        calls: Calls::One,
        on: On::Ends("deadline", "", "within the 100ms that a call may take", Recovery::No),
        dark: ("deadline", "would have been ended after 100ms"),
    },
    Row {
        places: OUT,
        layer: "deadline",
        keys: &[("deadline.attempt", "100ms"), ONCE],
        mood: Mood::Slow(200),
        calls: Calls::One,
        on: On::Ends("deadline", "", "within the 100ms that an attempt may take", Recovery::Retry),
        dark: ("deadline", "would have been ended after 100ms"),
    },
    Row {
        places: OUT,
        layer: "deadline",
        keys: &[("deadline.least", "10ms")],
        mood: Mood::Well,
        calls: Calls::Hurried(5),
        on: On::Ends("time left", "NO_TIME_LEFT", "worth it from 10ms", Recovery::No),
        dark: ("deadline", "would not have been sent with 5ms left"),
    },
    Row {
        places: OUT,
        layer: "budget",
        keys: &[("budget.share", "0"), ("budget.floor", "0")],
        mood: Mood::FailingOnce,
        calls: Calls::One,
        on: On::Marks("BUDGET_SPENT", ("retry", "are as many as the budget allows")),
        dark: ("budget", "would have denied it: 0 retries for"),
    },
    Row {
        places: OUT,
        layer: "retry",
        keys: &[],
        mood: Mood::Failing,
        calls: Calls::One,
        on: On::Marks("", ("retry", "gave up after 3 attempts")),
        dark: ("retry", "would have been made again after"),
    },
    Row {
        places: OUT,
        layer: "hedge",
        keys: &[("hedge.after", "50ms"), ("hedge.idempotent", "true")],
        mood: Mood::SlowOnce(200),
        calls: Calls::One,
        on: On::Helps(("hedge", "sent after 50ms")),
        dark: ("hedge", "would have been sent after 50ms"),
    },
    Row {
        places: OUT,
        layer: "breaker",
        keys: &[("breaker.consecutive", "1"), ONCE],
        mood: Mood::FailingOnce,
        calls: Calls::Two,
        on: On::Ends("breaker", "BREAKER_OPEN", "1 failures in a row", LATER),
        dark: ("breaker", "would have refused it: breaker open since"),
    },
    Row {
        places: &[Place::Client, Place::Server, Place::Guard],
        layer: "rate_limit",
        keys: &[("rate_limit.rate", "1"), ("rate_limit.burst", "1"), ONCE],
        mood: Mood::Well,
        calls: Calls::Two,
        on: On::Ends("rate limit", "RATE_LIMITED", "1/s, burst 1", LATER),
        dark: ("rate limit", "would have been refused"),
    },
    Row {
        places: &[Place::Server],
        layer: "principal_rate_limit",
        keys: &[("principal_rate_limit.rate", "1"), ("principal_rate_limit.burst", "1"), ONCE],
        mood: Mood::Well,
        calls: Calls::Two,
        on: On::Ends("rate limit", "RATE_LIMITED", "1/s, burst 1", LATER),
        dark: ("rate limit", "would have been refused"),
    },
    Row {
        places: &[Place::Server, Place::Guard],
        layer: "concurrency",
        keys: &[
            ("concurrency.kind", "fixed"),
            ("concurrency.limit", "1"),
            ("concurrency.queue", "0"),
            ONCE,
        ],
        mood: Mood::Slow(100),
        calls: Calls::Together,
        on: On::Ends("concurrency", "QUEUE_FULL", "1 calls run", Recovery::NeverProcessed),
        dark: ("concurrency", "would have waited or been refused"),
    },
    Row {
        places: &[Place::Server, Place::Guard],
        layer: "shedding",
        keys: &[
            ("concurrency.mode", "on"),
            ("concurrency.kind", "fixed"),
            ("concurrency.limit", "1"),
            ("concurrency.wait", "10s"),
            ONCE,
        ],
        mood: Mood::Slow(400),
        calls: Calls::Queue,
        on: On::Ends("shedding", "SHED", "this call matters least", LATER),
        dark: ("shedding", "would have been shed"),
    },
    Row {
        places: &[Place::Server],
        layer: "idempotency",
        keys: &[],
        mood: Mood::Well,
        calls: Calls::Keyed,
        on: On::Ends("idempotency", "KEY_REUSED", "was used for another request", Recovery::No),
        dark: ("idempotency", "would not have been done"),
    },
];

/// What is called: a service, or a function within a guard.
#[derive(Clone)]
struct Bank {
    mood: Mood,
    calls: Arc<AtomicU64>,
}

#[derive(Debug, thiserror::Error)]
#[error("the bank is closed")]
struct Closed;

impl Bank {
    async fn work(&self) -> Result<(), Closed> {
        let first = self.calls.fetch_add(1, Ordering::Relaxed) == 0;
        match self.mood {
            Mood::Failing => return Err(Closed),
            Mood::FailingOnce if first => return Err(Closed),
            Mood::Slow(millis) => sleep(Duration::from_millis(millis)).await,
            Mood::SlowOnce(millis) if first => sleep(Duration::from_millis(millis)).await,
            Mood::Well | Mood::FailingOnce | Mood::SlowOnce(_) => {}
        }
        Ok(())
    }

    async fn answer(&self, request: Amount) -> Result<Amount, PaymentsError> {
        let closed = |_| Error::new(Code::Unavailable, "closed").with_recovery(Recovery::Retry);
        self.work().await.map_err(closed)?;
        Ok(request)
    }
}

impl Payments for Bank {
    async fn quote(&self, _: &Context, request: Amount) -> Result<Amount, PaymentsError> {
        self.answer(request).await
    }

    async fn charge(&self, _: &Context, request: Amount) -> Result<Amount, PaymentsError> {
        self.answer(request).await
    }
}

/// A host with a service, a client of it, and a guard; all its spans are collected.
struct World {
    place: Place,
    bank: Bank,
    net: Memory,
    platform: Platform,
    client: PaymentsClient,
    guard: Guard<Closed>,
    collected: Collected,
    running: Running,
}

impl World {
    async fn of(row: &Row, place: Place, mode: &str) -> Self {
        let (net, registry, collected) = (Memory::default(), Registry::new(), Collected::default());
        let platform = net.platform();
        let bank = Bank { mood: row.mood, calls: Arc::default() };
        let channel = ServiceChannel::builder("payments", &registry).platform(platform.clone());
        let channel = channel.build().unwrap();
        let guard = Guard::new("bank").idempotent();
        let mut host = host(&net, "payments")
            .serve(PaymentsServer::new(bank.clone()))
            .client(&channel)
            .guard(&guard.handle())
            .telemetry(telemetry("payments", 1.0, &platform, &collected))
            .platform(platform.clone())
            .set(format!("{}.{}.mode", place.keys(), row.layer), mode);
        for (key, value) in row.keys {
            // A server has none: that is its client's.
            let place = if (key, value) == (&ONCE.0, &ONCE.1) && place == Place::Server {
                Place::Client
            } else {
                place
            };
            host = host.set(format!("{}.{key}", place.keys()), value);
        }
        let running = host.start().await.unwrap();
        registry.set("payments", [Instance::new(running.address().to_string())]);
        let client = PaymentsClient::new(&channel);
        World { place, bank, net, platform, client, guard, collected, running }
    }

    fn cx(&self) -> Context {
        work(&self.platform)
    }

    async fn call(&self, cx: Context) -> Result<(), Error> {
        if self.place == Place::Guard {
            return self.guard.call(&cx, || self.bank.work()).await.map_err(Error::from);
        }
        self.client.quote(&cx, Amount { cents: 7 }).await.map(drop).map_err(Error::from)
    }

    async fn call_after(&self, millis: u64, criticality: Criticality) -> Result<(), Error> {
        sleep(Duration::from_millis(millis)).await;
        self.call(self.cx().with_criticality(criticality)).await
    }

    /// What became of the last call.
    async fn calls(&self, calls: Calls) -> Result<(), Error> {
        let usual = Criticality::default();
        match calls {
            Calls::One => self.call(self.cx()).await,
            Calls::Hurried(millis) => {
                self.call(self.cx().with_timeout(Duration::from_millis(millis))).await
            }
            Calls::Two => {
                let _any = self.call(self.cx()).await;
                self.call(self.cx()).await
            }
            Calls::Together => {
                let (first, second) =
                    tokio::join!(self.call_after(0, usual), self.call_after(10, usual));
                first.unwrap();
                second
            }
            Calls::Queue => {
                let high = Criticality::CriticalPlus;
                let (first, second, third) = tokio::join!(
                    self.call_after(0, high),
                    self.call_after(10, high),
                    self.call_after(150, Criticality::Sheddable)
                );
                first.and(second).unwrap();
                third
            }
            Calls::Keyed => {
                let cx = self.cx().with_idempotency_key("k");
                self.client.charge(&cx, Amount { cents: 7 }).await.unwrap();
                let other = self.client.charge(&cx, Amount { cents: 8 }).await;
                other.map(drop).map_err(Error::from)
            }
        }
    }

    /// How many decisions of the layer were dark.
    async fn dark(&self, layer: &str) -> f64 {
        let mut admin = self.net.dial(self.running.admin_address()).await.unwrap();
        let page = send(&mut admin, "GET", "/metrics").await.body;
        let layer = layer.strip_prefix("principal_").unwrap_or(layer);
        let family = format!("kitfox_{layer}_decisions_total{{");
        let counted = page.lines().filter(|line| {
            line.starts_with(&family)
                && line.contains(r#"decision="dark""#)
                && line.contains(&format!(r#"stack="{}""#, self.place.keys()))
        });
        counted.map(|line| line.rsplit(' ').next().unwrap().parse::<f64>().unwrap()).sum()
    }

    async fn end(self) -> Vec<Span> {
        self.running.shutdown();
        let _ending = self.running.wait().await;
        self.collected.spans().into_iter().map(|(_, span)| span).collect()
    }
}

/// The only span that says this of its call.
fn said<'a>(spans: &'a [Span], name: &str, what: &str, row: &str) -> &'a Span {
    let says = |span: &&Span| value(&span.attributes, name).is_some_and(|text| text.contains(what));
    let found: Vec<_> = spans.iter().filter(says).collect();
    let all = spans.iter().flat_map(|span| &span.attributes);
    let all: Vec<_> = all.map(|it| (&it.key, it.value.text.as_deref())).collect();
    assert_eq!(found.len(), 1, "{row}: {name} says {what:?} once in {all:?}");
    found[0]
}

fn reason(error: &Error) -> String {
    let info = error.details().iter().find_map(Detail::decode::<ErrorInfo>);
    info.map(|info| info.reason).unwrap_or_default()
}

/// What a caller is told by the layer that ended its call.
fn told(error: &Error, place: Place, on: &On, row: &str) {
    let On::Ends(layer, expected, message, recovery) = on else { unreachable!("it ends the call") };
    let origin = if place == Place::Server { Origin::Peer } else { Origin::Layer(layer) };
    assert_eq!((error.origin(), reason(error).as_str()), (origin, *expected), "{row}");
    assert!(error.message().contains(message), "{row}: {error}");
    assert_eq!(discriminant(&error.recovery()), discriminant(recovery), "{row}: {error:?}");
}

#[tokio::test(start_paused = true)]
async fn every_layer_says_in_error_and_span_what_it_decided() {
    for row in TABLE {
        for place in row.places {
            let name = format!("{} of {place:?}", row.layer);
            let world = World::of(row, *place, "on").await;
            let outcome = world.calls(row.calls).await;
            assert_eq!(world.dark(row.layer).await, 0.0, "{name}");
            let spans = world.end().await;
            match &row.on {
                On::Ends(layer, _, message, _) => {
                    told(&outcome.expect_err(&name), *place, &row.on, &name);
                    let span = said(&spans, "kitfox.decision", message, &name);
                    assert_eq!(value(&span.attributes, "kitfox.layer").unwrap(), *layer, "{name}");
                }
                On::Marks(expected, (layer, note)) => {
                    let error = outcome.expect_err(&name);
                    assert_eq!(error.recovery(), Recovery::Exhausted, "{name}");
                    if *place == Place::Client {
                        assert_eq!(reason(&error), *expected, "{name}");
                        assert!(error.causes().unwrap().contains(note), "{name}: {error:?}");
                    }
                    said(&spans, layer, note, &name);
                }
                On::Helps((layer, note)) => {
                    outcome.expect(&name);
                    said(&spans, layer, note, &name);
                }
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn every_layer_that_is_dark_says_what_it_would_have_done_and_does_nothing() {
    for row in TABLE {
        for place in row.places {
            let name = format!("{} of {place:?}", row.layer);
            let world = World::of(row, *place, "dark").await;
            let outcome = world.calls(row.calls).await;
            if let Mood::Failing = row.mood {
                // As it failed, and nobody tried again.
                assert_eq!(outcome.unwrap_err().recovery(), Recovery::Retry, "{name}");
                assert_eq!(world.bank.calls.load(Ordering::Relaxed), 1, "{name}");
            } else {
                outcome.unwrap_or_else(|error| panic!("{name}: {error:?}"));
            }
            assert_eq!(world.dark(row.layer).await, 1.0, "{name}");
            let spans = world.end().await;
            let (layer, note) = row.dark;
            let span = said(&spans, layer, note, &name);
            assert_eq!(value(&span.attributes, "kitfox.layer"), None, "{name}");
        }
    }
}
