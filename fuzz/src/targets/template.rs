//! Templates of REST routes, a line each. One that is taken leads to its method.

use bytes::Bytes;
use http_body_util::Full;
use kitfox::contract::{Contract, Idempotency, Method, Route, Verb};
use kitfox::platform::{Random, Tcp};
use kitfox::transport::{Handler, Limits};
use kitfox::{BoxEndpoint, Endpoint, Error, Peer, Platform, Reply, Request, Services};

use crate::{outcome, runtime};

pub(super) const WORDS: &[&str] = &[
    "/", "//", "{", "}", "{{", "}}", "{a}", "{a.b}", "{*a}", "{a}.json", "\n", "/v1/", ":", "*",
    "?", "#", "%2f", "..", ".", "é", "{0}",
];

pub(super) fn run(input: &[u8]) -> u64 {
    let Ok(text) = std::str::from_utf8(input) else { return 0 };
    let templates: Vec<_> = text.lines().take(3).collect();
    let one = Services::new().serve(Routed(contract(&templates)));
    let platform = Platform::new(Tcp, Random::seeded(1));
    let wires = match one.wires(&platform, &Limits::default()) {
        Ok(wires) => wires,
        Err(error) => return outcome::of(&error.to_string()),
    };
    let mut found = 0;
    for template in templates {
        let Ok(request) = http::Request::get(filled(template)).body(Full::<Bytes>::default())
        else {
            continue;
        };
        let peer = Peer::new(([127, 0, 0, 1], 1).into());
        let status = runtime::run(wires.handle(&peer, request)).status();
        // Of two routes that fit, the one with fewer fields is taken: either is the method's.
        assert_eq!(status, 200, "`{template}` was taken and does not lead to its method");
        found += 1;
    }
    1 + found
}

/// A path that fits `template`.
fn filled(template: &str) -> String {
    let mut path = String::new();
    let mut within = false;
    for char in template.chars() {
        match char {
            '{' => {
                within = true;
                path.push('v');
            }
            '}' => within = false,
            _ if within => {}
            _ => path.push(char),
        }
    }
    path
}

/// What is told of a service lives for as long as the process; a few megabytes in a long run.
fn contract(templates: &[&str]) -> &'static Contract {
    let route = |template: &&str| Route {
        verb: Verb::Get,
        template: Box::leak(Box::<str>::from(*template)),
    };
    let routes: Vec<_> = templates.iter().map(route).collect();
    let method = Method {
        idempotency: Idempotency::Safe,
        routes: routes.leak(),
        ..Method::unary("routed.v1.Routed", "Take", "/routed.v1.Routed/Take")
    };
    Box::leak(Box::new(Contract {
        package: "routed.v1",
        name: "Routed",
        docs: "",
        deprecated: false,
        methods: vec![method].leak(),
    }))
}

struct Routed(&'static Contract);

struct Take;

impl Endpoint for Take {
    async fn call(&self, request: Request) -> Result<Reply, Error> {
        Ok(Reply::new(request.payload))
    }
}

impl kitfox::Service for Routed {
    fn contract(&self) -> &'static Contract {
        self.0
    }

    fn endpoints(&self) -> Vec<BoxEndpoint> {
        vec![BoxEndpoint::new(Take)]
    }
}
