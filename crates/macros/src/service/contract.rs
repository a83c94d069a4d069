//! The contract as data, and the checks of it that the compiler makes.

use proc_macro2::TokenStream;
use quote::{format_ident, quote, quote_spanned};
use syn::spanned::Spanned;

use super::method::{Method, Side};
use super::model::Model;
use super::template::Template;

pub(super) fn expand(model: &Model) -> TokenStream {
    let Model { package, docs, ident, methods, attributes, .. } = model;
    let deprecated = crate::docs::is_deprecated(attributes);
    let (client, name) = (model.client(), ident.to_string());
    let service = format!("{package}.{name}");
    let described = methods.iter().map(|method| describe(&service, method));
    let checks = methods.iter().map(check_fields);
    quote! {
        #[allow(deprecated, reason = "whoever uses what is deprecated is told, not its contract")]
        const _: () = {
            static __CONTRACT: ::kitfox::contract::Contract = ::kitfox::contract::Contract {
                package: #package,
                name: #name,
                docs: #docs,
                deprecated: #deprecated,
                methods: &[#(#described),*],
            };

            impl #client {
                /// What the service offers, as data.
                pub const CONTRACT: &'static ::kitfox::contract::Contract = &__CONTRACT;
            }

            #(#checks)*
        };
    }
}

fn describe(service: &str, method: &Method) -> TokenStream {
    let Method { name, docs, options, input, output, error, .. } = method;
    let path = format!("/{service}/{name}");
    let shape = format_ident!("{}", method.shape().0);
    let (detached, deprecated) = (options.detached, options.deprecated);
    let idempotency = if options.safe.is_some() || options.get().is_some() {
        quote!(Safe)
    } else if options.idempotent.is_some() {
        quote!(Idempotent)
    } else if options.keyed.is_some() {
        quote!(Keyed)
    } else {
        quote!(None)
    };
    let routes = options.routes.iter().map(|route| {
        let (verb, template) = (route.verb.ident(), &route.template.text);
        quote! {
            ::kitfox::contract::Route { verb: ::kitfox::contract::Verb::#verb, template: #template }
        }
    });
    let (input, output) = (schema(input), schema(output));
    let checked = method.checked_error();
    let errors = quote_spanned!(error.span()=> <#checked as ::kitfox::DomainError>::SCHEMA);
    quote! {
        ::kitfox::contract::Method {
            service: #service,
            name: #name,
            path: #path,
            docs: #docs,
            shape: ::kitfox::contract::Shape::#shape,
            idempotency: ::kitfox::contract::Idempotency::#idempotency,
            detached: #detached,
            deprecated: #deprecated,
            routes: &[#(#routes),*],
            input: #input,
            output: #output,
            errors: #errors,
        }
    }
}

fn schema(side: &Side) -> TokenStream {
    let message = side.checked();
    quote_spanned!(side.message.span()=> <#message as ::kitfox::message::Message>::schema)
}

/// Looks the fields up that stand in a path, so that the compiler says at the path which one is not
/// there.
fn check_fields(method: &Method) -> TokenStream {
    let message = &method.input.checked();
    let checks = method.options.routes.iter().flat_map(|route| {
        let Template { text, fields } = &route.template;
        fields.iter().map(move |path| {
            let field = path.split('.').next().unwrap_or_default();
            let why = format!("the request has no field `{field}`, which stands in this path");
            quote_spanned! {text.span()=>
                const _: () = ::kitfox::__private::has_field::<#message>(#field, #why);
            }
        })
    });
    quote!(#(#checks)*)
}
