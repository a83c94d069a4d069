//! `#[kitfox::error]`: from an enum, errors that stay typed from one end of a call to the other.

mod code;
mod display;
mod domain;
mod model;
mod stand_in;
mod variant;

use proc_macro2::TokenStream;
use quote::quote;

use model::Model;

/// What the enum becomes; where something is wrong with it, the errors, the enum as it was and
/// a stand-in for what it would be, so that whoever uses it is told of nothing else.
pub(crate) fn expand(arguments: TokenStream, item: TokenStream) -> TokenStream {
    let item: syn::Item = match syn::parse2(item) {
        Ok(item) => item,
        Err(error) => return error.into_compile_error(),
    };
    let syn::Item::Enum(item) = item else {
        let why = "#[kitfox::error] goes on an enum with a variant for each way to fail; a single way is an enum of two, with #[call] Call(kitfox::Error)";
        let errors = syn::Error::new_spanned(&item, why).into_compile_error();
        let stand_in = stand_in::of(&item);
        return quote!(#errors #item #stand_in);
    };
    let plain = model::without_options(item.clone());
    match Model::parse(arguments, &item) {
        Ok(model) => {
            let parts = [display::expand(&model), domain::expand(&model)];
            let debug = (!model.has_debug).then(|| quote!(#[derive(Debug)]));
            quote! {
                #debug
                #plain
                #[allow(deprecated, reason = "whoever uses what is deprecated is told, not its code")]
                const _: () = { #(#parts)* };
            }
        }
        Err(error) => {
            let errors = error.into_compile_error();
            let stand_in = stand_in::of(&plain.clone().into());
            quote!(#errors #plain #stand_in)
        }
    }
}
