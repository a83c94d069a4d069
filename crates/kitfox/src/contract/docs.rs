//! Doc comments with what protobuf has no other place for.

use kitfox_core::contract::Method;
use kitfox_core::error::ErrorVariant;

use super::files::{File, Schema};

/// What a method does, and how it fails.
pub(crate) fn method_docs(file: &File, method: &Method) -> String {
    let mut docs = method.docs.to_owned();
    if method.errors.variants.is_empty() {
        return docs;
    }
    if !docs.is_empty() {
        docs.push_str("\n\n");
    }
    docs.push_str("Fails with:");
    for variant in method.errors.variants {
        docs.push_str("\n- ");
        docs.push_str(&failure(file, variant));
    }
    docs
}

fn failure(file: &File, variant: &ErrorVariant) -> String {
    let mut text = format!("{} {}", variant.code.name().to_uppercase(), variant.reason);
    let about = variant.docs.split("\n\n").next().unwrap_or_default().replace('\n', " ");
    if !about.is_empty() {
        text.push_str(": ");
        text.push_str(&about);
    }
    if let Some(detail) = variant.detail {
        let (_, name) = Schema::Message(detail()).resolve(&file.package);
        let name = file.local(&name).unwrap_or(&name);
        text.push_str(&format!(" (its values are in the detail {name})"));
    }
    if variant.deprecated {
        text.push_str(" (deprecated)");
    }
    text
}
