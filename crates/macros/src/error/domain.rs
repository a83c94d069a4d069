//! `DomainError`: a variant into details, and details into the variant.

use proc_macro2::{Span, TokenStream};
use quote::{format_ident, quote, quote_spanned};
use syn::spanned::Spanned;
use syn::{Fields, Ident};

use super::code::Recovery;
use super::model::Model;
use super::variant::{Domain, Kind, Variant};

pub(super) fn expand(model: &Model) -> TokenStream {
    let ident = &model.ident;
    let domain = &model.domain;
    let call = model.call().ident;
    let domains: Vec<_> = model
        .variants
        .iter()
        .filter_map(|variant| match &variant.kind {
            Kind::Domain(domain) => Some((variant, domain)),
            Kind::Call(_) => None,
        })
        .collect();
    let described = domains.iter().map(|(variant, domain)| describe(model, variant, domain));
    let details = domains.iter().filter_map(|(variant, _)| detail(model, variant));
    let out = domains.iter().enumerate().map(|(index, (variant, _))| into(model, index, variant));
    let back =
        domains.iter().enumerate().map(|(index, (variant, _))| from(model, index, variant, call));
    let (this, text) = (this(), text());
    // The text is not made of a failure that has one already.
    let into = if domains.is_empty() {
        quote!(let Self::#call(error) = self; error)
    } else {
        quote! {
            let #this = match self {
                Self::#call(error) => return error,
                #this => #this,
            };
            let #text = ::std::string::ToString::to_string(&#this);
            match #this {
                Self::#call(error) => error,
                #(#out)*
            }
        }
    };
    quote! {
            #(#details)*

            impl ::kitfox::DomainError for #ident {
                const SCHEMA: &'static ::kitfox::error::ErrorSchema =
                    &::kitfox::error::ErrorSchema { domain: #domain, variants: &[#(#described),*] };

                fn into_error(self) -> ::kitfox::Error {
                    #into
                }

                fn from_error(error: ::kitfox::Error) -> Self {
                    match Self::SCHEMA.variant_of(&error) {
                        #(#back)*
                        _ => Self::#call(error),
                    }
                }
            }
    }
}

fn describe(model: &Model, variant: &Variant, domain: &Domain) -> TokenStream {
    let Domain { code, recovery, reason } = domain;
    let (docs, deprecated) = (&variant.docs, variant.deprecated);
    let detail = match detail_name(model, variant) {
        Some(detail) => quote! {
            ::core::option::Option::Some(<#detail as ::kitfox::message::Message>::schema)
        },
        None => quote!(::core::option::Option::None),
    };
    let recovery = match recovery {
        Recovery::No => quote!(No),
        Recovery::Retry => quote!(Retry),
        Recovery::After(pause) => {
            let milliseconds = u64::try_from(pause.as_millis()).unwrap_or(u64::MAX);
            quote!(After(::core::time::Duration::from_millis(#milliseconds)))
        }
    };
    quote! {
        ::kitfox::error::ErrorVariant {
            reason: #reason,
            code: ::kitfox::Code::#code,
            recovery: ::kitfox::Recovery::#recovery,
            docs: #docs,
            deprecated: #deprecated,
            detail: #detail,
        }
    }
}

/// The message that holds a variant's fields; none where it has none.
fn detail(model: &Model, variant: &Variant) -> Option<TokenStream> {
    let name = detail_name(model, variant)?;
    // A domain that is no package is a scope within the package of whoever fails so.
    let options = match &model.package {
        Some(package) => {
            let name = variant.ident.to_string();
            quote!(package = #package, name = #name)
        }
        None => {
            let name = format!("{}.{}", model.domain, variant.ident);
            quote!(name = #name)
        }
    };
    let docs = format!("What belongs to `{}`.", reason(variant));
    let fields = variant.fields.iter().map(|field| {
        let attributes = &field.attrs;
        let ty = &field.ty;
        let name = field.ident.clone().unwrap_or_else(|| Ident::new("value", ty.span()));
        quote_spanned!(ty.span()=> #(#attributes)* #name: #ty)
    });
    Some(quote! {
        #[doc = #docs]
        #[::kitfox::message(#options)]
        struct #name { #(#fields),* }
    })
}

fn reason(variant: &Variant) -> &str {
    match &variant.kind {
        Kind::Domain(domain) => &domain.reason,
        Kind::Call(_) => "",
    }
}

fn detail_name(model: &Model, variant: &Variant) -> Option<Ident> {
    (!variant.fields.is_empty()).then(|| format_ident!("__{}{}", model.ident, variant.ident))
}

fn into(model: &Model, index: usize, variant: &Variant) -> TokenStream {
    let ident = &variant.ident;
    let text = text();
    let error = quote!(Self::SCHEMA.error(#index, #text));
    let Some(detail) = detail_name(model, variant) else {
        let pattern = pattern(variant);
        return quote!(Self::#ident #pattern => #error,);
    };
    let pattern = pattern(variant);
    let fields = members(variant);
    quote! {
        Self::#ident #pattern => {
            #error.with_detail(::kitfox::Detail::new(&#detail { #(#fields),* }))
        }
    }
}

fn from(model: &Model, index: usize, variant: &Variant, call: &Ident) -> TokenStream {
    let ident = &variant.ident;
    let pattern = pattern(variant);
    let some = quote!(::core::option::Option::Some);
    let Some(detail) = detail_name(model, variant) else {
        return quote!(#some(#index) => Self::#ident #pattern,);
    };
    let fields = members(variant);
    quote! {
        #some(#index) => match error.details().iter().find_map(::kitfox::Detail::decode::<#detail>) {
            #some(#detail { #(#fields),* }) => Self::#ident #pattern,
            // A newer peer may say more in other words.
            ::core::option::Option::None => Self::#call(error),
        },
    }
}

/// The variant's fields as a pattern, and as an expression.
fn pattern(variant: &Variant) -> TokenStream {
    match &variant.fields {
        Fields::Unit => TokenStream::new(),
        Fields::Unnamed(fields) if fields.unnamed.is_empty() => quote!(()),
        Fields::Unnamed(_) => quote!((value)),
        Fields::Named(_) => {
            let fields = members(variant);
            quote!({ #(#fields),* })
        }
    }
}

// Names that no field of the user's can shadow.
fn this() -> Ident {
    Ident::new("this", Span::mixed_site())
}

fn text() -> Ident {
    Ident::new("text", Span::mixed_site())
}

/// The fields of the message.
fn members(variant: &Variant) -> Vec<Ident> {
    let names = variant.fields.iter().map(|field| field.ident.clone());
    names.map(|name| name.unwrap_or_else(|| format_ident!("value"))).collect()
}
