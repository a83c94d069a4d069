//! `/readyz`, for people as for probes.

use http::StatusCode;
use serde_json::json;

use super::index::phase;
use super::page::{Block, Cell, Page};
use super::registered;
use crate::host::readiness::Verdict;
use crate::host::standings::Stands;

/// `/readyz`
pub(super) fn page(verdict: &Verdict, standings: &[Stands]) -> Page {
    let rows = verdict.checks.iter().map(|check| {
        let state = match &check.failure {
            None => Cell::good("holds"),
            Some(why) => Cell::bad(why.clone()),
        };
        vec![Cell::plain(check.name.clone()), state]
    });
    let table = Block::Table {
        heads: &["check", "state"],
        rows: rows.collect(),
        empty: "No checks are registered: Host::check adds one.",
    };
    let ready = if verdict.is_ready() { Cell::good("yes") } else { Cell::bad("no") };
    let facts = Block::Facts(vec![("ready", ready), ("phase", phase(verdict.phase))]);
    let checks = verdict.checks.iter();
    let checks = checks.map(|it| json!({ "name": it.name, "failure": it.failure }));
    let json = json!({
        "ready": verdict.is_ready(),
        "phase": format!("{:?}", verdict.phase).to_lowercase(),
        "checks": checks.collect::<Vec<_>>(),
        "registered": registered::json(standings),
    });
    let blocks = [facts, table].into_iter().chain(registered::table(standings));
    let mut page = Page::new("readyz", blocks.collect(), json);
    if !verdict.is_ready() {
        page.status = StatusCode::SERVICE_UNAVAILABLE;
    }
    page
}
