//! An enum whose variants carry data: protobuf's oneof, in another message or as one of its own.

use proc_macro2::TokenStream;
use quote::{quote, quote_spanned};
use syn::spanned::Spanned;
use syn::{Error, Fields, Ident, ItemEnum, Type, Variant, parse_quote};

use super::element;
use super::item::{self, Code, Errors};
use super::options::{self, FieldOptions, MessageOptions, plain_name};
use super::structure::Seen;
use crate::names;

struct Choice<'a> {
    ident: &'a Ident,
    ty: Type,
    /// Without data in Rust, whatever it is on the wire.
    is_unit: bool,
    number: u32,
    name: String,
    json: String,
    encoding: TokenStream,
    docs: String,
    deprecated: bool,
}

pub(super) fn expand(options: &MessageOptions, item: &ItemEnum, errors: &mut Errors) -> Code {
    let derives = item::derives(&item.attrs, &["Clone", "Debug", "PartialEq"]);
    let ident = &item.ident;
    let unset = errors.take(unset(item).map(Some)).flatten();
    let choices = choices(item, options, errors);
    if choices.is_empty() {
        errors.at(ident, "the enum needs a variant that carries data, such as Circle(Circle)");
    }

    let docs = item::docs(&item.attrs);
    let oneof = oneof_impl(ident, &choices, unset, &docs);
    let element = element_impl(ident, unset, &choices, options.json_by_hand);
    // A group may not have the name of one of its fields.
    let mut group = names::snake(&plain_name(ident));
    while choices.iter().any(|choice| choice.name == group) {
        group.push_str("_kind");
    }
    let member = quote! {
        k::Member::Oneof(k::OneofSchema {
            name: #group,
            docs: "",
            fields: <#ident as k::Oneof>::FIELDS,
        })
    };
    let message = element::message(
        ident,
        options,
        &item.attrs,
        &member,
        &quote! {
            fn write_body(&self, out: &mut ::std::vec::Vec<u8>) {
                k::Oneof::write_variant(self, out);
            }
            fn read_body(
                reader: &mut k::Reader<'_>,
            ) -> ::core::result::Result<Self, k::Fault> {
                k::oneof::read(::core::option::Option::None, &SCHEMA, reader)
            }
            fn bind_body(
                &mut self,
                path: &str,
                text: &str,
            ) -> ::core::result::Result<(), k::Fault> {
                let mut slot = ::core::option::Option::None;
                <Self as k::Element>::bind(&mut slot, path, text)?;
                if let ::core::option::Option::Some(bound) = slot {
                    *self = bound;
                }
                ::core::result::Result::Ok(())
            }
        },
    );
    Code { derives, body: quote!(#oneof #element #message) }
}

fn unset(item: &ItemEnum) -> syn::Result<Option<&Ident>> {
    let mut found = None;
    for variant in &item.variants {
        if options::flag(&variant.attrs, "unset")?.is_none() {
            continue;
        }
        if !matches!(variant.fields, Fields::Unit) {
            return Err(Error::new_spanned(
                variant,
                format!("the #[unset] variant carries no data: write `#[unset] {}`", variant.ident),
            ));
        }
        if found.replace(&variant.ident).is_some() {
            return Err(Error::new_spanned(variant, "there is one #[unset] variant already"));
        }
    }
    Ok(found)
}

fn choices<'a>(
    item: &'a ItemEnum,
    options: &MessageOptions,
    errors: &mut Errors,
) -> Vec<Choice<'a>> {
    let mut seen = Seen::new(&options.reserved);
    let mut choices = Vec::new();
    for variant in &item.variants {
        match choice(variant, choices.len(), &mut seen) {
            Ok(choice) => choices.extend(choice),
            Err(error) => errors.push(error),
        }
    }
    choices
}

fn choice<'a>(
    variant: &'a Variant,
    place: usize,
    seen: &mut Seen<'_>,
) -> syn::Result<Option<Choice<'a>>> {
    let ident = &variant.ident;
    for wrong in ["oneof", "value"] {
        if let Some(attribute) = variant.attrs.iter().find(|it| it.path().is_ident(wrong)) {
            return Err(Error::new_spanned(
                attribute,
                format!("#[{wrong}] has no meaning before a variant that carries data"),
            ));
        }
    }
    if let Some((_, number)) = &variant.discriminant {
        return Err(Error::new_spanned(
            number,
            format!(
                "the number of a variant that is a field stands before it: #[field(3)] {ident}"
            ),
        ));
    }
    let options = FieldOptions::of(&variant.attrs)?;
    options.check_variant()?;
    if options::flag(&variant.attrs, "unset")?.is_some() && !options.present {
        return Ok(None);
    }
    let (ty, is_unit) = match &variant.fields {
        Fields::Unit => (options.via.clone().unwrap_or_else(|| parse_quote!(())), true),
        Fields::Unnamed(fields) if fields.unnamed.len() == 1 => {
            if let Some(attribute) = fields.unnamed[0].attrs.first() {
                return Err(Error::new_spanned(
                    attribute,
                    format!("attributes stand before the variant: #[field(3)] {ident}(...)"),
                ));
            }
            (fields.unnamed[0].ty.clone(), false)
        }
        fields => {
            return Err(Error::new_spanned(
                fields,
                format!(
                    "a variant holds one value: put the fields into a message of their own, {ident}({ident})"
                ),
            ));
        }
    };
    let (number, span) = options.number(place, seen.reserved, ident.span());
    let (name, json, names) = options.names(names::snake(&plain_name(ident)), ident.span());
    seen.number(number, span, ident)?;
    seen.name(&name, &json, names, ident)?;
    let encoding = options.encoding();
    let docs = item::docs(&variant.attrs);
    let deprecated = crate::docs::is_deprecated(&variant.attrs);
    Ok(Some(Choice { ident, ty, is_unit, number, name, json, encoding, docs, deprecated }))
}

impl Choice<'_> {
    /// The trait of the value, in the name of the user's type.
    fn element(&self) -> TokenStream {
        let (ty, encoding) = (&self.ty, &self.encoding);
        quote_spanned!(ty.span()=> <#ty as k::Element<#encoding>>)
    }

    /// Takes the value out of the slot if it is this variant, lets `work` change it, puts it back.
    fn in_slot(&self, work: &TokenStream) -> TokenStream {
        let ident = self.ident;
        let (take, put) = match self.is_unit {
            true => (quote!(Self::#ident), quote!(|_| Self::#ident)),
            false => (quote!(Self::#ident(value)), quote!(Self::#ident)),
        };
        let value = match self.is_unit {
            true => quote!(::core::option::Option::None),
            false => quote!(::core::option::Option::Some(value)),
        };
        quote! {{
            let mut value = match slot.take() {
                ::core::option::Option::Some(#take) => #value,
                _ => ::core::option::Option::None,
            };
            #work
            *slot = value.map(#put);
        }}
    }

    /// A match arm that binds `value` to the data by reference.
    fn pattern(&self) -> (TokenStream, TokenStream) {
        let (ident, ty) = (self.ident, &self.ty);
        match self.is_unit {
            true => (
                quote!(Self::#ident),
                quote!(let value = &<#ty as ::core::default::Default>::default();),
            ),
            false => (quote!(Self::#ident(value)), TokenStream::new()),
        }
    }
}

fn oneof_impl(
    ident: &Ident,
    choices: &[Choice<'_>],
    unset: Option<&Ident>,
    docs: &str,
) -> TokenStream {
    let schema = choices.iter().map(|choice| {
        let Choice { ty, number, name, json, encoding, docs, deprecated, .. } = choice;
        quote_spanned! {ty.span()=>
            k::FieldSchema {
                name: #name,
                json_name: #json,
                number: #number,
                label: k::Label::Optional,
                kind: <#ty as k::Element<#encoding>>::KIND,
                docs: #docs,
                deprecated: #deprecated,
                takes_null: <#ty as k::Element<#encoding>>::TAKES_NULL,
            },
        }
    });
    let on_the_wire = |unset: &&Ident| choices.iter().any(|choice| choice.ident == *unset);
    let silent = unset.filter(|unset| !on_the_wire(unset));
    let write_silent = silent.map(|silent| quote!(Self::#silent => {}));
    let write_json_silent =
        silent.map(|silent| quote!(Self::#silent => ::core::result::Result::Ok(()),));
    let unset = match unset {
        Some(unset) => quote!(::core::option::Option::Some(Self::#unset)),
        None => quote!(::core::option::Option::None),
    };
    let write = choices.iter().map(|choice| {
        let (pattern, value) = choice.pattern();
        let (element, number) = (choice.element(), choice.number);
        quote! {
            #pattern => {
                #value
                k::wire::write_tag(#number, #element::WIRE, out);
                #element::write(value, out);
            }
        }
    });
    let read = choices.iter().map(|choice| {
        let (element, number) = (choice.element(), choice.number);
        let work = choice.in_slot(&quote!(#element::merge(&mut value, reader)?;));
        quote!(#number => { k::WireType::expect(wire, #element::WIRE)?; #work })
    });
    let write_json = choices.iter().map(|choice| {
        let (pattern, value) = choice.pattern();
        let (element, json) = (choice.element(), &choice.json);
        let key = format!("\"{json}\":");
        quote! {
            #pattern => {
                #value
                k::json::write_key(#key, out);
                #element::write_json(value, out).map_err(|fault| fault.at(#json))
            }
        }
    });
    let read_json = choices.iter().enumerate().map(|(index, choice)| {
        let element = choice.element();
        let work = choice
            .in_slot(&quote!(value = ::core::option::Option::Some(#element::read_json(json)?);));
        quote!(#index => #work)
    });
    let bind = choices.iter().enumerate().map(|(index, choice)| {
        let element = choice.element();
        let work = choice.in_slot(&quote!(#element::bind(&mut value, path, text)?;));
        quote!(#index => #work)
    });
    quote! {
        #[allow(unused_assignments, reason = "what JSON sets is not looked at before")]
        #[diagnostic::do_not_recommend]
        impl k::Oneof for #ident {
            const FIELDS: &'static [k::FieldSchema] = &[#(#schema)*];
            const DOCS: &'static str = #docs;
            fn unset() -> ::core::option::Option<Self> {
                #unset
            }
            fn write_variant(&self, out: &mut ::std::vec::Vec<u8>) {
                match self {
                    #(#write)*
                    #write_silent
                }
            }
            fn read_variant(
                slot: &mut ::core::option::Option<Self>,
                number: u32,
                wire: k::WireType,
                reader: &mut k::Reader<'_>,
            ) -> ::core::result::Result<bool, k::Fault> {
                match number {
                    #(#read)*
                    _ => return ::core::result::Result::Ok(false),
                }
                ::core::result::Result::Ok(true)
            }
            fn write_json_variant(
                &self,
                out: &mut ::std::vec::Vec<u8>,
            ) -> ::core::result::Result<(), k::Fault> {
                match self {
                    #(#write_json)*
                    #write_json_silent
                }
            }
            fn read_json_variant(
                slot: &mut ::core::option::Option<Self>,
                variant: usize,
                json: &mut k::JsonReader<'_>,
            ) -> ::core::result::Result<(), k::Fault> {
                match variant {
                    #(#read_json)*
                    _ => json.skip()?,
                }
                ::core::result::Result::Ok(())
            }
            fn bind_variant(
                slot: &mut ::core::option::Option<Self>,
                variant: usize,
                path: &str,
                text: &str,
            ) -> ::core::result::Result<(), k::Fault> {
                match variant {
                    #(#bind)*
                    _ => {}
                }
                ::core::result::Result::Ok(())
            }
        }
    }
}

fn element_impl(
    ident: &Ident,
    unset: Option<&Ident>,
    choices: &[Choice<'_>],
    json_by_hand: bool,
) -> TokenStream {
    let json = if json_by_hand {
        element::json_by_hand()
    } else {
        quote! {
            fn write_json(
                &self,
                out: &mut ::std::vec::Vec<u8>,
            ) -> ::core::result::Result<(), k::Fault> {
                k::oneof::write_json(self, out)
            }
            fn read_json(
                json: &mut k::JsonReader<'_>,
            ) -> ::core::result::Result<Self, k::Fault> {
                k::oneof::read_json(&SCHEMA, json)
            }
            fn parse(_text: &str) -> ::core::result::Result<Self, k::Fault> {
                ::core::result::Result::Err(k::fields::no_text(&SCHEMA))
            }
        }
    };
    let silent = unset.filter(|unset| !choices.iter().any(|choice| choice.ident == *unset));
    let is_absent = match silent {
        Some(silent) => quote!(::core::matches!(self, Self::#silent)),
        None => quote!(false),
    };
    let singular = unset.map(|unset| {
        quote! {
            impl k::Singular for #ident {}
            impl ::core::default::Default for #ident {
                fn default() -> Self {
                    Self::#unset
                }
            }
        }
    });
    quote! {
        #[diagnostic::do_not_recommend]
        impl k::Element for #ident {
            const KIND: k::Kind = k::Kind::Message(<#ident as ::kitfox::message::Message>::schema);
            const WIRE: k::WireType = k::WireType::Length;
            fn absent() -> ::core::result::Result<Self, k::Fault> {
                k::oneof::absent(&SCHEMA)
            }
            fn is_absent(&self) -> bool {
                #is_absent
            }
            fn write(&self, out: &mut ::std::vec::Vec<u8>) {
                k::oneof::write_nested(self, out);
            }
            fn read(reader: &mut k::Reader<'_>) -> ::core::result::Result<Self, k::Fault> {
                k::oneof::read_nested(::core::option::Option::None, &SCHEMA, reader)
            }
            fn merge(
                slot: &mut ::core::option::Option<Self>,
                reader: &mut k::Reader<'_>,
            ) -> ::core::result::Result<(), k::Fault> {
                *slot = ::core::option::Option::Some(
                    k::oneof::read_nested(slot.take(), &SCHEMA, reader)?,
                );
                ::core::result::Result::Ok(())
            }
            fn merge_present(
                &mut self,
                reader: &mut k::Reader<'_>,
            ) -> ::core::result::Result<(), k::Fault> {
                // Only an enum with an #[unset] variant is a field by itself, so there is one.
                let before = <Self as k::Oneof>::unset()
                    .map(|unset| ::core::mem::replace(self, unset));
                *self = k::oneof::read_nested(before, &SCHEMA, reader)?;
                ::core::result::Result::Ok(())
            }
            #json
            fn bind(
                slot: &mut ::core::option::Option<Self>,
                path: &str,
                text: &str,
            ) -> ::core::result::Result<(), k::Fault> {
                k::oneof::bind(slot, &SCHEMA, path, text)
            }
        }
        #singular
    }
}
