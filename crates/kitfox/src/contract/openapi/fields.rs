//! Fields of a request that stand in a path or a query.

use kitfox_core::message::{Kind, Label, MessageSchema};
use serde_json::{Value, json};

use super::names::Names;
use super::schema;
use crate::contract::files::Schema;

/// The parameters of a path: the name there, and the field that it gives a value to.
pub(super) fn of_path(
    names: &Names,
    package: &str,
    message: &'static MessageSchema,
    fields: &[(String, &'static str)],
) -> Vec<Value> {
    let parameter = |(name, path): &(String, &str)| {
        let field = message.field_by_path(path);
        let schema = field.map_or_else(
            || json!({ "type": "string" }),
            |field| schema::kind(names, package, &field.kind),
        );
        let mut parameter = json!({
            "name": name,
            "in": "path",
            "required": true,
            "schema": schema,
        });
        if let Some(field) = field {
            schema::describe(&mut parameter, field.docs, field.deprecated);
        }
        parameter
    };
    fields.iter().map(parameter).collect()
}

/// The parameters of a query: every field that a text can say, but for those in the path; the
/// fields of a message in the request by dotted names.
pub(super) fn of_query(
    names: &Names,
    package: &str,
    message: &'static MessageSchema,
    in_path: &[(String, &'static str)],
) -> Vec<Value> {
    let mut query = Query { names, in_path, parameters: Vec::new(), open: Vec::new() };
    query.add(package, message, "", "");
    query.parameters
}

struct Query<'a> {
    names: &'a Names,
    in_path: &'a [(String, &'static str)],
    parameters: Vec<Value>,
    /// The messages around, for a message that holds itself.
    open: Vec<&'static str>,
}

impl Query<'_> {
    /// Adds the fields of a message, which is at `prefix` by the names of JSON and at `path` by those
    /// of protobuf.
    fn add(&mut self, package: &str, message: &'static MessageSchema, prefix: &str, path: &str) {
        if self.open.contains(&message.name) {
            return;
        }
        self.open.push(message.name);
        for (field, _) in message.fields() {
            let name = format!("{prefix}{}", field.json_name);
            let plain = format!("{path}{}", field.name);
            if self.in_path.iter().any(|(_, taken)| *taken == name || *taken == plain) {
                continue;
            }
            match field.kind {
                Kind::Map { .. } => {}
                Kind::Message(inner) if !is_text(inner()) => {
                    if field.label != Label::Repeated && !is_googles(inner()) {
                        let (package, _) = Schema::Message(inner()).resolve(package);
                        self.add(&package, inner(), &format!("{name}."), &format!("{plain}."));
                    }
                }
                Kind::Scalar(_) | Kind::Enum(_) | Kind::Message(_) => {
                    let schema = schema::field_schema(self.names, package, field);
                    let mut parameter = json!({ "name": name, "in": "query", "schema": schema });
                    schema::describe(&mut parameter, field.docs, field.deprecated);
                    self.parameters.push(parameter);
                }
            }
        }
        self.open.pop();
    }
}

fn is_googles(message: &MessageSchema) -> bool {
    message.package == "google.protobuf"
}

/// Whether a text can say the whole message.
fn is_text(message: &MessageSchema) -> bool {
    is_googles(message)
        && !["Any", "Empty", "Struct", "ListValue", "Value"]
            .iter()
            .any(|other| message.name.strip_prefix("google.protobuf.") == Some(other))
}
