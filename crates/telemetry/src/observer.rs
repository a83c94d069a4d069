//! What becomes of a record: its series, its line, its span.

pub(crate) mod series;
mod span;

use kitfox_core::meter::Measure;
use kitfox_core::record::{Edge, Observer, Outcome, Record, Recorder, Side, Ticket};
use kitfox_core::{Context, Method, RecordField, Sampling, TraceContext};
use tokio::time::Instant;
use tracing::Level;

use crate::Telemetry;
use crate::inflight::Call;
use crate::logs::{Access, CallLines};
use crate::traces::{self, Spans};
use series::MethodSeries;

impl Observer for Telemetry {
    fn method(&self, side: Side, method: &'static Method) -> Box<dyn Recorder> {
        let series = MethodSeries::new(self.metrics(), side, method, self.0.scheme);
        let lines = self.logs().calls(side, method);
        let path = method.path.trim_start_matches('/');
        Box::new(MethodRecorder { telemetry: self.clone(), side, method, path, series, lines })
    }

    fn edge(&self, edge: &Edge<'_>) {
        self.record_edge(edge);
    }

    fn measure(&self, measure: Measure) {
        self.metrics().measure(&measure);
    }

    fn as_any(&self) -> &dyn std::any::Any {
        self
    }
}

/// Records the calls of one method on one side.
struct MethodRecorder {
    telemetry: Telemetry,
    side: Side,
    method: &'static Method,
    /// `strings.v1.Strings/Uppercase`.
    path: &'static str,
    series: MethodSeries,
    lines: CallLines,
}

impl Recorder for MethodRecorder {
    fn begin(&self, context: &Context, started: Instant) -> Ticket {
        self.begin_span(context);
        self.series.active().add(1);
        self.telemetry.0.calls.enter(Call {
            context: context.clone(),
            method: self.method,
            side: self.side,
            started,
        })
    }

    fn attempt_span(&self, context: &Context) -> Option<TraceContext> {
        let call = context.trace()?;
        Some(self.telemetry.0.sampler.begin(Some(&call), context.random()))
    }

    fn end(&self, record: &Record<'_>) {
        // Nearly all calls: nobody asks more of them than to be counted.
        if let (Outcome::Answered(None), false) = (record.outcome, record.sampled) {
            self.series.answered(record);
            if self.side == Side::Attempt {
                return;
            }
            self.leave(record);
            let access = &self.telemetry.0.access;
            if self.side == Side::Client && !access.clients && !access.is_slow(record.nanos) {
                return;
            }
            return self.tell(record, None);
        }
        self.end_otherwise(record);
    }
}

impl MethodRecorder {
    /// A call failed, has a status of its own, or is part of a trace that is recorded.
    #[cold]
    fn end_otherwise(&self, record: &Record<'_>) {
        self.series.end(record);
        let traced = if record.sampled { self.traced(record) } else { None };
        if self.side == Side::Attempt {
            if traced.is_some() {
                self.write_span(traced, record, &[], record.ended_unix_nanos());
            }
            return;
        }
        self.leave(record);
        self.tell(record, traced);
    }

    /// It is under way no longer.
    #[inline]
    fn leave(&self, record: &Record<'_>) {
        self.series.active().subtract(1);
        self.telemetry.0.calls.leave(record.ticket);
    }

    /// Writes what is to be written of it.
    fn tell(&self, record: &Record<'_>, traced: Option<(&Spans, TraceContext)>) {
        let inner = &*self.telemetry.0;
        let access = Access::of(self.side, record);
        let logged = inner.logs.enabled_for_calls(access.level())
            && inner.access.logs(&access, || record.context.random().next_u64());
        if logged || traced.is_some() {
            let (fields, at) = (record.context.take_fields(), record.ended_unix_nanos());
            if logged {
                self.lines.write(&access, record, &fields, at);
            }
            self.write_span(traced, record, &fields, at);
        }
    }

    fn begin_span(&self, context: &Context) {
        let sampler = &self.telemetry.0.sampler;
        let parent = context.parent_trace();
        let span = match context.sampling() {
            Sampling::ByTrace => sampler.begin(parent, context.random()),
            wanted => sampler.begin_as(wanted, parent, context.random()),
        };
        let within = match parent {
            Some(caller) if caller.sampled() && self.side == Side::Client => {
                traces::entered(caller.span_id).map(|within| within.span_id)
            }
            _ => None,
        };
        context.begin_span(span, within);
    }

    /// Where the span of a call goes that is sampled.
    #[cold]
    fn traced(&self, record: &Record<'_>) -> Option<(&Spans, TraceContext)> {
        let spans = self.telemetry.0.spans.as_ref()?;
        Some((spans, record.context.trace()?))
    }

    fn write_span(
        &self,
        traced: Option<(&Spans, TraceContext)>,
        record: &Record<'_>,
        fields: &[RecordField],
        at: u64,
    ) {
        if let Some((spans, trace)) = traced {
            let fields = (fields, self.telemetry.logs().redaction());
            span::write(spans, &trace, self.side, self.path, record, fields, at);
        }
    }
}

impl Telemetry {
    /// What reached no method is its sender's doing, and logged as what callers did wrong is.
    #[cold]
    fn record_edge(&self, edge: &Edge<'_>) {
        let inner = &*self.0;
        let duration = edge.started.map(|started| started.elapsed());
        let before = inner.edges.record(edge, duration.unwrap_or_default());
        if inner.logs.enabled_for_calls(Level::INFO) && inner.access.logs_edge(before) {
            inner.logs.edge(edge, duration, inner.logs.now());
        }
    }
}
