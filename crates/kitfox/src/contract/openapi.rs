//! The contract as OpenAPI 3.1.
//!
//! A method with routes has an operation for each of them; one without has its Connect path, if it
//! is unary. What streams in, and what streams out without a route, has no form in OpenAPI.

mod failure;
mod fields;
mod names;
mod operation;
mod schema;

use kitfox_core::contract::{Contract, Method, Route, Shape, Verb};
use serde_json::{Map, Value, json};

use super::files::Files;
use names::Names;

/// The document of `contracts`.
pub(crate) fn document(
    title: &str,
    version: &str,
    contracts: &[&'static Contract],
    files: &Files,
) -> Value {
    let names = Names::of(contracts, files);
    let mut paths = Paths::default();
    for contract in contracts {
        for method in contract.methods {
            for (index, route) in operations(method).enumerate() {
                let (template, fields) = paths.of(route.template);
                let operation =
                    operation::operation(&names, contract, method, (index, route), &fields);
                paths.add(&template, route.verb, operation);
            }
        }
    }
    let tags = contracts.iter().map(|contract| {
        let mut tag = json!({ "name": names.tag(contract) });
        if !contract.docs.is_empty() {
            tag["description"] = contract.docs.into();
        }
        tag
    });
    let mut schemas = Map::new();
    for of in files.types() {
        if let Some(component) = names.component(&of.name) {
            schemas.insert(component.to_owned(), schema::component(&names, of));
        }
    }
    schemas.insert(failure::PROBLEM.to_owned(), failure::problem());
    schemas.insert(failure::CONNECT.to_owned(), failure::connect());
    json!({
        "openapi": "3.1.0",
        "info": { "title": title, "version": version },
        "tags": tags.collect::<Vec<_>>(),
        "paths": paths.all,
        "components": { "schemas": schemas },
    })
}

/// Where HTTP finds a method.
fn operations(method: &'static Method) -> impl Iterator<Item = Route> {
    let over_connect = Route { verb: Verb::Post, template: method.path };
    let routes = match method.shape {
        Shape::Unary if method.routes.is_empty() => Some(over_connect),
        _ => None,
    };
    let own = method.routes.iter().copied().filter(|_| !method.shape.streams_in());
    own.chain(routes)
}

/// The paths of a document.
#[derive(Default)]
struct Paths {
    all: Map<String, Value>,
    /// Each path without the names in its braces, and as it was first.
    known: Vec<(String, &'static str)>,
}

impl Paths {
    /// The path that a route is written under, and for each value in it the name there and the
    /// field. Two routes that differ in names only are one path.
    fn of(&mut self, template: &'static str) -> (String, Vec<(String, &'static str)>) {
        let parts = template.split('/');
        let nameless = parts.map(|part| if part.starts_with('{') { "{}" } else { part });
        let nameless = nameless.collect::<Vec<_>>().join("/");
        let known = self.known.iter().find(|(known, _)| *known == nameless);
        let first = known.map_or(template, |(_, first)| first);
        self.known.push((nameless, first));
        // Generators know no dots in names.
        let names = values(first).map(|name| name.replace('.', "_"));
        let mut written = first.to_owned();
        for (plain, name) in values(first).zip(names.clone()) {
            written = written.replace(&format!("{{{plain}}}"), &format!("{{{name}}}"));
        }
        (written, names.zip(values(template)).collect())
    }

    fn add(&mut self, path: &str, verb: Verb, operation: Value) {
        let item = self.all.entry(path).or_insert_with(|| json!({}));
        item[verb.name().to_lowercase()] = operation;
    }
}

/// The names in braces.
fn values(template: &'static str) -> impl Iterator<Item = &'static str> + Clone {
    template.split('/').filter_map(|part| part.strip_prefix('{')?.strip_suffix('}'))
}
