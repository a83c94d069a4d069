//! `/config`: what the host runs with, and `POST /reload`, which reads it again.

use http::StatusCode;
use serde_json::{Value as Json, json};
use tokio::time::Instant;

use super::Pages;
use super::index::span;
use super::log::Who;
use super::page::{Block, Cell, Page};
use crate::config::Origin;
use crate::host::reload::Last;

/// `/config`
pub(super) fn page(pages: &Pages, authority: &str) -> Page {
    let configuration = &pages.configuration;
    let rows = configuration.entries().map(|entry| {
        let value = match (entry.key.secret, entry.origin) {
            (true, _) => Cell::faint(entry.value),
            (false, _) => Cell::code(entry.value),
        };
        let origin = match entry.origin {
            Origin::Default => Cell::faint("default"),
            other => Cell::plain(other.to_string()),
        };
        // In the middle of a page a sentence's code is no more than its words.
        let docs = entry.key.docs.replace('`', "");
        vec![Cell::plain(entry.key.name), value, origin, Cell::faint(docs)]
    });
    let json = configuration.entries().map(|entry| {
        json!({
            "key": entry.key.name,
            "value": entry.value,
            "origin": entry.origin.to_string(),
            "variable": entry.key.variable,
            "secret": entry.key.secret,
        })
    });
    let last = pages.reloader.last();
    let json = json!({ "keys": json.collect::<Vec<_>>(), "reload": last.as_ref().map(last_json) });
    let heads = &["key", "value", "from", "what it does"];
    let table = Block::Table { heads, rows: rows.collect(), empty: "" };
    let hint = Block::Note(format!(
        "What layers are set to is on /stack, and is read again by: curl -X POST \
         '{authority}/reload'. The rest takes a new process."
    ));
    let blocks = last.iter().map(|last| Block::Facts(facts(last)));
    Page::new("config", blocks.chain([table, hint]).collect(), json)
}

/// What became of the configuration the last time that it was read again.
fn facts(last: &Last) -> Vec<(&'static str, Cell)> {
    let Last { at, by, end } = last;
    let ago = span(Instant::now().saturating_duration_since(*at));
    let when = |what| (what, Cell::plain(format!("{ago} ago, by {by}")));
    match end {
        Err(error) => {
            let mut facts = vec![when("not read again")];
            let problem =
                |problem: &crate::config::Problem| ("why", Cell::bad(problem.to_string()));
            facts.extend(error.problems().iter().map(problem));
            facts.push(("in force", Cell::plain("what was before")));
            facts
        }
        Ok(reloaded) if reloaded.needs_restart.is_empty() => vec![when("read again")],
        Ok(reloaded) => {
            let keys = reloaded.needs_restart.join(", ");
            vec![when("read again"), ("need a restart", Cell::bad(keys))]
        }
    }
}

fn last_json(last: &Last) -> Json {
    let ago = Instant::now().saturating_duration_since(last.at).as_secs_f64();
    let (mut needs, mut problems) = (None, None);
    match &last.end {
        Ok(reloaded) => needs = Some(&reloaded.needs_restart),
        Err(error) => {
            let texts = error.problems().iter().map(ToString::to_string);
            problems = Some(texts.collect::<Vec<_>>());
        }
    }
    json!({
        "secondsAgo": ago,
        "by": last.by,
        "needsRestart": needs,
        "problems": problems,
    })
}

/// `POST /reload`
pub(super) async fn reload(pages: &Pages, who: &Who<'_>) -> Result<(), Page> {
    let reloaded = pages.reloader.reload(format!("the admin port, {who}")).await;
    reloaded.map(|_| ()).map_err(|error| {
        Page::refusal(StatusCode::CONFLICT, format!("nothing is changed: {error}"))
    })
}
