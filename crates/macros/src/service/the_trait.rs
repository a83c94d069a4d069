//! The trait itself, and its impl for an `Arc`.

use proc_macro2::TokenStream;
use quote::{quote, quote_spanned};
use syn::spanned::Spanned;

use super::method::Method;
use super::model::Model;

pub(super) fn expand(model: &Model) -> TokenStream {
    let Model { attributes, visibility, ident, methods, .. } = model;
    let declared = methods.iter().map(declare);
    let shared = methods.iter().map(|method| share(model, method));
    let contexts = methods.iter().map(|method| {
        let ty = &method.context.ty;
        quote_spanned!(ty.span()=> ::kitfox::__private::is_context::<#ty>();)
    });
    quote! {
        #(#attributes)*
        #visibility trait #ident: ::core::marker::Send + ::core::marker::Sync + 'static {
            #(#declared)*
        }

        const _: () = { #(#contexts)* };

        #[allow(deprecated, reason = "whoever calls a deprecated method is told, not whoever passes it on")]
        impl<__S: #ident> #ident for ::std::sync::Arc<__S> {
            #(#shared)*
        }
    }
}

/// The method as it stands in the trait: an impl may write it as `async fn`.
fn declare(method: &Method) -> TokenStream {
    let Method { attributes, begin, ident, context, request, result, body, options, .. } = method;
    let (context, request_pattern, ty) = (&context.pattern, &request.pattern, &request.ty);
    let warns = attributes.iter().any(|attribute| attribute.path().is_ident("deprecated"));
    let deprecated = (options.deprecated && !warns).then(|| quote!(#[deprecated]));
    let allowed = body
        .as_ref()
        .map(|_| quote!(#[allow(clippy::manual_async_fn, reason = "it was an `async fn`")]));
    // From the user's first token to the user's last: what the compiler says of the method, it says
    // there.
    let end = match body {
        Some(body) => quote!({ async move #body }),
        None => quote_spanned!(result.span()=> ;),
    };
    let answer = quote_spanned! {result.span()=>
        impl ::core::future::Future<Output = #result> + ::core::marker::Send #end
    };
    quote! {
        #(#attributes)*
        #deprecated
        #allowed
        #begin #ident(&self, #context: &::kitfox::Context, #request_pattern: #ty) -> #answer
    }
}

fn share(model: &Model, method: &Method) -> TokenStream {
    let service = &model.ident;
    let Method { ident, request, result, .. } = method;
    let ty = &request.ty;
    quote! {
        fn #ident(
            &self,
            cx: &::kitfox::Context,
            request: #ty,
        ) -> impl ::core::future::Future<Output = #result> + ::core::marker::Send {
            <__S as #service>::#ident(self, cx, request)
        }
    }
}
