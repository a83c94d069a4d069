//! How the host stands with its registries, as a part of pages. A registry that is away keeps nobody
//! from serving, so that this is no part of readiness.

use kitfox_discovery::Standing;
use serde_json::{Value, json};

use super::index::span;
use super::page::{Block, Cell};
use crate::host::standings::Stands;

/// A cell for each registry.
pub(super) fn cell(stands: &Stands) -> Cell {
    let (registry, time) = (&stands.registry, span(stands.time));
    match &stands.standing {
        Standing::Registered => Cell::good(format!("in {registry} for {time}")),
        Standing::Registering => Cell::plain(format!("not yet in {registry}")),
        Standing::Failing(_, error) => Cell::bad(format!("not in {registry} for {time}: {error}")),
        Standing::Left => Cell::plain(format!("has left {registry}")),
    }
}

/// All of them; nothing where there is none.
pub(super) fn table(all: &[Stands]) -> Option<Block> {
    let rows = all.iter().map(|stands| {
        let state = match &stands.standing {
            Standing::Registered => Cell::good(stands.word()),
            Standing::Failing(..) => Cell::bad(stands.word()),
            _ => Cell::plain(stands.word()),
        };
        let error = stands.error.as_ref().map_or_else(String::new, ToString::to_string);
        vec![
            Cell::plain(&stands.registry),
            state,
            Cell::plain(span(stands.time)),
            Cell::faint(error),
        ]
    });
    let heads = &["registry", "registration", "for", "last error"];
    (!all.is_empty()).then(|| Block::Table { heads, rows: rows.collect(), empty: "" })
}

/// The same for programs.
pub(super) fn json(all: &[Stands]) -> Value {
    let each = all.iter().map(|stands| {
        json!({
            "registry": stands.registry,
            "state": stands.word(),
            "seconds": stands.time.as_secs(),
            "lastError": stands.error.as_ref().map(ToString::to_string),
        })
    });
    each.collect()
}
