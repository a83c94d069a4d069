//! How a method fails: problems of RFC 9457 over REST, Connect's errors on its own path.

use std::collections::BTreeMap;

use kitfox_core::Recovery;
use kitfox_core::contract::Method;
use kitfox_core::error::ErrorVariant;
use serde_json::{Value, json};

use crate::config::show_duration;

/// The components of failures.
pub(super) const PROBLEM: &str = "Problem";
pub(super) const CONNECT: &str = "ConnectError";

/// The responses of a method that fails, by status, and that of every other failure.
pub(super) fn responses(method: &Method) -> Value {
    let over_rest = !method.routes.is_empty();
    let (media, component) = match over_rest {
        true => ("application/problem+json", PROBLEM),
        false => ("application/json", CONNECT),
    };
    let reference = json!({ "$ref": format!("#/components/schemas/{component}") });
    let mut by_status: BTreeMap<u16, Vec<&ErrorVariant>> = BTreeMap::new();
    for variant in method.errors.variants {
        by_status.entry(variant.code.http_status()).or_default().push(variant);
    }
    let mut responses = json!({
        "default": {
            "description": "Any other failure.",
            "content": { media: { "schema": reference } },
        },
    });
    for (status, variants) in by_status {
        let lines: Vec<_> = variants.iter().map(|variant| line(variant)).collect();
        let reasons: Vec<_> = variants.iter().map(|variant| variant.reason).collect();
        // A schema for each status of each method would make as many types in a generated client.
        responses[status.to_string()] = json!({
            "description": lines.join("\n"),
            "x-reasons": reasons,
            "content": { media: { "schema": reference } },
        });
    }
    responses
}

fn line(variant: &ErrorVariant) -> String {
    let mut line = format!("- `{}` (`{}`)", variant.reason, variant.code.name());
    if !variant.docs.is_empty() {
        line.push_str(&format!(": {}", variant.docs.replace('\n', " ")));
    }
    match variant.recovery {
        Recovery::Retry => line.push_str(". Trying again may help."),
        Recovery::After(pause) => {
            line.push_str(&format!(". Trying again after {} may help.", show_duration(&pause)));
        }
        _ => {}
    }
    if variant.deprecated {
        line.push_str(" (deprecated)");
    }
    line
}

/// A problem of RFC 9457.
pub(super) fn problem() -> Value {
    json!({
        "type": "object",
        "description": "How a call failed (RFC 9457).",
        "required": ["type", "title", "status", "code"],
        "properties": {
            "type": { "type": "string" },
            "title": { "type": "string", "description": "The status in words." },
            "status": { "type": "integer" },
            "detail": { "type": "string", "description": "What went wrong, for people." },
            "code": code(),
            "reason": { "type": "string", "description": "Which error of the service it is; absent where it is none of its own." },
            "domain": { "type": "string", "description": "Whose reasons these are." },
            "details": details(),
        },
    })
}

/// An error of the Connect protocol.
pub(super) fn connect() -> Value {
    json!({
        "type": "object",
        "description": "How a call failed (Connect protocol).",
        "required": ["code"],
        "properties": {
            "code": code(),
            "message": { "type": "string", "description": "What went wrong, for people." },
            "details": details(),
        },
    })
}

fn code() -> Value {
    let names = kitfox_core::Code::ALL.map(kitfox_core::Code::name);
    json!({ "type": "string", "enum": names, "description": "The canonical code." })
}

fn details() -> Value {
    json!({
        "type": "array",
        "description": "Messages that say more, as the Connect protocol has them.",
        "items": {
            "type": "object",
            "required": ["type", "value"],
            "properties": {
                "type": { "type": "string", "description": "The full name of the message." },
                "value": { "type": "string", "contentEncoding": "base64" },
                "debug": { "description": "The same as JSON." },
            },
        },
    })
}
