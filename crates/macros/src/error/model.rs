//! What the macro knows of an enum of errors.

use std::collections::HashMap;

use proc_macro2::TokenStream;
use syn::parse::Parser;
use syn::spanned::Spanned;
use syn::{
    Attribute, Ident, ItemEnum, LitStr, Meta, Token, Type, parse_quote, parse_quote_spanned,
};

use super::variant::{Kind, Variant};
use crate::docs::docs;
use crate::faults::Faults;
use crate::names::is_package;
use crate::option::once;

const CALL: &str =
    "a variant for a call that failed on the way is missing: #[call] Call(kitfox::Error)";

/// A service's errors.
pub(super) struct Model {
    pub(super) ident: Ident,
    pub(super) domain: String,
    /// The protobuf package of the messages that hold the variants' fields, where one is named.
    pub(super) package: Option<String>,
    pub(super) variants: Vec<Variant>,
    /// Whether the user derives `Debug`.
    pub(super) has_debug: bool,
}

/// The variant that carries a call's own failure.
pub(super) struct Call<'a> {
    pub(super) ident: &'a Ident,
    pub(super) ty: &'a Type,
}

impl Model {
    pub(super) fn parse(arguments: TokenStream, item: &ItemEnum) -> syn::Result<Self> {
        let mut faults = Faults::default();
        let domain = faults.value(domain(arguments)).flatten();
        if !item.generics.params.is_empty() {
            faults.at(&item.generics, "errors have no generics: both ends of a call know one type");
        }
        let variants: Vec<_> =
            item.variants.iter().map(|variant| Variant::parse(variant, &mut faults)).collect();
        check_call(item, &mut faults);
        check_reasons(variants.iter().flatten(), &mut faults);
        faults.check()?;
        Ok(Model {
            ident: item.ident.clone(),
            domain: domain.clone().unwrap_or_else(|| item.ident.to_string()),
            package: domain,
            variants: variants.into_iter().flatten().collect(),
            has_debug: derives_debug(&item.attrs),
        })
    }

    /// There is exactly one, as was checked.
    pub(super) fn call(&self) -> Call<'_> {
        let call = self.variants.iter().find_map(|variant| match &variant.kind {
            Kind::Call(ty) => Some(Call { ident: &variant.ident, ty }),
            Kind::Domain(_) => None,
        });
        call.expect("an enum without a call variant is refused")
    }
}

/// The enum without what only the macro understands.
pub(super) fn without_options(mut item: ItemEnum) -> ItemEnum {
    for variant in &mut item.variants {
        let is_call = variant.attrs.iter().any(|attribute| attribute.path().is_ident("call"));
        if is_call && docs(&variant.attrs).is_empty() {
            variant.attrs.push(
                parse_quote!(#[doc = "The call failed on its way, or as no other variant says."]),
            );
        }
        variant.attrs.retain(|attribute| {
            !attribute.path().is_ident("code") && !attribute.path().is_ident("call")
        });
        // Refused, and no more need be said of it.
        variant.discriminant = None;
        for field in &mut variant.fields {
            if is_call {
                // Whether the user's type is this one is asked apart, once.
                field.ty = parse_quote_spanned!(field.ty.span()=> ::kitfox::Error);
            }
            let options = ["field", "oneof", "source", "from"];
            field.attrs.retain(|it| !options.iter().any(|option| it.path().is_ident(option)));
        }
    }
    item
}

fn domain(arguments: TokenStream) -> syn::Result<Option<String>> {
    let mut domain: Option<LitStr> = None;
    let wanted = "write the name that these errors have on the wire: #[kitfox::error(domain = \"strings.v1\")]";
    let parser = syn::meta::parser(|meta| {
        if !meta.path.is_ident("domain") {
            return Err(meta.error("no such option; there is: domain = \"strings.v1\""));
        }
        once(&mut domain, &meta, "there is a domain already", wanted)
    });
    parser.parse2(arguments)?;
    match domain {
        Some(domain) if !is_package(&domain.value()) => {
            let why = "a domain is names with dots between: \"strings.v1\"";
            Err(syn::Error::new(domain.span(), why))
        }
        domain => Ok(domain.map(|domain| domain.value())),
    }
}

fn check_call(item: &ItemEnum, faults: &mut Faults) {
    let calls = item.variants.iter().filter_map(|variant| {
        let call = variant.attrs.iter().find(|attribute| attribute.path().is_ident("call"))?;
        Some((variant, call))
    });
    let calls: Vec<_> = calls.collect();
    match calls[..] {
        [] => faults.at(&item.ident, CALL),
        [_] => {}
        [(first, _), ref rest @ ..] => {
            for (_, call) in rest {
                let why =
                    format!("a call's own failure has one variant, and it is `{}`", first.ident);
                faults.at(call, why);
            }
        }
    }
}

fn check_reasons<'a>(variants: impl Iterator<Item = &'a Variant>, faults: &mut Faults) {
    let mut known = HashMap::new();
    for variant in variants {
        let Kind::Domain(domain) = &variant.kind else { continue };
        if let Some(first) = known.insert(domain.reason.clone(), &variant.ident) {
            let why = format!(
                "`{}` is `{}` on the wire, as `{first}` is: give one of them another name with #[code(.., reason = \"...\")]",
                variant.ident, domain.reason
            );
            faults.at(&variant.ident, why);
        }
    }
}

/// Whether the user derives `Debug`.
pub(super) fn derives_debug(attributes: &[Attribute]) -> bool {
    attributes.iter().any(is_derive_of_debug)
}

fn is_derive_of_debug(attribute: &Attribute) -> bool {
    let Meta::List(list) = &attribute.meta else { return false };
    if !list.path.is_ident("derive") {
        return false;
    }
    let paths =
        list.parse_args_with(syn::punctuated::Punctuated::<syn::Path, Token![,]>::parse_terminated);
    paths.is_ok_and(|paths| {
        paths.iter().any(|path| path.segments.last().is_some_and(|last| last.ident == "Debug"))
    })
}
