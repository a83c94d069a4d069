//! The test that holds the contract against `kitfox.lock`.

use proc_macro2::TokenStream;
use quote::{format_ident, quote};

use super::model::Model;
use crate::names::snake;

pub(super) fn expand(model: &Model) -> TokenStream {
    if model.unlocked {
        return TokenStream::new();
    }
    let client = model.client();
    let name = format_ident!("kitfox_lock_of_{}", snake(&model.ident.to_string()));
    quote! {
        #[cfg(test)]
        #[test]
        fn #name() {
            // Cargo sets it for integration tests only, whose services are nobody's contract.
            if ::core::option_env!("CARGO_TARGET_TMPDIR").is_none() {
                ::kitfox::__private::check_lock(
                    #client::CONTRACT,
                    ::core::env!("CARGO_MANIFEST_DIR"),
                );
            }
        }
    }
}
