//! One method at one path.

use kitfox_core::contract::{Contract, Idempotency, Method, Route, Shape, Verb};
use serde_json::{Value, json};

use super::names::Names;
use super::{failure, fields, schema};
use crate::contract::files::Schema;

/// The operation of `method` at the route of this index; `in_path` has the name of each value in the
/// path, and its field.
pub(super) fn operation(
    names: &Names,
    contract: &Contract,
    method: &'static Method,
    (index, route): (usize, Route),
    in_path: &[(String, &'static str)],
) -> Value {
    let input = (method.input)();
    let (package, _) = Schema::Message(input).resolve(contract.package);
    let mut parameters = fields::of_path(names, &package, input, in_path);
    let has_body = !matches!(route.verb, Verb::Get | Verb::Delete);
    if !has_body {
        parameters.extend(fields::of_query(names, &package, input, in_path));
    }
    if method.idempotency == Idempotency::Keyed {
        parameters.push(idempotency_key());
    }
    let mut operation = json!({
        "operationId": names.operation(contract, method, index),
        "tags": [names.tag(contract)],
        "responses": responses(names, contract, method),
    });
    let (summary, rest) = method.docs.split_once("\n\n").unwrap_or((method.docs, ""));
    for (name, text) in [("summary", summary.replace('\n', " ")), ("description", rest.to_owned())]
    {
        if !text.is_empty() {
            operation[name] = text.into();
        }
    }
    if method.deprecated || contract.deprecated {
        operation["deprecated"] = true.into();
    }
    if !parameters.is_empty() {
        operation["parameters"] = parameters.into();
    }
    // What is in the path need not be in the body; a field of a field is left there.
    let left_out: Vec<_> = in_path
        .iter()
        .filter(|(_, path)| !path.contains('.'))
        .filter_map(|(_, path)| input.field_by_name(path).map(|field| field.json_name))
        .collect();
    let has_fields = input.fields().any(|(field, _)| !left_out.contains(&field.json_name));
    if has_body && has_fields {
        let schema = match left_out.is_empty() {
            true => schema::message(names, contract.package, input),
            false => schema::object(names, &package, input, &left_out),
        };
        let content = json!({ "application/json": { "schema": schema } });
        operation["requestBody"] = json!({ "required": true, "content": content });
    }
    operation
}

fn idempotency_key() -> Value {
    json!({
        "name": "Idempotency-Key",
        "in": "header",
        "description": "A call with the key of an earlier one gets its answer, and is not done again.",
        "schema": { "type": "string", "maxLength": 255 },
    })
}

fn responses(names: &Names, contract: &Contract, method: &'static Method) -> Value {
    let output = (method.output)();
    let about = output.docs.split("\n\n").next().unwrap_or_default().replace('\n', " ");
    let message = schema::message(names, contract.package, output);
    let content = match method.shape {
        Shape::Unary | Shape::ClientStream => {
            json!({ "application/json": { "schema": message } })
        }
        // OpenAPI 3.1 knows no streams: a text, and beside it what each message in it is.
        Shape::ServerStream | Shape::BothStream => {
            let stream = |description: &str| {
                json!({
                    "schema": { "type": "string", "description": description },
                    "x-itemSchema": message,
                })
            };
            json!({
                "text/event-stream": stream("An event for each message, JSON in its data."),
                "application/x-ndjson": stream("A line of JSON for each message."),
            })
        }
    };
    let mut responses = failure::responses(method);
    let about = if about.is_empty() { "The answer.".to_owned() } else { about };
    responses["200"] = json!({ "description": about, "content": content });
    responses
}
