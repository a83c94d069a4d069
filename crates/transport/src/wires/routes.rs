//! The REST routes of a port.
//!
//! Each HTTP method has a table of its own, so that `GET /v1/words/{text}` and
//! `POST /v1/words/count` stand beside each other, and the names of their path values are
//! their own.

use std::collections::HashMap;
use std::hash::BuildHasherDefault;

use kitfox_core::Method;
use kitfox_core::contract::{Route, Verb};

use super::methods::PathHasher;
use super::route_error::RouteError;

const VERBS: [Verb; 5] = [Verb::Get, Verb::Post, Verb::Put, Verb::Patch, Verb::Delete];

/// Every route of a port.
#[derive(Debug, Default)]
pub(super) struct Routes {
    tables: [matchit::Router<Target>; VERBS.len()],
    /// Those without a value in their path once more: a look-up costs less here, and in the tables
    /// they go before the others too.
    plain: [HashMap<&'static str, Target, BuildHasherDefault<PathHasher>>; VERBS.len()],
    known: Vec<(Route, &'static Method)>,
}

/// Where a route leads.
#[derive(Clone, Debug)]
pub(super) struct Target {
    /// The index of the method.
    pub(super) method: usize,
    /// The route itself.
    pub(super) route: &'static Route,
    /// The fields that the path's values belong to, in order.
    pub(super) fields: Box<[&'static str]>,
}

/// What is at a path.
#[derive(Debug)]
pub(super) enum Found<'routes, 'path> {
    /// A route, and the values in its path, if there are any, still encoded.
    Route(&'routes Target, Option<matchit::Params<'routes, 'path>>),
    /// Nothing with this HTTP method, but with these.
    Elsewhere(String),
    /// Nothing.
    Nothing,
}

impl Routes {
    /// Adds a route to the method at `index`.
    pub(super) fn add(
        &mut self,
        index: usize,
        method: &'static Method,
        route: &'static Route,
    ) -> Result<(), RouteError> {
        let template = Template::parse(route.template)
            .map_err(|why| RouteError::bad_route(method, *route, why))?;
        let target = Target { method: index, route, fields: template.fields.into() };
        let table = &mut self.tables[place(route.verb)];
        if let Err(cause) = table.insert(&template.pattern, target.clone()) {
            return Err(self.conflict(method, *route, &template.pattern, &cause));
        }
        if target.fields.is_empty() {
            self.plain[place(route.verb)].insert(route.template, target);
        }
        self.known.push((*route, method));
        Ok(())
    }

    fn conflict(
        &self,
        method: &Method,
        route: Route,
        pattern: &str,
        cause: &matchit::InsertError,
    ) -> RouteError {
        let with = match cause {
            matchit::InsertError::Conflict { with } => with.as_str(),
            _ => pattern,
        };
        let same = |known: &Route| {
            let known = Template::parse(known.template).map(|known| known.pattern);
            known.is_ok_and(|known| known == pattern || known == with)
        };
        let taken = self.known.iter().find(|(known, _)| known.verb == route.verb && same(known));
        let Some((taken, first)) = taken else {
            return RouteError::bad_route(method, route, "it fits no table of routes");
        };
        RouteError::SameRoute {
            verb: route.verb.name(),
            template: route.template,
            second: method.path,
            taken: taken.template,
            first: first.path,
        }
    }

    /// Every route and its method.
    pub(super) fn all(&self) -> &[(Route, &'static Method)] {
        &self.known
    }

    /// What is at `path`.
    pub(super) fn find<'path>(&self, verb: &http::Method, path: &'path str) -> Found<'_, 'path> {
        if self.known.is_empty() {
            return Found::Nothing;
        }
        let own = match *verb {
            // Whoever answers the one answers the other.
            http::Method::GET | http::Method::HEAD => Some(Verb::Get),
            http::Method::POST => Some(Verb::Post),
            http::Method::PUT => Some(Verb::Put),
            http::Method::PATCH => Some(Verb::Patch),
            http::Method::DELETE => Some(Verb::Delete),
            _ => None,
        };
        if let Some(own) = own.map(place) {
            if let Some(target) = self.plain[own].get(path) {
                return Found::Route(target, None);
            }
            if let Ok(found) = self.tables[own].at(path) {
                return Found::Route(found.value, Some(found.params));
            }
        }
        let others = VERBS.into_iter().filter(|other| self.tables[place(*other)].at(path).is_ok());
        let mut others: Vec<_> = others.map(Verb::name).collect();
        if others.contains(&"GET") {
            others.push("HEAD");
        }
        if others.is_empty() { Found::Nothing } else { Found::Elsewhere(others.join(", ")) }
    }

    /// Whether there is a route at `path`, whatever its HTTP method.
    pub(super) fn knows(&self, path: &str) -> bool {
        self.tables.iter().any(|table| table.at(path).is_ok())
    }

    /// The route that `path` would be on, if it did not lack the value at its end.
    pub(super) fn lacking(&self, verb: &http::Method, path: &str) -> Option<&'static str> {
        let stem = path.strip_suffix('/')?;
        let fits = self.known.iter().find(|(route, _)| {
            route.verb.name() == verb.as_str()
                && route.template.ends_with('}')
                && route.template.rsplit_once('/').is_some_and(|(start, _)| start == stem)
        });
        fits.map(|(route, _)| route.template)
    }
}

fn place(verb: Verb) -> usize {
    match verb {
        Verb::Get => 0,
        Verb::Post => 1,
        Verb::Put => 2,
        Verb::Patch => 3,
        Verb::Delete => 4,
    }
}

/// A template with its fields numbered: their names are the route's own business.
struct Template {
    pattern: String,
    fields: Vec<&'static str>,
}

impl Template {
    fn parse(template: &'static str) -> Result<Template, &'static str> {
        let Some(path) = template.strip_prefix('/') else {
            return Err("a path begins with a slash");
        };
        let mut parsed = Template { pattern: String::new(), fields: Vec::new() };
        for segment in path.split('/') {
            parsed.pattern.push('/');
            let Some(field) = segment.strip_prefix('{') else {
                if segment.contains(['{', '}', '*', '?', '#', ' ']) {
                    return Err("a value takes a whole segment: `/{field}/`");
                }
                parsed.pattern.push_str(segment);
                continue;
            };
            let Some(field) = field.strip_suffix('}').filter(|field| is_field(field)) else {
                return Err(
                    "a value is named for a field of the input: `{field}` or `{field.nested}`",
                );
            };
            if parsed.fields.contains(&field) {
                return Err("the same field stands in it twice");
            }
            parsed.pattern.push_str(&format!("{{{}}}", parsed.fields.len()));
            parsed.fields.push(field);
        }
        Ok(parsed)
    }
}

fn is_field(path: &str) -> bool {
    path.split('.').all(|name| {
        !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wires::testing::unary;

    fn routes(all: &[(Verb, &'static str)]) -> Result<Routes, RouteError> {
        let mut routes = Routes::default();
        for (index, (verb, template)) in all.iter().enumerate() {
            static METHOD: Method = unary("a.v1.A", "M", "/a.v1.A/M", &[]);
            // Of a test only.
            let route = Box::leak(Box::new(Route { verb: *verb, template }));
            routes.add(index, &METHOD, route)?;
        }
        Ok(routes)
    }

    #[test]
    fn each_http_method_has_its_own_routes_and_names() {
        let routes = routes(&[
            (Verb::Get, "/v1/words/{text}"),
            (Verb::Delete, "/v1/words/{word.text}"),
            (Verb::Post, "/v1/words/count"),
            (Verb::Get, "/v1/words/{text}/length"),
        ])
        .unwrap();
        let found = |verb: &str, path: &str| match routes.find(&verb.parse().unwrap(), path) {
            Found::Route(target, values) => {
                let values = values.iter().flat_map(matchit::Params::iter).map(|(_, value)| value);
                let named: Vec<_> = target.fields.iter().zip(values).collect();
                format!("{} {named:?}", target.method)
            }
            Found::Elsewhere(verbs) => verbs,
            Found::Nothing => String::new(),
        };
        assert_eq!(found("GET", "/v1/words/a%20b"), r#"0 [("text", "a%20b")]"#);
        assert_eq!(found("GET", "/v1/words/count"), r#"0 [("text", "count")]"#);
        assert_eq!(found("DELETE", "/v1/words/x"), r#"1 [("word.text", "x")]"#);
        assert_eq!(found("POST", "/v1/words/count"), "2 []");
        assert_eq!(found("GET", "/v1/words/x/length"), r#"3 [("text", "x")]"#);
        assert_eq!(found("PUT", "/v1/words/count"), "GET, POST, DELETE, HEAD");
        assert_eq!(found("BREW", "/v1/words/x"), "GET, DELETE, HEAD");
        assert_eq!(found("GET", "/v1/words"), "");
        assert_eq!(found("GET", "/v1/words/"), "");
        assert_eq!(routes.lacking(&"GET".parse().unwrap(), "/v1/words/"), Some("/v1/words/{text}"));
        assert_eq!(routes.lacking(&"PUT".parse().unwrap(), "/v1/words/"), None);
    }

    #[test]
    fn a_conflict_names_both() {
        let error = routes(&[(Verb::Get, "/v1/{a}/x"), (Verb::Get, "/v1/{b}/x")]).unwrap_err();
        let text = error.to_string();
        assert!(text.contains("GET /v1/{a}/x") && text.contains("GET /v1/{b}/x"), "{text}");
    }

    #[test]
    fn what_is_no_template_says_why() {
        for bad in
            ["v1/x", "/v1/{a}-{b}", "/v1/{a", "/v1/a}", "/{*rest}", "/{}", "/{a.}", "/{a}/{a}"]
        {
            assert!(
                matches!(routes(&[(Verb::Get, bad)]), Err(RouteError::BadRoute { .. })),
                "{bad}"
            );
        }
    }
}
