//! `/calls`: the calls in flight, the oldest first.

use kitfox_core::TraceContext;
use kitfox_telemetry::{Call, Telemetry};
use serde_json::{Value, json};
use tokio::time::Instant;

use super::index::span;
use super::page::{Block, Cell, Page};

/// The most calls that are shown.
const MOST: usize = 500;

/// `/calls`
pub(super) fn page(telemetry: Option<&Telemetry>) -> Page {
    let Some(telemetry) = telemetry else {
        let note =
            "This host records no calls, so that nobody knows which are in flight.".to_owned();
        return Page::new("calls", vec![Block::Note(note)], json!({ "calls": [], "total": null }));
    };
    let (calls, now) = (telemetry.calls(), Instant::now());
    let shown = &calls[..calls.len().min(MOST)];
    let mut blocks = vec![Block::Table {
        heads: &["method", "side", "wire", "in", "age", "left", "peer", "trace"],
        rows: shown.iter().map(|call| row(call, now)).collect(),
        empty: "No call is in flight.",
    }];
    if calls.len() > MOST {
        blocks.push(Block::Note(format!("And {} younger ones.", calls.len() - MOST)));
    }
    let json = json!({
        "total": calls.len(),
        "calls": shown.iter().map(|call| entry(call, now)).collect::<Vec<_>>(),
    });
    Page::new("calls", blocks, json)
}

fn row(call: &Call, now: Instant) -> Vec<Cell> {
    let context = &call.context;
    let left = context.deadline().map(|deadline| deadline.saturating_duration_since(now));
    vec![
        Cell::plain(call.method.path.trim_start_matches('/')),
        Cell::faint(call.side.name()),
        Cell::plain(context.wire().name()),
        Cell::plain(place(call)),
        Cell::plain(span(now.saturating_duration_since(call.started))),
        match left {
            None => Cell::faint("no deadline"),
            Some(left) if left.is_zero() => Cell::bad("expired"),
            Some(left) => Cell::plain(span(left)),
        },
        Cell::plain(peer(call).unwrap_or_default()),
        Cell::code(context.trace().as_ref().map(trace).unwrap_or_default()),
    ]
}

fn entry(call: &Call, now: Instant) -> Value {
    let context = &call.context;
    let left = context.deadline().map(|deadline| deadline.saturating_duration_since(now));
    json!({
        "method": call.method.path.trim_start_matches('/'),
        "side": call.side.name(),
        "wire": context.wire().name(),
        "stage": context.stage().name(),
        "layer": context.layer(),
        "ageSeconds": now.saturating_duration_since(call.started).as_secs_f64(),
        "remainingSeconds": left.map(|left| left.as_secs_f64()),
        "peer": peer(call),
        "traceId": context.trace().as_ref().map(trace),
    })
}

/// The layer that it is in, or the place that is none.
fn place(call: &Call) -> &'static str {
    call.context.layer().unwrap_or_else(|| call.context.stage().name())
}

fn peer(call: &Call) -> Option<String> {
    call.context.peer().map(|peer| peer.address().to_string())
}

fn trace(trace: &TraceContext) -> String {
    format!("{:032x}", u128::from_be_bytes(trace.trace_id))
}
