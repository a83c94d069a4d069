//! The first page: how it stands, and where the rest is.

use std::time::Duration;

use kitfox_core::record::Side;
use kitfox_telemetry::Telemetry;
use kitfox_telemetry::metrics::{Value, names};
use serde_json::{Value as Json, json};

use super::Pages;
use super::page::{Block, Cell, Page};
use super::registered;
use crate::host::phase::Phase;
use crate::host::readiness::Verdict;

/// Where everything is.
pub(super) const PAGES: &[(&str, &str)] = &[
    ("/healthz", "whether the process lives"),
    ("/readyz", "whether it wants calls, check by check"),
    ("/calls", "the calls in flight, the oldest first"),
    ("/stack", "the layers around each method"),
    ("/metrics", "what is counted, for Prometheus"),
    ("/log", "which lines are logged, and how to change that"),
    ("/config", "what it runs with, and where each value came from"),
    ("/info", "what it is: version, build, services"),
    ("/openapi.json", "what it offers, for clients of REST"),
    ("/contract.proto", "the same for clients of gRPC and Connect"),
];

/// `/`
pub(super) async fn page(pages: &Pages) -> Page {
    let verdict = pages.readiness.verdict().await;
    let mut facts = vec![("name", Cell::plain(&pages.name))];
    if let Some(version) = &pages.version {
        facts.push(("version", Cell::plain(version)));
    }
    let uptime = pages.started.elapsed();
    facts.push(("up for", Cell::plain(span(uptime))));
    facts.push(("phase", phase(verdict.phase)));
    facts.push(("ready", ready(&verdict).leading_to("/readyz")));
    let standings = pages.standings.now();
    let registered = standings.iter().map(registered::cell);
    facts.extend(registered.map(|cell| ("registered", cell.leading_to("/readyz"))));
    let counts = pages.telemetry.as_ref().map(Counts::of);
    if let Some(Counts { serving, making, answered, failed }) = counts {
        let flight = format!("{serving} served, {making} made");
        facts.push(("in flight", Cell::plain(flight).leading_to("/calls")));
        let calls = format!("{} since the start, {failed} of them failed", answered + failed);
        facts.push(("calls", Cell::plain(calls).leading_to("/metrics")));
    }
    let links = PAGES.iter();
    let links =
        links.map(|(path, what)| vec![Cell::plain(*path).leading_to(path), Cell::plain(*what)]);
    let table =
        Block::Table { heads: &["page", "what it shows"], rows: links.collect(), empty: "" };
    let json = json!({
        "name": pages.name,
        "version": pages.version,
        "uptimeSeconds": uptime.as_secs(),
        "phase": format!("{:?}", verdict.phase).to_lowercase(),
        "ready": verdict.is_ready(),
        "registered": registered::json(&standings),
        "calls": counts.map(Counts::json),
        "pages": PAGES.iter().map(|(path, _)| *path).collect::<Vec<_>>(),
    });
    Page::new("overview", vec![Block::Facts(facts), table], json)
}

/// The same list as text, for whoever asks for a page that is none.
pub(super) fn list() -> String {
    PAGES.iter().map(|(path, what)| format!("{path:<15}  {what}\n")).collect()
}

pub(super) fn phase(phase: Phase) -> Cell {
    match phase {
        Phase::Serving => Cell::good(phase.to_string()),
        _ => Cell::bad(phase.to_string()),
    }
}

fn ready(verdict: &Verdict) -> Cell {
    let failing = verdict.checks.iter().filter(|check| check.failure.is_some());
    let names: Vec<_> = failing.map(|check| check.name.as_str()).collect();
    match (verdict.is_ready(), names.as_slice()) {
        (true, _) => Cell::good("yes"),
        (false, []) => Cell::bad("no"),
        (false, names) => Cell::bad(format!("no: {}", names.join(", "))),
    }
}

/// What is known of calls so far.
#[derive(Clone, Copy)]
struct Counts {
    serving: usize,
    making: usize,
    answered: u64,
    failed: u64,
}

impl Counts {
    fn of(telemetry: &Telemetry) -> Self {
        let calls = telemetry.calls();
        let of = |side| calls.iter().filter(|call| call.side == side).count();
        let mut counts =
            Counts { serving: of(Side::Server), making: of(Side::Client), answered: 0, failed: 0 };
        let served = [names::HTTP_SERVER.name, names::RPC_SERVER.name];
        let families = telemetry.metrics().snapshot().families;
        for family in families.iter().filter(|family| served.contains(&family.name.as_str())) {
            for series in &family.series {
                let Value::Histogram(durations) = &series.value else { continue };
                let number = durations.counts.iter().sum::<u64>();
                let failed = series.labels.iter().any(|(name, _)| name == "error.type");
                *(if failed { &mut counts.failed } else { &mut counts.answered }) += number;
            }
        }
        counts
    }

    fn json(self) -> Json {
        let Counts { serving, making, answered, failed } = self;
        json!({ "serving": serving, "making": making, "answered": answered, "failed": failed })
    }
}

/// A time as people say it: its two largest units.
pub(super) fn span(time: Duration) -> String {
    let seconds = time.as_secs();
    let (days, hours, minutes) = (seconds / 86_400, seconds / 3_600 % 24, seconds / 60 % 60);
    match seconds {
        0 if time < Duration::from_millis(1) => format!("{} µs", time.as_micros()),
        0 => format!("{} ms", time.as_millis()),
        1..10 => format!("{:.1} s", time.as_secs_f64()),
        10..60 => format!("{seconds} s"),
        60..3_600 => format!("{minutes} min {} s", seconds % 60),
        3_600..86_400 => format!("{hours} h {minutes} min"),
        _ => format!("{days} d {hours} h"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_shown_by_their_two_largest_units() {
        for (milliseconds, text) in [
            (0, "0 µs"),
            (999, "999 ms"),
            (1_250, "1.2 s"),
            (59_999, "59 s"),
            (90_000, "1 min 30 s"),
            (3_660_000, "1 h 1 min"),
            (86_400_000 * 9 + 3_600_000, "9 d 1 h"),
        ] {
            assert_eq!(span(Duration::from_millis(milliseconds)), text);
        }
    }
}
