//! The span of a call, or of an attempt at one.

use kitfox_core::record::{Outcome, Record, Side, Wire};
use kitfox_core::{Code, RecordField, TraceContext};

use super::series::system;
use crate::logs::{HIDDEN, Redaction, with_ip};
use crate::traces::{Attributes, Span, SpanKind, Spans};

/// Writes the span of a call that ended so many nanoseconds after the beginning of 1970.
///
/// Names are those of OpenTelemetry's conventions for calls, where they have one; the others begin
/// with `kitfox.`, and fields of user code have their own.
pub(super) fn write(
    spans: &Spans,
    trace: &TraceContext,
    side: Side,
    method: &'static str,
    record: &Record<'_>,
    fields: (&[RecordField], &Redaction),
    ended: u64,
) {
    let cx = record.context;
    let span = Span {
        trace,
        parent: cx.parent_span(),
        remote: side == Side::Server,
        name: method,
        kind: if side == Side::Server { SpanKind::Server } else { SpanKind::Client },
        start: ended.saturating_sub(record.nanos),
        end: ended,
        error: failure(side, record),
    };
    spans.write(&span, |attributes| {
        attributes.text("rpc.system.name", system(cx.wire()));
        attributes.text("rpc.method", method);
        ending(attributes, record);
        if let Some(peer) = cx.peer() {
            let address = peer.address();
            with_ip(address.ip(), |ip| attributes.text("network.peer.address", ip));
            attributes.number("network.peer.port", address.port().into());
        }
        if side == Side::Attempt || cx.attempt() > 1 {
            attributes.number("kitfox.attempt", cx.attempt().into());
        }
        if let Some(principal) = cx.principal() {
            attributes.text("user.id", principal.name());
        }
        volumes(attributes, record);
        let (fields, redaction) = fields;
        for RecordField { name, value } in fields {
            attributes.text(name, if redaction.hides_known(name) { HIDDEN } else { value });
        }
    });
}

/// Its code or status, and the layer that decided it.
fn ending(attributes: &mut Attributes<'_, '_>, record: &Record<'_>) {
    let code = record.code();
    if let Some(route) = record.context.route() {
        let own = match record.outcome {
            Outcome::Answered(status) => status,
            _ => None,
        };
        let status = own.or_else(|| code.map(Code::http_status)).unwrap_or(200);
        attributes.text("http.request.method", route.verb.name());
        attributes.text("http.route", route.template);
        attributes.number("http.response.status_code", status.into());
    } else if record.context.wire() != Wire::Rest {
        attributes.text("rpc.status_code", code.map_or("ok", Code::name));
    }
    let Some(code) = code else { return };
    attributes.text("error.type", code.name());
    attributes.text("kitfox.ending", record.ending().name());
    if let Some((layer, error)) = record.layer().zip(record.error()) {
        attributes.text("kitfox.layer", layer);
        attributes.text("kitfox.decision", error.message());
    }
}

fn volumes(attributes: &mut Attributes<'_, '_>, record: &Record<'_>) {
    let (received, sent) = (record.received, record.sent);
    attributes.number("kitfox.received.messages", received.messages);
    attributes.number("kitfox.received.bytes", received.bytes);
    attributes.number("kitfox.sent.messages", sent.messages);
    attributes.number("kitfox.sent.bytes", sent.bytes);
}

/// Why a span counts as failed. On a server what its caller did wrong is no failure, as the
/// conventions have it.
fn failure<'a>(side: Side, record: &Record<'a>) -> Option<&'a str> {
    let code = record.code()?;
    let servers = matches!(
        code,
        Code::Unknown
            | Code::DeadlineExceeded
            | Code::Unimplemented
            | Code::Internal
            | Code::Unavailable
            | Code::DataLoss
    );
    if side == Side::Server && !servers {
        return None;
    }
    Some(match record.outcome {
        Outcome::Failed(error) => error.message(),
        _ => "",
    })
}
