//! `Display`, `Error` and `From`: an error's doc comment is what it says.

use proc_macro2::TokenStream;
use quote::{format_ident, quote, quote_spanned};
use syn::ext::IdentExt;
use syn::spanned::Spanned;
use syn::{Fields, Ident};

use super::model::Model;
use super::variant::{Kind, Variant};

/// What a variant says: text with fields between.
pub(super) struct Text {
    /// A format string.
    format: String,
    /// The fields in it.
    fields: Vec<Ident>,
}

impl Text {
    /// Text without fields.
    pub(super) fn plain(text: String) -> Self {
        Text { format: text, fields: Vec::new() }
    }

    /// The first paragraph of a doc comment. `{max}` is a field, `{0}` the only one of a tuple,
    /// `{{` a brace.
    pub(super) fn parse(text: &str, variant: &syn::Variant) -> syn::Result<Self> {
        let wrong = |why: String| {
            let doc = variant.attrs.iter().find(|attribute| attribute.path().is_ident("doc"));
            Err(syn::Error::new(doc.map_or(variant.ident.span(), Spanned::span), why))
        };
        let mut parsed = Text::plain(String::new());
        let mut rest = text;
        while let Some(start) = rest.find(['{', '}']) {
            let (before, brace) = rest.split_at(start);
            parsed.format.push_str(before);
            if brace.starts_with("{{") || brace.starts_with("}}") {
                parsed.format.push_str(&brace[..2]);
                rest = &brace[2..];
                continue;
            }
            let Some((inside, after)) = brace.strip_prefix('{').and_then(|it| it.split_once('}'))
            else {
                return wrong(
                    "this brace has no partner; a brace itself is written twice: {{".to_owned(),
                );
            };
            let (name, style) = inside.split_once(':').map_or((inside, ""), |(a, b)| (a, b));
            let Some(field) = binding(variant, name) else {
                let known = known(variant);
                return wrong(format!(
                    "`{{{name}}}` is no field of `{}`, {known}; a brace itself is written twice: {{{{",
                    variant.ident
                ));
            };
            let colon = if style.is_empty() { "" } else { ":" };
            parsed.format.push_str(&format!("{{{field}{colon}{style}}}"));
            if !parsed.fields.contains(&field) {
                parsed.fields.push(field);
            }
            rest = after;
        }
        parsed.format.push_str(rest);
        Ok(parsed)
    }
}

pub(super) fn expand(model: &Model) -> TokenStream {
    let (ident, call) = (&model.ident, model.call());
    let (call_ident, call_type) = (call.ident, call.ty);
    let arms = model.variants.iter().map(arm);
    let is_error =
        quote_spanned!(call_type.span()=> ::kitfox::__private::is_error::<#call_type>(););
    quote! {
        const _: () = { #is_error };

        impl ::core::fmt::Display for #ident {
            fn fmt(&self, f: &mut ::core::fmt::Formatter<'_>) -> ::core::fmt::Result {
                match self { #(#arms)* }
            }
        }

        impl ::core::error::Error for #ident {
            fn source(&self) -> ::core::option::Option<&(dyn ::core::error::Error + 'static)> {
                match self {
                    Self::#call_ident(error) => ::core::option::Option::Some(error),
                    #[allow(unreachable_patterns, reason = "there may be no other")]
                    _ => ::core::option::Option::None,
                }
            }
        }

        impl ::core::convert::From<::kitfox::Error> for #ident {
            fn from(error: ::kitfox::Error) -> Self {
                Self::#call_ident(error)
            }
        }

        /// As the failure of a service that was called: given back with `?`, it is masked.
        impl ::core::convert::From<#ident> for ::kitfox::Error {
            fn from(error: #ident) -> Self {
                match error {
                    #ident::#call_ident(error) => error,
                    #[allow(unreachable_patterns, reason = "there may be no other")]
                    error => ::kitfox::DomainError::into_error(error)
                        .with_origin(::kitfox::Origin::Peer),
                }
            }
        }
    }
}

fn arm(variant: &Variant) -> TokenStream {
    let ident = &variant.ident;
    let Some(text) = &variant.text else {
        return quote!(Self::#ident(error) => ::core::fmt::Display::fmt(error, f),);
    };
    let Text { format, fields } = text;
    let pattern = match (&variant.fields, &variant.kind) {
        (Fields::Unit, _) => quote!(Self::#ident),
        (Fields::Unnamed(_), _) if fields.is_empty() => quote!(Self::#ident(..)),
        (Fields::Unnamed(_), _) => quote!(Self::#ident(#(#fields),*)),
        (Fields::Named(_), Kind::Domain(_) | Kind::Call(_)) => {
            let fields = variant.fields.members().filter_map(|member| match member {
                syn::Member::Named(name) => Some(name),
                syn::Member::Unnamed(_) => None,
            });
            let bound = fields.filter_map(|name| {
                let binding = format_ident!("{}", name.unraw());
                let binding = format_ident!("field_{binding}");
                text.fields.contains(&binding).then(|| quote!(#name: #binding))
            });
            quote!(Self::#ident { #(#bound,)* .. })
        }
    };
    if fields.is_empty() {
        let plain = format.replace("{{", "{").replace("}}", "}");
        return quote!(#pattern => f.write_str(#plain),);
    }
    quote!(#pattern => ::core::write!(f, #format),)
}

/// The name under which a field is at hand in the format string.
fn binding(variant: &syn::Variant, name: &str) -> Option<Ident> {
    let found = match &variant.fields {
        Fields::Named(fields) => fields
            .named
            .iter()
            .filter_map(|field| field.ident.as_ref())
            .any(|ident| ident.unraw() == name),
        Fields::Unnamed(fields) => name == "0" && fields.unnamed.len() == 1,
        Fields::Unit => false,
    };
    // Field names may be keywords, and a keyword cannot stand in a format string.
    found.then(|| format_ident!("field_{name}"))
}

fn known(variant: &syn::Variant) -> String {
    match &variant.fields {
        Fields::Named(fields) => {
            let names = fields.named.iter().filter_map(|field| field.ident.as_ref());
            let names: Vec<_> = names.map(|name| format!("{{{}}}", name.unraw())).collect();
            format!("which has {}", names.join(", "))
        }
        Fields::Unnamed(_) => "which has {0}".to_owned(),
        Fields::Unit => "which has none".to_owned(),
    }
}
