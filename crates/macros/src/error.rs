//! `#[kitfox::error]`: from an enum, errors that stay typed from one end of a call to the other.

mod code;
mod display;
mod domain;
mod model;
mod variant;

use proc_macro2::TokenStream;
use quote::quote;

use model::Model;

/// What the enum becomes; where something is wrong with it, the errors and the enum as it was, so
/// that whoever uses it is not told that there is none.
pub(crate) fn expand(arguments: TokenStream, item: TokenStream) -> TokenStream {
    let item: syn::Item = match syn::parse2(item) {
        Ok(item) => item,
        Err(error) => return error.into_compile_error(),
    };
    let syn::Item::Enum(item) = item else {
        let why = "#[kitfox::error] goes on an enum with a variant for each way to fail; a single way is an enum of two, with #[call] Call(kitfox::Error)";
        return syn::Error::new_spanned(item, why).into_compile_error();
    };
    let plain = model::without_options(item.clone());
    match Model::parse(arguments, &item) {
        Ok(model) => {
            let parts = [display::expand(&model), domain::expand(&model)];
            let debug = (!model.has_debug).then(|| quote!(#[derive(Debug)]));
            quote!(#debug #plain #(#parts)*)
        }
        Err(error) => {
            let errors = error.into_compile_error();
            quote!(#errors #plain)
        }
    }
}
