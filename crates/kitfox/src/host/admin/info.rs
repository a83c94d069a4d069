//! `/info`: what runs here.

use std::env::consts::{ARCH, OS};

use kitfox_core::{Contract, Method};
use serde_json::{Value, json};

use super::Pages;
use super::index::span;
use super::page::{Block, Cell, Page};

/// `/info`
pub(super) fn page(pages: &Pages) -> Page {
    let uptime = pages.started.elapsed();
    let profile = if cfg!(debug_assertions) { "debug" } else { "release" };
    let target = format!("{ARCH}-{OS}");
    let version = pages.version.clone().unwrap_or_else(|| "not told (Host::version)".to_owned());
    let facts = vec![
        ("name", Cell::plain(&pages.name)),
        ("version", Cell::plain(version)),
        ("up for", Cell::plain(span(uptime))),
        ("process", Cell::plain(std::process::id().to_string())),
        ("target", Cell::plain(&target)),
        ("profile", Cell::plain(profile)),
        ("kitfox", Cell::plain(env!("CARGO_PKG_VERSION"))),
    ];
    let methods = pages.contracts.iter().flat_map(|contract| contract.methods.iter());
    let rows = methods.map(|method| {
        let docs = method.docs.lines().next().unwrap_or_default();
        vec![
            Cell::plain(method.path.trim_start_matches('/')),
            Cell::code(routes(method).join(", ")),
            Cell::faint(docs),
        ]
    });
    let table = Block::Table {
        heads: &["method", "routes", "what it does"],
        rows: rows.collect(),
        empty: "No services are here.",
    };
    let json = json!({
        "name": pages.name,
        "version": pages.version,
        "uptimeSeconds": uptime.as_secs(),
        "processId": std::process::id(),
        "build": { "kitfox": env!("CARGO_PKG_VERSION"), "target": target, "profile": profile },
        "services": pages.contracts.iter().map(|contract| service(contract)).collect::<Vec<_>>(),
    });
    Page::new("info", vec![Block::Facts(facts), table], json)
}

fn service(contract: &Contract) -> Value {
    let methods = contract.methods.iter().map(|method| {
        json!({
            "name": method.name,
            "path": method.path,
            "routes": routes(method),
        })
    });
    json!({
        "name": format!("{}.{}", contract.package, contract.name),
        "methods": methods.collect::<Vec<_>>(),
    })
}

/// Where REST finds a method: `POST /v1/uppercase`.
pub(super) fn routes(method: &Method) -> Vec<String> {
    let routes = method.routes.iter();
    routes.map(|route| format!("{} {}", route.verb.name(), route.template)).collect()
}
