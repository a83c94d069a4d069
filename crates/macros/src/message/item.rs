//! The user's item itself: its docs, its derives, and what is taken out of it.

use std::fmt::Display;

use proc_macro2::TokenStream;
use quote::{ToTokens, quote};
use syn::punctuated::Punctuated;
use syn::{Attribute, Error, Expr, Fields, ItemEnum, Lit, Meta, Path, Token, Variant};

/// What comes out for an item: derives before it, code behind it.
pub(super) struct Code {
    pub(super) derives: Vec<TokenStream>,
    pub(super) body: TokenStream,
}

/// All that is wrong with an item, so that the user sees it at once.
#[derive(Default)]
pub(super) struct Errors(Option<Error>);

impl Errors {
    pub(super) fn at(&mut self, place: impl ToTokens, message: impl Display) {
        self.push(Error::new_spanned(place, message));
    }

    pub(super) fn push(&mut self, error: Error) {
        match &mut self.0 {
            Some(first) => first.combine(error),
            None => self.0 = Some(error),
        }
    }

    /// The value, or its default where there was an error.
    pub(super) fn take<T: Default>(&mut self, result: syn::Result<T>) -> T {
        result.unwrap_or_else(|error| {
            self.push(error);
            T::default()
        })
    }

    pub(super) fn finish(self) -> Option<TokenStream> {
        self.0.map(|error| error.to_compile_error())
    }
}

/// The doc comment as one text.
pub(super) fn docs(attributes: &[Attribute]) -> String {
    let lines: Vec<String> = attributes
        .iter()
        .filter_map(|attribute| {
            let Meta::NameValue(pair) = &attribute.meta else { return None };
            let Expr::Lit(literal) = &pair.value else { return None };
            let Lit::Str(text) = &literal.lit else { return None };
            if !pair.path.is_ident("doc") {
                return None;
            }
            let text = text.value();
            Some(text.strip_prefix(' ').map_or(text.clone(), str::to_owned))
        })
        .collect();
    lines.join("\n").trim().to_owned()
}

/// Whether the user derives a trait already.
pub(super) fn has_derive(attributes: &[Attribute], name: &str) -> bool {
    attributes.iter().filter(|attribute| attribute.path().is_ident("derive")).any(|attribute| {
        attribute.parse_args_with(Punctuated::<Path, Token![,]>::parse_terminated).is_ok_and(
            |paths| {
                paths.iter().any(|path| path.segments.last().is_some_and(|it| it.ident == name))
            },
        )
    })
}

/// The derives that the user did not write.
pub(super) fn derives(attributes: &[Attribute], names: &[&str]) -> Vec<TokenStream> {
    names
        .iter()
        .filter(|name| !has_derive(attributes, name))
        .map(|name| match *name {
            "Clone" => quote!(::core::clone::Clone),
            "Copy" => quote!(::core::marker::Copy),
            "Debug" => quote!(::core::fmt::Debug),
            "PartialEq" => quote!(::core::cmp::PartialEq),
            "Eq" => quote!(::core::cmp::Eq),
            _ => quote!(::core::hash::Hash),
        })
        .collect()
}

/// Whether the enum is a oneof and not just names.
pub(super) fn carries_data(item: &ItemEnum) -> bool {
    item.variants.iter().any(|variant| {
        let has = |name| variant.attrs.iter().any(|attribute| attribute.path().is_ident(name));
        has("field") || has("unset") || !matches!(variant.fields, Fields::Unit) && !has("unknown")
    }) && !item.variants.iter().any(is_catch_all)
}

fn is_catch_all(variant: &Variant) -> bool {
    variant.attrs.iter().any(|attribute| attribute.path().is_ident("unknown"))
}

/// Takes our attributes off, the compiler does not know them.
pub(super) fn strip_fields(fields: &mut Fields) {
    for field in fields {
        strip(&mut field.attrs);
    }
}

/// The same for variants; numbers go too, since Rust wants none beside data.
pub(super) fn strip_variants(variants: &mut Punctuated<Variant, Token![,]>) {
    for variant in variants {
        strip(&mut variant.attrs);
        strip_fields(&mut variant.fields);
        variant.discriminant = None;
    }
}

fn strip(attributes: &mut Vec<Attribute>) {
    attributes.retain(|attribute| {
        !["field", "oneof", "unknown", "unset", "value"]
            .iter()
            .any(|name| attribute.path().is_ident(name))
    });
}
