//! One variant: a way to fail, or the call's own failure.

use syn::punctuated::Punctuated;
use syn::{Attribute, Field, Fields, Ident, Meta, Token, Type};

use super::code::{Code, Recovery};
use super::display::Text;
use crate::docs::{docs, is_deprecated};
use crate::faults::Faults;
use crate::names::{in_words, upper_snake};

/// One variant.
pub(super) struct Variant {
    pub(super) ident: Ident,
    pub(super) fields: Fields,
    pub(super) docs: String,
    pub(super) deprecated: bool,
    /// What `Display` says; `None` for the call's failure without words of its own.
    pub(super) text: Option<Text>,
    pub(super) kind: Kind,
}

/// Which of the two it is.
pub(super) enum Kind {
    /// The variant that carries a [`kitfox::Error`], whose type is this.
    Call(Type),
    Domain(Domain),
}

/// A way to fail.
pub(super) struct Domain {
    pub(super) code: Ident,
    pub(super) recovery: Recovery,
    pub(super) reason: String,
}

impl Variant {
    pub(super) fn parse(variant: &syn::Variant, faults: &mut Faults) -> Option<Self> {
        if let Some((_, number)) = &variant.discriminant {
            faults.at(number, "errors have names on the wire and no numbers: take it away");
        }
        let codes = named(&variant.attrs, "code");
        let calls = named(&variant.attrs, "call");
        if let Some(second) = codes.get(1) {
            faults.at(second, "a variant has one code: put all options into one #[code(...)]");
        }
        let kind = match (calls.first(), codes.first()) {
            (Some(call), code) => {
                if let Some(code) = code {
                    let why = "a call's own failure has the code that it came with: take this away";
                    faults.at(code, why);
                }
                faults.value(call_type(variant, call)).map(Kind::Call)
            }
            (None, Some(code)) => {
                check_fields(variant, faults);
                faults.value(domain(variant, code)).map(Kind::Domain)
            }
            (None, None) => {
                let why = format!(
                    "say what this is to callers: #[code(InvalidArgument)] {}, or another of the codes (Unavailable, NotFound, ...)",
                    variant.ident
                );
                faults.at(&variant.ident, why);
                None
            }
        };
        let about = docs(&variant.attrs);
        let first = about.split("\n\n").next().unwrap_or_default().replace('\n', " ");
        let text = match (&kind, first.is_empty()) {
            (Some(Kind::Call(_)), true) => None,
            (_, true) => Some(Text::plain(in_words(&variant.ident))),
            (_, false) => faults.value(Text::parse(&first, variant)),
        };
        Some(Variant {
            ident: variant.ident.clone(),
            fields: variant.fields.clone(),
            docs: about,
            deprecated: is_deprecated(&variant.attrs),
            text,
            kind: kind?,
        })
    }
}

fn named<'a>(attributes: &'a [Attribute], name: &str) -> Vec<&'a Attribute> {
    attributes.iter().filter(|attribute| attribute.path().is_ident(name)).collect()
}

fn domain(variant: &syn::Variant, attribute: &Attribute) -> syn::Result<Domain> {
    let Meta::List(list) = &attribute.meta else {
        let why = "name the code: #[code(InvalidArgument)]";
        return Err(syn::Error::new_spanned(attribute, why));
    };
    if list.tokens.is_empty() {
        let why = "name the code: #[code(InvalidArgument)]";
        return Err(syn::Error::new_spanned(attribute, why));
    }
    let Code { code, recovery, reason } = list.parse_args()?;
    let reason = reason.map_or_else(|| upper_snake(&variant.ident), |reason| reason.value());
    Ok(Domain { code, recovery, reason })
}

fn call_type(variant: &syn::Variant, call: &Attribute) -> syn::Result<Type> {
    if !matches!(call.meta, Meta::Path(_)) {
        return Err(syn::Error::new_spanned(call, "`call` has no options: write #[call]"));
    }
    let why = format!(
        "a call's own failure is a kitfox::Error and nothing more: {}(kitfox::Error)",
        variant.ident
    );
    match one(&variant.fields) {
        Some(field) => Ok(field.ty.clone()),
        None => Err(syn::Error::new_spanned(variant_body(variant), why)),
    }
}

/// The field of a tuple variant that has one.
fn one(fields: &Fields) -> Option<&Field> {
    match fields {
        Fields::Unnamed(fields) if fields.unnamed.len() == 1 => fields.unnamed.first(),
        _ => None,
    }
}

fn check_fields(variant: &syn::Variant, faults: &mut Faults) {
    for field in &variant.fields {
        if let Some(attribute) =
            named(&field.attrs, "source").first().or(named(&field.attrs, "from").first())
        {
            let why = "what caused an error stays on this side: put a kitfox::Error into the #[call] variant, its source is for the log";
            faults.at(attribute, why);
        }
    }
    let Fields::Unnamed(fields) = &variant.fields else { return };
    if fields.unnamed.len() > 1 {
        let types: Punctuated<&Type, Token![,]> =
            fields.unnamed.iter().map(|field| &field.ty).collect();
        let count = types.len();
        let why = format!(
            "{count} fields have {count} names on the wire: {} {{ name: Type, other: Type }}",
            variant.ident
        );
        faults.at(types, why);
    }
}

fn variant_body(variant: &syn::Variant) -> proc_macro2::TokenStream {
    let (ident, fields) = (&variant.ident, &variant.fields);
    quote::quote!(#ident #fields)
}
