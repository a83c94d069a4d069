//! `/stack`: the layers around each method and each client's calls, and what they are set to.

use serde_json::{Value as Json, json};
use tokio::time::Instant;

use super::Pages;
use super::index::span;
use super::info::routes;
use super::page::{Block, Cell, Page, Ring};
use crate::config::{Stack, show_duration};
use crate::stack::{BEFORE_AUTHENTICATION, Row, RowKey};

/// `/stack`
pub(super) fn page(pages: &Pages, authority: &str) -> Page {
    let server = pages.dial.stacks.find("server").map(rows).unwrap_or_default();
    let recorded = pages.telemetry.is_some();
    let rings = rings(pages, recorded, &server);
    let methods = || pages.contracts.iter().flat_map(|contract| contract.methods.iter());
    let names: Vec<_> = rings.iter().map(|ring| ring.name.as_str()).collect();
    let each = methods()
        .map(|method| json!({ "path": method.path, "routes": routes(method), "layers": names }));
    let json = json!({
        "methods": each.collect::<Vec<_>>(),
        "layers": rings.iter().map(|it| json!({ "name": it.name, "what": it.what })).collect::<Vec<_>>(),
        "stacks": pages.dial.stacks.iter().map(stack_json).collect::<Vec<_>>(),
    });
    let methods =
        methods().map(|method| [&[method.path.to_owned()], &*routes(method)].concat().join("  "));
    let methods = methods.collect();
    let note = "From outside in: a call goes down through these, and its answer comes back up. Each \
                method has them all.";
    let mut blocks = vec![Block::Note(note.to_owned()), Block::Onion { rings, methods }];
    for stack in pages.dial.stacks.iter() {
        blocks.push(Block::Note(heading(stack)));
        blocks.extend(states(stack));
        blocks.push(table(stack));
    }
    blocks.push(Block::Note(format!(
        "To change what a layer is set to, for a while or for good: curl -X PUT \
         '{authority}/stack/server?rate_limit.mode=dark&for=10m'. For one method its path follows: \
         /stack/server/strings.v1.Strings/Uppercase. DELETE takes back what was changed so, and nothing that code said."
    )));
    Page::new("stack", blocks, json)
}

fn heading(stack: &Stack) -> String {
    match stack.name.split_once('.') {
        Some(("clients", name)) => format!("The client {name}: its layers from outside in."),
        Some((_, name)) => format!("The guard {name}: its layers from outside in."),
        None => "The keys of the layers around all methods. What a method has of its own is named \
                 with it."
            .to_owned(),
    }
}

fn rows(stack: &Stack) -> Vec<Row> {
    stack.tunable.rows(None).unwrap_or_default()
}

/// The rows of methods that somebody set, each with its method.
fn own(stack: &Stack) -> Vec<(&'static str, Row)> {
    let methods = stack.tunable.methods().into_iter();
    let own = methods.flat_map(|method| {
        let rows = stack.tunable.rows(Some(method.path)).unwrap_or_default();
        rows.into_iter().filter_map(|mut row| {
            row.keys.retain(|key| key.origin.is_some());
            (!row.keys.is_empty()).then_some((method.path.trim_start_matches('/'), row))
        })
    });
    own.collect()
}

/// What each layer does now: that its breaker is open, what is left of its budget, how its replicas are.
fn states(stack: &Stack) -> Option<Block> {
    let mut cells: Vec<Vec<Cell>> = Vec::new();
    // The server's are around the methods, further up.
    if stack.name != "server" {
        for row in rows(stack) {
            cells.extend(state(row.place.to_owned(), &row));
        }
    }
    for (method, row) in own(stack) {
        cells.extend(state(format!("{} of {method}", row.place), &row));
    }
    let heads = &["layer", "what it does now"];
    (!cells.is_empty()).then_some(Block::Table { heads, rows: cells, empty: "" })
}

/// A line for each thing that the layer says.
fn state(name: String, row: &Row) -> Vec<Vec<Cell>> {
    let mut name = Some(name);
    let said = row.what.split("; ");
    said.map(|what| vec![Cell::plain(name.take().unwrap_or_default()), Cell::plain(what)]).collect()
}

fn table(stack: &Stack) -> Block {
    let mut cells: Vec<Vec<Cell>> = Vec::new();
    for row in rows(stack) {
        cells.extend(row.keys.iter().map(|key| line(&format!("{}.{}", row.place, key.name), key)));
    }
    for (method, row) in own(stack) {
        let name = |key: &RowKey| format!("{}.{} of {method}", row.place, key.name);
        cells.extend(row.keys.iter().map(|key| line(&name(key), key)));
    }
    let heads = &["key", "value", "from", "what it does"];
    Block::Table { heads, rows: cells, empty: "nothing can be set" }
}

fn line(name: &str, key: &RowKey) -> Vec<Cell> {
    let from = match (&key.origin, key.until) {
        (None, _) => Cell::faint("default or code"),
        (Some(origin), None) => Cell::plain(origin.to_string()),
        (Some(origin), Some(until)) => {
            let left = until.saturating_duration_since(Instant::now());
            Cell::plain(format!("{origin}, for another {}", span(left)))
        }
    };
    let docs = key.docs.replace('`', "");
    vec![Cell::plain(name), Cell::code(&key.value), from, Cell::faint(docs)]
}

fn stack_json(stack: &Stack) -> Json {
    let own = own(stack);
    let own = own.iter().map(|(method, row)| json!({ "method": method, "layer": row_json(row) }));
    json!({
        "name": stack.name,
        "layers": rows(stack).iter().map(row_json).collect::<Vec<_>>(),
        "methods": own.collect::<Vec<_>>(),
    })
}

fn row_json(row: &Row) -> Json {
    let key = |key: &RowKey| {
        let left = key.until.map(|until| until.saturating_duration_since(Instant::now()));
        json!({
            "key": key.name,
            "value": key.value,
            "origin": key.origin.as_ref().map(ToString::to_string),
            "revertsInSeconds": left.map(|left| left.as_secs_f64()),
        })
    };
    json!({
        "layer": row.place,
        "what": row.what,
        "keys": row.keys.iter().map(key).collect::<Vec<_>>(),
    })
}

/// What stands around a method, with the settings that are in force.
fn rings(pages: &Pages, recorded: bool, server: &[Row]) -> Vec<Ring> {
    let settings = pages.configuration.settings();
    let limits = &settings.limits;
    let ring = |name: &str, what: String| Ring { name: name.to_owned(), what };
    let users = |names: &[String], what: &str| {
        names.iter().map(|name| ring(name, what.to_owned())).collect::<Vec<_>>()
    };
    let key = |name: &str| {
        let key = crate::config::KEYS.iter().find(|key| key.name == name);
        key.expect("a key of the table").show(settings)
    };
    let recorded = if recorded { "metrics, a log line, a span" } else { "nobody observes" };
    let mut rings = vec![
        ring(
            "transport limits",
            format!(
                "body {}, headers {}, {} calls a connection, {} connections",
                key("limits.body_bytes"),
                key("limits.header_bytes"),
                limits.streams,
                limits.connections
            ),
        ),
        ring("scope", "ends with the call whatever the call started".to_owned()),
        ring("record", recorded.to_owned()),
        ring("panic barrier", "makes an error of a panic".to_owned()),
        ring(
            "deadline",
            format!(
                "as the caller says, at most {} ({} for streams)",
                show_duration(&limits.call_timeout),
                show_duration(&limits.stream_timeout)
            ),
        ),
    ];
    for row in server {
        rings.push(ring(&row.place.replace('_', " "), row.what.clone()));
        if row.place == BEFORE_AUTHENTICATION {
            let what = "a layer of this service, before what asks who calls";
            rings.extend(users(&pages.authenticating, what));
        }
    }
    rings.extend(users(&pages.layers, "a layer of this service"));
    rings.push(ring("decode", "from here on a call is a message".to_owned()));
    rings
}
