//! The server: the trait's methods as endpoints.

use proc_macro2::TokenStream;
use quote::{format_ident, quote};

use super::method::Method;
use super::model::Model;

pub(super) fn expand(model: &Model) -> TokenStream {
    let Model { visibility, ident, methods, .. } = model;
    let (client, server) = (model.client(), model.server());
    let endpoints = methods.iter().map(|method| endpoint(model, method));
    let about = format!(
        "Serves an implementation of [`{ident}`] on every wire: give it to a `kitfox::Host`."
    );
    quote! {
        #[doc = #about]
        #visibility struct #server<S>(::std::sync::Arc<S>);

        #[allow(deprecated, reason = "whoever calls what is deprecated is told, not whoever serves it")]
        impl<S: #ident> #server<S> {
            /// Serves `service`; an `Arc` of it will do, too.
            #[must_use]
            pub fn new(service: S) -> Self {
                Self(::std::sync::Arc::new(service))
            }
        }

        impl<S> ::core::clone::Clone for #server<S> {
            fn clone(&self) -> Self {
                Self(::std::sync::Arc::clone(&self.0))
            }
        }

        impl<S> ::core::fmt::Debug for #server<S> {
            fn fmt(&self, f: &mut ::core::fmt::Formatter<'_>) -> ::core::fmt::Result {
                f.debug_struct(::core::stringify!(#server)).finish_non_exhaustive()
            }
        }

        #[allow(deprecated, reason = "whoever calls a deprecated method is told, not whoever serves it")]
        impl<S: #ident> ::kitfox::Service for #server<S> {
            fn contract(&self) -> &'static ::kitfox::Contract {
                #client::CONTRACT
            }

            fn endpoints(&self) -> ::std::vec::Vec<::kitfox::BoxEndpoint> {
                ::std::vec![#(#endpoints),*]
            }
        }
    }
}

fn endpoint(model: &Model, method: &Method) -> TokenStream {
    let service = &model.ident;
    let Method { ident, request, .. } = method;
    let ty = &request.ty;
    let (_, shim, _) = method.shape();
    let (shim, types) = (format_ident!("{shim}"), method.types());
    quote! {
        ::kitfox::__private::#shim::<S, #types, _, _>(
            &self.0,
            |service: ::std::sync::Arc<S>, cx: ::kitfox::Context, request: #ty| async move {
                <S as #service>::#ident(&service, &cx, request).await
            },
        )
    }
}
