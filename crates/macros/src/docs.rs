//! What attributes say that every item may have: its doc comment, and that it is deprecated.

use syn::{Attribute, Expr, ExprLit, Lit, Meta};

/// Whether `#[deprecated]` is among `attributes`.
pub(crate) fn is_deprecated(attributes: &[Attribute]) -> bool {
    attributes.iter().any(|attribute| attribute.path().is_ident("deprecated"))
}

/// The doc comment among `attributes`, without the space that follows the slashes; empty without
/// one.
pub(crate) fn docs(attributes: &[Attribute]) -> String {
    let lines = attributes.iter().filter_map(|attribute| {
        let Meta::NameValue(pair) = &attribute.meta else { return None };
        let Expr::Lit(ExprLit { lit: Lit::Str(text), .. }) = &pair.value else { return None };
        pair.path.is_ident("doc").then(|| text.value())
    });
    let text = lines.collect::<Vec<_>>().join("\n");
    let text = text.lines().map(|line| line.strip_prefix(' ').unwrap_or(line).trim_end());
    text.collect::<Vec<_>>().join("\n").trim().to_owned()
}
