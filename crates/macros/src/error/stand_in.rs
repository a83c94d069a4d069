//! What an item with faults is to the rest of the program, so that the user hears of the faults and
//! not of everything that follows from them.

use proc_macro2::TokenStream;
use quote::quote;
use syn::Item;

use super::model::derives_debug;

/// Every impl that the macro would have made. Nothing of it runs, since nothing of it is compiled
/// to the end.
pub(super) fn of(item: &Item) -> TokenStream {
    let (ident, generics, attributes) = match item {
        Item::Enum(item) => (&item.ident, &item.generics, &item.attrs),
        Item::Struct(item) => (&item.ident, &item.generics, &item.attrs),
        _ => return TokenStream::new(),
    };
    if !generics.params.is_empty() {
        return TokenStream::new();
    }
    let text = quote! {
        fn fmt(&self, _: &mut ::core::fmt::Formatter<'_>) -> ::core::fmt::Result {
            ::core::unimplemented!()
        }
    };
    // By hand: a field may hold what has no `Debug`.
    let debug =
        (!derives_debug(attributes)).then(|| quote!(impl ::core::fmt::Debug for #ident { #text }));
    quote! {
        #debug

        impl ::core::fmt::Display for #ident { #text }

        impl ::core::error::Error for #ident {}

        impl ::core::convert::From<::kitfox::Error> for #ident {
            fn from(_: ::kitfox::Error) -> Self { ::core::unimplemented!() }
        }

        impl ::core::convert::From<#ident> for ::kitfox::Error {
            fn from(_: #ident) -> Self { ::core::unimplemented!() }
        }

        impl ::kitfox::DomainError for #ident {
            const SCHEMA: &'static ::kitfox::error::ErrorSchema =
                <::kitfox::Error as ::kitfox::DomainError>::SCHEMA;
            fn into_error(self) -> ::kitfox::Error { ::core::unimplemented!() }
            fn from_error(_: ::kitfox::Error) -> Self { ::core::unimplemented!() }
        }
    }
}
