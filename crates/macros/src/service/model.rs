//! What the macro knows of a trait.

use std::collections::HashMap;

use proc_macro2::TokenStream;
use quote::ToTokens;
use syn::parse::Parser;
use syn::{Attribute, Ident, ItemTrait, LitStr, TraitItem, TypeParamBound, Visibility};

use super::method::Method;
use crate::docs::docs;
use crate::faults::Faults;
use crate::names::is_package;
use crate::option::once;

const PACKAGE: &str =
    "name the protobuf package of the service: #[kitfox::service(package = \"strings.v1\")]";

/// A service.
pub(super) struct Model {
    pub(super) attributes: Vec<Attribute>,
    pub(super) visibility: Visibility,
    pub(super) ident: Ident,
    pub(super) package: String,
    /// Whether `kitfox.lock` knows nothing of it.
    pub(super) unlocked: bool,
    pub(super) docs: String,
    pub(super) methods: Vec<Method>,
}

impl Model {
    pub(super) fn parse(arguments: TokenStream, item: &ItemTrait) -> syn::Result<Self> {
        let mut faults = Faults::default();
        let arguments = faults.value(Arguments::parse(arguments)).unwrap_or_default();
        check_head(item, &mut faults);
        let methods = item.items.iter().filter_map(|item| {
            let method = match item {
                TraitItem::Fn(method) => return Method::parse(method, &mut faults),
                other => other,
            };
            let why = match method {
                TraitItem::Const(_) => "a service has methods only; put the constant beside the trait",
                TraitItem::Type(_) => {
                    "a service has methods only; a method names its messages, so that its client needs no type parameters"
                }
                _ => "a service has methods only: async fn name(&self, cx: &Context, request: Request) -> Result<Response, Error>;",
            };
            faults.at(method, why);
            None
        });
        let methods: Vec<Method> = methods.collect();
        check_names(&methods, &mut faults);
        check_routes(&methods, &mut faults);
        faults.check()?;
        Ok(Model {
            attributes: item.attrs.clone(),
            visibility: item.vis.clone(),
            ident: item.ident.clone(),
            package: arguments.package,
            unlocked: arguments.unlocked,
            docs: docs(&item.attrs),
            methods,
        })
    }

    /// `StringsClient`.
    pub(super) fn client(&self) -> Ident {
        quote::format_ident!("{}Client", self.ident)
    }

    /// `StringsServer`.
    pub(super) fn server(&self) -> Ident {
        quote::format_ident!("{}Server", self.ident)
    }
}

/// The trait without what only the macro understands.
pub(super) fn without_options(mut item: ItemTrait) -> ItemTrait {
    for item in &mut item.items {
        if let TraitItem::Fn(method) = item {
            method.attrs.retain(|attribute| !attribute.path().is_ident("endpoint"));
        }
    }
    item
}

/// `package = "strings.v1", unlocked`.
#[derive(Default)]
struct Arguments {
    package: String,
    unlocked: bool,
}

impl Arguments {
    fn parse(arguments: TokenStream) -> syn::Result<Self> {
        let missing = || syn::Error::new(proc_macro2::Span::call_site(), PACKAGE);
        if arguments.is_empty() {
            return Err(missing());
        }
        let mut package: Option<LitStr> = None;
        let mut unlocked = false;
        let parser = syn::meta::parser(|meta| {
            if meta.path.is_ident("unlocked") {
                unlocked = true;
                return Ok(());
            }
            if !meta.path.is_ident("package") {
                let why = "no such option; there are: package = \"strings.v1\", unlocked";
                return Err(meta.error(why));
            }
            once(&mut package, &meta, "there is a package already", PACKAGE)
        });
        parser.parse2(arguments)?;
        let package = package.ok_or_else(missing)?;
        if !is_package(&package.value()) {
            let why = "a protobuf package is names with dots between: \"strings.v1\"";
            return Err(syn::Error::new(package.span(), why));
        }
        Ok(Arguments { package: package.value(), unlocked })
    }
}

fn check_head(item: &ItemTrait, faults: &mut Faults) {
    if let Some(token) = &item.unsafety {
        faults.at(token, "a service is a safe trait: take `unsafe` away");
    }
    if !item.generics.params.is_empty() {
        let why = "a service has no generics, so that its client needs none: put them on the impl";
        faults.at(&item.generics, why);
    }
    if let Some(clause) = &item.generics.where_clause {
        faults.at(clause, "a service has no where clause: put it on the impl");
    }
    for bound in &item.supertraits {
        let given = match bound {
            TypeParamBound::Lifetime(lifetime) => lifetime.ident == "static",
            TypeParamBound::Trait(bound) => {
                bound.path.is_ident("Send") || bound.path.is_ident("Sync")
            }
            _ => false,
        };
        if !given {
            let why = "a service has no supertraits, which its client could not have (Send, Sync and 'static it has already): put the bound on the impl";
            faults.at(bound, why);
        }
    }
}

fn check_names(methods: &[Method], faults: &mut Faults) {
    let mut known = HashMap::new();
    for method in methods {
        if let Some(first) = known.insert(method.name.clone(), &method.ident) {
            let why = format!(
                "`{}` is called `{}` on the wire, as `{first}` is: give one of them another name with #[endpoint(name = \"...\")]",
                method.ident, method.name
            );
            match &method.options.name {
                Some(name) => faults.at(name, why),
                None => faults.at(&method.ident, why),
            }
        }
    }
}

fn check_routes(methods: &[Method], faults: &mut Faults) {
    let mut known = HashMap::new();
    for method in methods {
        for route in &method.options.routes {
            let key = (route.verb.ident().to_string(), route.template.normal());
            if let Some(first) = known.insert(key, &method.ident) {
                let path = route.template.text.to_token_stream();
                let why = format!("requests to `{} = {path}` go to `{first}` already", route.key);
                faults.at(&route.template.text, why);
            }
        }
    }
}
