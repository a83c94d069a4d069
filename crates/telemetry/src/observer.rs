//! What becomes of a record: its series, its line, its span.

pub(crate) mod series;
mod span;

use kitfox_core::meter::Measure;
use kitfox_core::record::{Edge, Observer, Record, Recorder, Side, Ticket};
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

impl MethodRecorder {
    fn begin_span(&self, context: &mut Context) {
        let inner = &*self.telemetry.0;
        match self.side {
            Side::Server | Side::Client => {
                let parent = context.parent_trace();
                let span = match context.sampling() {
                    Sampling::ByTrace => inner.sampler.begin(parent, context.random()),
                    wanted => inner.sampler.begin_as(wanted, parent, context.random()),
                };
                let within = match parent {
                    Some(caller) if caller.sampled() && self.side == Side::Client => {
                        traces::entered(caller.span_id)
                    }
                    _ => None,
                };
                match within {
                    Some(within) => context.begin_span_within(span, within.span_id),
                    None => context.begin_span(span),
                }
            }
            Side::Attempt => {
                // Where nothing is recorded, the call's own span is as good a parent.
                if let Some(call) = context.trace().filter(|call| call.sampled()) {
                    let span = inner.sampler.begin(Some(call), context.random());
                    *context = context.with_trace(span);
                }
            }
        }
    }
}

impl Recorder for MethodRecorder {
    fn begin(&self, context: &mut Context) -> Ticket {
        self.begin_span(context);
        if self.side == Side::Attempt {
            return Ticket::default();
        }
        self.series.active().add(1);
        self.telemetry.0.calls.enter(Call {
            context: context.clone(),
            method: self.method,
            side: self.side,
            started: context.started().unwrap_or_else(Instant::now),
        })
    }

    fn end(&self, record: &Record<'_>) {
        let inner = &*self.telemetry.0;
        let clock = record.context.clock();
        let at = clock.unix_nanos(record.ended);
        let took = record.duration();
        self.series.end(record, took, at);
        let traced = self.traced(record);
        if self.side == Side::Attempt {
            return self.write_span(traced, record, &[], at);
        }
        self.series.active().subtract(1);
        inner.calls.leave(record.ticket);
        let access = Access::lasting(self.side, record, took);
        let logs = &inner.logs;
        let logged = logs.enabled_for_calls(access.level())
            && inner.access.logs(&access, record.context.random().next_u64());
        if logged || traced.is_some() {
            let fields = record.context.take_fields();
            if logged {
                self.lines.write(&access, record, &fields, at);
            }
            self.write_span(traced, record, &fields, at);
        }
    }
}

impl MethodRecorder {
    /// Where the span of a call goes, if it is recorded.
    fn traced<'a>(&'a self, record: &'a Record<'_>) -> Option<(&'a Spans, &'a TraceContext)> {
        let spans = self.telemetry.0.spans.as_ref()?;
        let trace = record.context.trace().filter(|trace| trace.sampled())?;
        Some((spans, trace))
    }

    fn write_span(
        &self,
        traced: Option<(&Spans, &TraceContext)>,
        record: &Record<'_>,
        fields: &[RecordField],
        at: u64,
    ) {
        if let Some((spans, trace)) = traced {
            let fields = (fields, self.telemetry.logs().redaction());
            span::write(spans, trace, self.side, self.path, record, fields, at);
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
