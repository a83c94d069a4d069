//! `#[kitfox::labels]`: from a struct, the labels of a metric.

use std::collections::HashMap;

use proc_macro2::{Span, TokenStream};
use quote::{quote, quote_spanned};
use syn::spanned::Spanned;
use syn::{Attribute, Fields, ItemStruct, LitStr};

use crate::faults::Faults;

/// The option of a field.
const LABEL: &str = "label";

/// What a field is called by, and how it is read.
struct Label {
    name: String,
    field: syn::Ident,
    /// Where the compiler says that its values cannot be shown.
    span: Span,
}

/// What the struct becomes; where something is wrong with it, the errors, the struct as it was and
/// a stand-in, so that whoever uses it is told of nothing else.
pub(crate) fn expand(arguments: TokenStream, item: TokenStream) -> TokenStream {
    let item: syn::Item = match syn::parse2(item) {
        Ok(item) => item,
        Err(error) => return error.into_compile_error(),
    };
    let syn::Item::Struct(mut item) = item else {
        let why = "#[kitfox::labels] goes on a struct with a field for each label";
        let errors = syn::Error::new_spanned(&item, why).into_compile_error();
        return quote!(#errors #item);
    };
    let labels = parse(arguments, &item);
    for field in &mut item.fields {
        field.attrs.retain(|attribute| !is_option(attribute));
    }
    match labels {
        Ok(labels) => {
            let implementation = implement(&item, &labels);
            quote!(#item #implementation)
        }
        Err(error) => {
            let (errors, stand_in) = (error.into_compile_error(), implement(&item, &[]));
            quote!(#errors #item #stand_in)
        }
    }
}

fn implement(item: &ItemStruct, labels: &[Label]) -> TokenStream {
    let ident = &item.ident;
    let (parameters, arguments, bounds) = item.generics.split_for_impl();
    let names = labels.iter().map(|label| &label.name);
    let values =
        labels.iter().map(|Label { field, span, .. }| quote_spanned!(*span=> value(&self.#field);));
    quote! {
        impl #parameters ::kitfox::telemetry::metrics::Labels for #ident #arguments #bounds {
            const NAMES: &'static [&'static str] = &[#(#names),*];

            fn values(&self, value: &mut dyn ::core::ops::FnMut(&dyn ::core::fmt::Display)) {
                #(#values)*
                let _ = value;
            }
        }
    }
}

fn parse(arguments: TokenStream, item: &ItemStruct) -> syn::Result<Vec<Label>> {
    let mut faults = Faults::default();
    if !arguments.is_empty() {
        faults.at(arguments, "#[kitfox::labels] takes no options");
    }
    let mut labels = Vec::new();
    let mut taken = HashMap::new();
    match &item.fields {
        Fields::Named(fields) => {
            for field in &fields.named {
                let Some(ident) = &field.ident else { continue };
                let Some(given) = faults.value(name(&field.attrs)) else { continue };
                let plain = ident.to_string();
                let name = given.as_ref().map_or_else(
                    || plain.trim_start_matches("r#").to_owned(),
                    |given: &LitStr| given.value(),
                );
                let place: &dyn quote::ToTokens =
                    given.as_ref().map_or(ident as &dyn quote::ToTokens, |given| given);
                if let Some(why) = fault(&name) {
                    faults.at(place, why);
                } else if let Some(other) = taken.insert(shown(&name), ident.clone()) {
                    let why = format!(
                        "`{other}` has this label already: Prometheus reads both as `{}`",
                        shown(&name)
                    );
                    faults.at(place, why);
                }
                labels.push(Label { name, field: ident.clone(), span: field.ty.span() });
            }
        }
        Fields::Unit => {}
        Fields::Unnamed(fields) => faults.at(fields, "a label needs a name: give the field one"),
    }
    faults.check()?;
    Ok(labels)
}

/// The name that `#[label("shop.region")]` gives.
fn name(attributes: &[Attribute]) -> syn::Result<Option<LitStr>> {
    let mut given = attributes.iter().filter(|attribute| is_option(attribute));
    let Some(first) = given.next() else { return Ok(None) };
    if let Some(second) = given.next() {
        return Err(syn::Error::new_spanned(second, "a label has one name"));
    }
    let wanted = "write `#[label(\"shop.region\")]`";
    first.parse_args().map(Some).map_err(|_| syn::Error::new_spanned(first, wanted))
}

fn is_option(attribute: &Attribute) -> bool {
    attribute.path().is_ident(LABEL)
}

/// Why something is no name of a label.
fn fault(name: &str) -> Option<String> {
    let goes_on = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.');
    let letter = name.starts_with(|first: char| first.is_ascii_alphabetic());
    if !letter || !name.bytes().all(goes_on) {
        return Some(format!(
            "`{name}` is no name of a label: begin with a letter, go on with letters, digits, `_` and `.`"
        ));
    }
    (name == "le").then(|| "`le` is a histogram's own label: take another name".to_owned())
}

/// As Prometheus has it.
fn shown(name: &str) -> String {
    name.replace('.', "_")
}
