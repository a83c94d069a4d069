//! The client: the trait once more, over the endpoints of a channel.

use proc_macro2::TokenStream;
use quote::{format_ident, quote, quote_spanned};

use super::method::Method;
use super::model::Model;

pub(super) fn expand(model: &Model) -> TokenStream {
    let Model { visibility, ident, methods, .. } = model;
    let (client, server) = (model.client(), model.server());
    let calls = methods.iter().enumerate().map(|(index, method)| call(index, method));
    let about = format!(
        "Calls [`{ident}`] over a wire, or in this process. It implements the trait; cloning shares what it holds."
    );
    quote! {
        #[doc = #about]
        #[derive(Clone, Debug)]
        #visibility struct #client(::kitfox::Client);

        #[allow(deprecated, reason = "whoever calls what is deprecated is told, not whoever offers it")]
        impl #client {
            /// A client by way of `channel`.
            #[must_use]
            pub fn new(channel: &impl ::kitfox::Channel) -> Self {
                Self(::kitfox::Client::new(Self::CONTRACT, channel))
            }

            /// A client of `service` in this process, for tests and for services that share one.
            /// Messages are encoded on the way as they are on a wire.
            #[must_use]
            pub fn local(service: impl #ident) -> Self {
                Self(::kitfox::Client::local(&#server::new(service)))
            }
        }

        #[allow(deprecated, reason = "whoever calls a deprecated method is told, not whoever offers it")]
        impl #ident for #client {
            #(#calls)*
        }
    }
}

fn call(index: usize, method: &Method) -> TokenStream {
    let Method { ident, request, result, .. } = method;
    let ty = &request.ty;
    let (_, _, shim) = method.shape();
    let (shim, types) = (format_ident!("{shim}"), method.types());
    let call = quote_spanned! {ident.span()=>
        ::kitfox::__private::#shim::<#types>(&self.0, #index, cx, request)
    };
    // What the compiler has to say of the call as a whole, it says at the method.
    let answer = quote_spanned! {ident.span()=>
        impl ::core::future::Future<Output = #result> + ::core::marker::Send
    };
    quote! {
        fn #ident(&self, cx: &::kitfox::Context, request: #ty) -> #answer {
            #call
        }
    }
}
