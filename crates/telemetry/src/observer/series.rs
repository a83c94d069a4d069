//! The series of one method on one side, bound before they are used: those of an answer when the
//! method is bound, those of a failure when it first fails so.

use std::borrow::Cow;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use kitfox_core::contract::Route;
use kitfox_core::record::{Edge, Outcome, Record, Side, Volume, Wire};
use kitfox_core::{Code, Method};

use crate::metrics::{Counter, Family, Gauge, Histogram, Metrics, names};

/// How many outcomes there are: an answer, and the codes.
const OUTCOMES: usize = Code::ALL.len() + 1;
const WIRES: usize = 5;

/// The series of one method.
pub(super) struct MethodSeries {
    metrics: Metrics,
    side: Side,
    method: &'static Method,
    scheme: &'static str,
    path: String,
    /// By wire, then by outcome.
    durations: [[OnceLock<Histogram>; OUTCOMES]; WIRES],
    active: OnceLock<Gauge>,
    traffic: OnceLock<[Counter; 4]>,
}

impl MethodSeries {
    pub(super) fn new(
        metrics: &Metrics,
        side: Side,
        method: &'static Method,
        scheme: &'static str,
    ) -> Self {
        MethodSeries {
            metrics: metrics.clone(),
            side,
            method,
            scheme,
            path: method.path.trim_start_matches('/').to_owned(),
            durations: Default::default(),
            active: OnceLock::new(),
            traffic: OnceLock::new(),
        }
    }

    /// Calls under way.
    pub(super) fn active(&self) -> &Gauge {
        self.active.get_or_init(|| {
            let name = match self.side {
                Side::Server => &names::SERVER_ACTIVE,
                Side::Client | Side::Attempt => &names::CLIENT_ACTIVE,
            };
            self.metrics.family(name).gauge(&[("rpc.method", &self.path)])
        })
    }

    /// Adds a call that was answered, and is part of no trace that is recorded.
    #[inline]
    pub(super) fn answered(&self, record: &Record<'_>) {
        let (wire, route) = (record.context.wire(), record.context.route());
        let slot = &self.durations[wire as usize][0];
        match slot.get() {
            Some(durations) if self.is_first(route) => durations.record(seconds(record)),
            _ => self.durations(record).record(seconds(record)),
        }
        self.add_traffic(record);
    }

    /// Adds a call that is over.
    pub(super) fn end(&self, record: &Record<'_>) {
        let (context, durations) = (record.context, self.durations(record));
        match if record.sampled { context.trace() } else { None } {
            Some(trace) => {
                durations.record_with(seconds(record), &trace, record.ended_unix_nanos());
            }
            None => durations.record(seconds(record)),
        }
        self.add_traffic(record);
        if let Some(layer) = record.layer()
            && self.side != Side::Attempt
        {
            self.refused(layer);
        }
    }

    /// What went over the wire. An attempt's is its call's.
    #[inline]
    fn add_traffic(&self, record: &Record<'_>) {
        if self.side == Side::Attempt {
            return;
        }
        let [received, received_bytes, sent, sent_bytes] = self.traffic();
        for (messages, bytes, volume) in
            [(received, received_bytes, record.received), (sent, sent_bytes, record.sent)]
        {
            let Volume { messages: number, bytes: size } = volume;
            messages.add(number);
            bytes.add(size);
        }
    }

    /// Whether a call came by none of the method's routes, or by its first.
    #[inline]
    fn is_first(&self, route: Option<&Route>) -> bool {
        route.is_none_or(|route| {
            self.method.routes.first().is_some_and(|first| std::ptr::eq(first, route))
        })
    }

    fn durations(&self, record: &Record<'_>) -> Cow<'_, Histogram> {
        let (wire, code) = (record.context.wire(), record.code());
        let route = record.context.route();
        // A status of the method's own choice, and a second route, are bound anew each time.
        let own = match record.outcome {
            Outcome::Answered(Some(status)) if wire == Wire::Rest => Some(status),
            _ => None,
        };
        if own.is_some() || !self.is_first(route) {
            return Cow::Owned(self.bind(wire, code, route, own));
        }
        let outcome = code.map_or(0, |code| usize::from(code.grpc()));
        let slot = &self.durations[wire as usize][outcome];
        Cow::Borrowed(slot.get_or_init(|| self.bind(wire, code, route, None)))
    }

    #[cold]
    fn bind(
        &self,
        wire: Wire,
        code: Option<Code>,
        route: Option<&Route>,
        status: Option<u16>,
    ) -> Histogram {
        if let Some(route) = route
            && self.side == Side::Server
        {
            let status = status.or_else(|| code.map(Code::http_status)).unwrap_or(200).to_string();
            let mut labels = vec![
                ("http.request.method", route.verb.name()),
                ("http.response.status_code", &status),
                ("http.route", route.template),
                ("url.scheme", self.scheme),
            ];
            if let Some(code) = code {
                labels.push(("error.type", code.name()));
            }
            return self.family(&names::HTTP_SERVER).histogram(&labels);
        }
        let name = match self.side {
            Side::Server => &names::RPC_SERVER,
            Side::Client => &names::RPC_CLIENT,
            Side::Attempt => &names::RPC_ATTEMPT,
        };
        self.family(name).histogram(&self.labels(wire, code))
    }

    /// Of a call, or of an attempt at one.
    fn labels(&self, wire: Wire, code: Option<Code>) -> Vec<(&'static str, &str)> {
        let status = code.map_or("ok", Code::name);
        let mut labels = vec![
            ("rpc.method", self.path.as_str()),
            ("rpc.status_code", status),
            ("rpc.system.name", system(wire)),
        ];
        if code.is_some() {
            labels.push(("error.type", status));
        }
        labels
    }

    fn traffic(&self) -> &[Counter; 4] {
        self.traffic.get_or_init(|| {
            let (messages, bytes) = (&names::MESSAGES, &names::BYTES);
            let counter = |name, direction| {
                let labels = [
                    ("direction", direction),
                    ("rpc.method", self.path.as_str()),
                    ("side", self.side.name()),
                ];
                self.metrics.family(name).counter(&labels)
            };
            [
                counter(messages, "received"),
                counter(bytes, "received"),
                counter(messages, "sent"),
                counter(bytes, "sent"),
            ]
        })
    }

    #[cold]
    fn refused(&self, layer: &str) {
        let labels =
            [("layer", layer), ("rpc.method", self.path.as_str()), ("side", self.side.name())];
        self.metrics.family(&names::REFUSED).counter(&labels).increment();
    }

    fn family(&self, name: &names::Name<'_>) -> Family {
        self.metrics.family(name)
    }
}

/// As metrics have durations.
#[inline]
#[expect(clippy::cast_possible_wrap, reason = "no call lasts for 292 years")]
fn seconds(record: &Record<'_>) -> f64 {
    // A signed number becomes a float by one instruction.
    record.nanos as i64 as f64 / 1e9
}

/// The series of what reached no method.
pub(crate) struct EdgeSeries {
    metrics: Metrics,
    scheme: &'static str,
    so_far: AtomicU64,
}

impl EdgeSeries {
    pub(crate) fn new(metrics: Metrics, scheme: &'static str) -> Self {
        EdgeSeries { metrics, scheme, so_far: AtomicU64::new(0) }
    }

    /// Adds a request that reached no method, under one name: what strangers ask for makes no
    /// series. Says how many there were before.
    pub(super) fn record(&self, edge: &Edge<'_>, duration: Duration) -> u64 {
        let Edge { wire, verb, status, error, .. } = *edge;
        let code = error.map_or(Code::Canceled, kitfox_core::Error::code).name();
        let histogram = if wire.is_none_or(|wire| wire == Wire::Rest) {
            let status = status.map_or_else(|| "_OTHER".to_owned(), |status| status.to_string());
            self.metrics.family(&names::HTTP_SERVER).histogram(&[
                ("error.type", code),
                ("http.request.method", known(verb)),
                ("http.response.status_code", &status),
                ("http.route", "_OTHER"),
                ("url.scheme", self.scheme),
            ])
        } else {
            self.metrics.family(&names::RPC_SERVER).histogram(&[
                ("error.type", code),
                ("rpc.method", "_OTHER"),
                ("rpc.status_code", code),
                ("rpc.system.name", system(wire.unwrap_or_default())),
            ])
        };
        histogram.record_duration(duration);
        self.so_far.fetch_add(1, Ordering::Relaxed)
    }
}

/// As OpenTelemetry names what carries calls.
pub(super) fn system(wire: Wire) -> &'static str {
    match wire {
        Wire::Local => "local",
        Wire::Rest => "http",
        Wire::Connect => "connectrpc",
        Wire::Grpc | Wire::GrpcWeb => "grpc",
    }
}

/// A verb that is none is `_OTHER`, as the conventions say.
fn known(verb: &str) -> &str {
    const KNOWN: [&str; 9] =
        ["GET", "HEAD", "POST", "PUT", "DELETE", "CONNECT", "OPTIONS", "TRACE", "PATCH"];
    if KNOWN.contains(&verb) { verb } else { "_OTHER" }
}
