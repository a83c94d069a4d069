//! `#[kitfox::service]`: from a trait, a server, a client and the contract as data.

mod client;
mod contract;
mod lock;
mod method;
mod model;
mod options;
mod server;
mod template;
mod the_trait;

use proc_macro2::TokenStream;
use quote::quote;

use model::Model;

/// What the trait becomes; where something is wrong with it, the errors and the trait as it was, so
/// that whoever uses it is not told that there is none.
pub(crate) fn expand(arguments: TokenStream, item: TokenStream) -> TokenStream {
    // A trait with a mistake inside has a better message of its own.
    let is_trait = item.clone().into_iter().any(|token| token.to_string() == "trait");
    if !is_trait {
        let why = "#[kitfox::service] goes on a trait";
        return syn::Error::new_spanned(item, why).into_compile_error();
    }
    let item = match syn::parse2(item) {
        Ok(item) => item,
        Err(error) => return error.into_compile_error(),
    };
    match Model::parse(arguments, &item) {
        Ok(model) => {
            let parts = [
                the_trait::expand(&model),
                contract::expand(&model),
                client::expand(&model),
                server::expand(&model),
                lock::expand(&model),
            ];
            quote!(#(#parts)*)
        }
        Err(error) => {
            let errors = error.into_compile_error();
            let plain = model::without_options(item);
            quote!(#errors #[allow(async_fn_in_trait)] #plain)
        }
    }
}
