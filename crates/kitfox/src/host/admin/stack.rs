//! `/stack`: the layers around each method.

use serde_json::json;

use super::Pages;
use super::info::routes;
use super::page::{Block, Page, Ring};
use crate::config::{Settings, show_duration};

/// `/stack`
pub(super) fn page(pages: &Pages) -> Page {
    let rings = rings(pages.configuration.settings(), pages.telemetry.is_some(), &pages.layers);
    let methods = || pages.contracts.iter().flat_map(|contract| contract.methods.iter());
    let names: Vec<_> = rings.iter().map(|ring| ring.name.as_str()).collect();
    let each = methods()
        .map(|method| json!({ "path": method.path, "routes": routes(method), "layers": names }));
    let json = json!({
        "methods": each.collect::<Vec<_>>(),
        "layers": rings.iter().map(|it| json!({ "name": it.name, "what": it.what })).collect::<Vec<_>>(),
    });
    let methods =
        methods().map(|method| [&[method.path.to_owned()], &*routes(method)].concat().join("  "));
    let methods = methods.collect();
    let note = "From outside in: a call goes down through these, and its answer comes back up. Each \
                method has them all.";
    let blocks = vec![Block::Note(note.to_owned()), Block::Onion { rings, methods }];
    Page::new("stack", blocks, json)
}

/// What stands around a method, with the settings that are in force.
fn rings(settings: &Settings, recorded: bool, layers: &[String]) -> Vec<Ring> {
    let limits = &settings.limits;
    let ring = |name: &str, what: String| Ring { name: name.to_owned(), what };
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
    rings.extend(layers.iter().map(|layer| ring(layer, "a layer of this service".to_owned())));
    rings.push(ring("decode", "from here on a call is a message".to_owned()));
    rings
}
