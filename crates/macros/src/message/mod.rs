//! `#[message]`: a struct or an enum becomes a message.
//!
//! The macro never looks at the names of types. It says which field has which number, name and
//! encoding; the traits of `kitfox::message` know the rest, and the compiler says at the user's
//! type where one is no field.

mod element;
mod item;
mod names;
mod oneof;
mod options;
mod plain;
mod structure;

use proc_macro2::TokenStream;
use quote::{ToTokens, quote};
use syn::spanned::Spanned;
use syn::{Generics, Item};

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
            item::strip_fields(&mut item.fields);
            finish(item, code, errors)
        }
        Item::Enum(mut item) => {
            let mut errors = Errors::default();
            check_generics(&item.generics, &mut errors);
            let code = match item::carries_data(&item) {
                true => oneof::expand(&options, &item, &mut errors),
                false => plain::expand(&options, &item, &mut errors),
            };
            item::strip_variants(&mut item.variants);
            finish(item, code, errors)
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

fn finish(item: impl ToTokens, code: item::Code, errors: Errors) -> TokenStream {
    let item::Code { derives, body } = code;
    let derives = (!derives.is_empty()).then(|| quote!(#[derive(#(#derives),*)]));
    let body = match errors.finish() {
        Some(errors) => errors,
        None => quote! {
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
