//! `#[message]`: a struct or an enum becomes a message.
//!
//! The macro never looks at the names of types. It says which field has which number, name and
//! encoding; the traits of `kitfox::message` know the rest, and the compiler says at the user's
//! type where one is no field.

mod element;
mod item;
mod oneof;
mod options;
mod plain;
mod reserved;
mod structure;

use proc_macro2::TokenStream;
use quote::{ToTokens, quote};
use syn::spanned::Spanned;
use syn::{Attribute, Generics, Ident, Item};

use item::Errors;
use options::MessageOptions;

/// The item with what makes it a message, or with what is wrong with it.
pub(crate) fn expand(arguments: TokenStream, input: TokenStream) -> TokenStream {
    let options = match MessageOptions::parse(arguments) {
        Ok(options) => options,
        Err(error) => return with_error(input, &error),
    };
    let item = match syn::parse2::<Item>(input.clone()) {
        Ok(item) => item,
        Err(error) => return with_error(input, &error),
    };
    match item {
        Item::Struct(mut item) => {
            let mut errors = Errors::default();
            check_generics(&item.generics, &mut errors);
            let code = structure::expand(&options, &item, &mut errors);
            let stand_in = stand_in(&item.ident, &item.generics, &item.attrs);
            item::strip_fields(&mut item.fields);
            finish(item, code, errors, &stand_in)
        }
        Item::Enum(mut item) => {
            let mut errors = Errors::default();
            check_generics(&item.generics, &mut errors);
            let code = match item::carries_data(&item) {
                true => oneof::expand(&options, &item, &mut errors),
                false => plain::expand(&options, &item, &mut errors),
            };
            let stand_in = stand_in(&item.ident, &item.generics, &item.attrs);
            item::strip_variants(&mut item.variants);
            finish(item, code, errors, &stand_in)
        }
        other => {
            let place = match &other {
                Item::Union(item) => item.union_token.span(),
                Item::Fn(item) => item.sig.fn_token.span(),
                Item::Trait(item) => item.trait_token.span(),
                Item::Type(item) => item.type_token.span(),
                item => item.span(),
            };
            let error = syn::Error::new(
                place,
                "a message is a struct, or an enum: put #[kitfox::message] before one of them",
            );
            with_error(other, &error)
        }
    }
}

fn finish(
    item: impl ToTokens,
    code: item::Code,
    errors: Errors,
    stand_in: &TokenStream,
) -> TokenStream {
    let item::Code { derives, body } = code;
    let derives = (!derives.is_empty()).then(|| quote!(#[derive(#(#derives),*)]));
    let body = match errors.finish() {
        Some(errors) => quote!(#errors #stand_in),
        None => quote! {
            #[allow(deprecated, reason = "whoever uses what is deprecated is told, not who encodes it")]
            const _: () = {
                use ::kitfox::__private as k;
                #body
            };
        },
    };
    quote!(#derives #item #body)
}

/// Keeps the item, so that the rest of the user's code still knows it.
fn with_error(item: impl ToTokens, error: &syn::Error) -> TokenStream {
    let error = error.to_compile_error();
    quote!(#item #error)
}

/// What an item with errors is to the rest of the program, so that the user hears of the errors and
/// not of everything that follows from them. It is never compiled to the end.
fn stand_in(ident: &Ident, generics: &Generics, attributes: &[Attribute]) -> TokenStream {
    if !generics.params.is_empty() {
        return TokenStream::new();
    }
    let default = (!item::has_derive(attributes, "Default")).then(|| {
        quote! {
            impl ::core::default::Default for #ident {
                fn default() -> Self { ::core::unimplemented!() }
            }
        }
    });
    let fault = quote!(::core::result::Result<(), k::Fault>);
    let made = quote!(::core::result::Result<Self, k::Fault>);
    quote! {
        #[allow(unused_variables, reason = "nothing of it runs")]
        const _: () = {
            use ::kitfox::__private as k;
            #default
            impl k::Singular for #ident {}
            impl k::Element for #ident {
                const KIND: k::Kind = <() as k::Element>::KIND;
                const WIRE: k::WireType = k::WireType::Length;
                fn absent() -> #made { ::core::unimplemented!() }
                fn is_absent(&self) -> bool { ::core::unimplemented!() }
                fn write(&self, out: &mut ::std::vec::Vec<u8>) { ::core::unimplemented!() }
                fn read(reader: &mut k::Reader<'_>) -> #made { ::core::unimplemented!() }
                fn write_json(&self, out: &mut ::std::vec::Vec<u8>) -> #fault { ::core::unimplemented!() }
                fn read_json(json: &mut k::JsonReader<'_>) -> #made { ::core::unimplemented!() }
                fn parse(text: &str) -> #made { ::core::unimplemented!() }
            }
            impl ::kitfox::message::Message for #ident {
                const NAME: &'static str = "";
                fn schema() -> &'static k::MessageSchema { ::core::unimplemented!() }
                fn write_body(&self, out: &mut ::std::vec::Vec<u8>) { ::core::unimplemented!() }
                fn read_body(reader: &mut k::Reader<'_>) -> #made { ::core::unimplemented!() }
                fn bind_body(&mut self, path: &str, text: &str) -> #fault { ::core::unimplemented!() }
            }
        };
    }
}

fn check_generics(generics: &Generics, errors: &mut Errors) {
    let Some(parameter) = generics.params.first() else { return };
    let message = match parameter {
        syn::GenericParam::Lifetime(_) => {
            "a message owns what it holds and has no lifetime: take String for &str, Vec<u8> or Bytes for &[u8]"
        }
        _ => "a message has no parameters, protobuf knows none: write a message for each type",
    };
    errors.at(parameter, message);
}
