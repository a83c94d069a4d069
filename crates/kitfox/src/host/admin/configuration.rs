//! `/config`: what the host runs with.

use serde_json::json;

use super::page::{Block, Cell, Page};
use crate::config::{Configuration, Origin};

/// `/config`
pub(super) fn page(configuration: &Configuration) -> Page {
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
    let json = json!({ "keys": json.collect::<Vec<_>>() });
    let heads = &["key", "value", "from", "what it does"];
    let table = Block::Table { heads, rows: rows.collect(), empty: "" };
    Page::new("config", vec![table], json)
}
