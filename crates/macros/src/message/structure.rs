//! A struct: a message with a field for each of its own.

use std::collections::HashMap;

use proc_macro2::{Span, TokenStream};
use quote::{quote, quote_spanned};
use syn::spanned::Spanned;
use syn::{Error, Field, Fields, Ident, ItemStruct, Type};

use super::element;
use super::item::{self, Code, Errors};
use super::options::{self, FieldOptions, MessageOptions};
use super::reserved::Reserved;
use crate::docs::is_deprecated;

/// A field of the struct, in the order of the wire.
struct Member<'a> {
    ident: &'a Ident,
    ty: &'a Type,
    docs: String,
    deprecated: bool,
    kind: Kind,
}

enum Kind {
    Field { number: u32, name: String, json: String, encoding: TokenStream },
    Oneof { name: String, span: Span },
}

pub(super) fn expand(options: &MessageOptions, item: &ItemStruct, errors: &mut Errors) -> Code {
    let derives = item::derives(&item.attrs, &["Clone", "Debug", "PartialEq"]);
    if let Fields::Unnamed(fields) = &item.fields {
        errors.at(fields, "a message needs a name for each field: struct Point { pub x: i32 }");
    }
    let members = members(&item.fields, options, errors);
    let ident = &item.ident;

    let default = (!item::has_derive(&item.attrs, "Default")).then(|| default(ident, &members));
    let fields = fields_impl(ident, &members);
    let element = element_impl(ident, options.json_by_hand);
    let schema: TokenStream = members.iter().map(Member::schema).collect();
    let message = element::message(
        ident,
        options,
        &item.attrs,
        &schema,
        &quote! {
            fn write_body(&self, out: &mut ::std::vec::Vec<u8>) {
                k::Fields::write_fields(self, out);
            }
            fn read_body(
                reader: &mut k::Reader<'_>,
            ) -> ::core::result::Result<Self, k::Fault> {
                let mut message = <Self as ::core::default::Default>::default();
                k::fields::read_fields(&mut message, reader)?;
                ::core::result::Result::Ok(message)
            }
            fn bind_body(
                &mut self,
                path: &str,
                text: &str,
            ) -> ::core::result::Result<(), k::Fault> {
                k::fields::bind(self, path, text)
            }
        },
    );
    let assertions = members.iter().find_map(Member::assertion);
    Code { derives, body: quote!(#default #fields #element #message #assertions) }
}

fn members<'a>(
    fields: &'a Fields,
    options: &MessageOptions,
    errors: &mut Errors,
) -> Vec<Member<'a>> {
    let mut members = Vec::new();
    let mut places = 0;
    let mut seen = Seen::new(&options.reserved);
    for field in fields {
        let Some(ident) = &field.ident else { continue };
        let member = match oneof_member(field, ident) {
            Ok(Some(member)) => Ok(member),
            Ok(None) => {
                places += 1;
                field_member(field, ident, places - 1, &mut seen)
            }
            Err(error) => Err(error),
        };
        match member {
            Ok(member) => members.push(member),
            Err(error) => errors.push(error),
        }
    }
    members.sort_by_key(|member| match member.kind {
        Kind::Field { number, .. } => number,
        Kind::Oneof { .. } => u32::MAX,
    });
    members
}

fn oneof_member<'a>(field: &'a Field, ident: &'a Ident) -> syn::Result<Option<Member<'a>>> {
    for wrong in ["unknown", "unset", "value"] {
        if let Some(attribute) = field.attrs.iter().find(|it| it.path().is_ident(wrong)) {
            return Err(Error::new_spanned(
                attribute,
                format!("#[{wrong}] goes before a variant of an enum, not before a field"),
            ));
        }
    }
    let Some(attribute) = options::flag(&field.attrs, "oneof")? else { return Ok(None) };
    if let Some(number) = field.attrs.iter().find(|it| it.path().is_ident("field")) {
        return Err(Error::new_spanned(
            number,
            "a oneof has no number: give the variants theirs, #[field(3)] Circle(Circle)",
        ));
    }
    // Of a oneof, each variant says so for itself.
    let deprecated = false;
    let kind = Kind::Oneof { name: options::plain_name(ident), span: attribute.span() };
    Ok(Some(Member { ident, ty: &field.ty, docs: item::docs(&field.attrs), deprecated, kind }))
}

fn field_member<'a>(
    field: &'a Field,
    ident: &'a Ident,
    place: usize,
    seen: &mut Seen<'_>,
) -> syn::Result<Member<'a>> {
    let options = FieldOptions::of(&field.attrs)?;
    let (number, span) = options.number(place, seen.reserved, ident.span());
    let (name, json, names) = options.names(options::plain_name(ident), ident.span());
    seen.number(number, span, ident)?;
    seen.name(&name, &json, names, ident)?;
    let deprecated = is_deprecated(&field.attrs);
    let kind = Kind::Field { number, name, json, encoding: options.encoding() };
    Ok(Member { ident, ty: &field.ty, docs: item::docs(&field.attrs), deprecated, kind })
}

/// Numbers and names that are taken.
pub(super) struct Seen<'a> {
    pub(super) reserved: &'a Reserved,
    numbers: HashMap<u32, String>,
    names: HashMap<String, String>,
}

impl<'a> Seen<'a> {
    pub(super) fn new(reserved: &'a Reserved) -> Self {
        Seen { reserved, numbers: HashMap::new(), names: HashMap::new() }
    }

    pub(super) fn number(&mut self, number: u32, span: Span, ident: &Ident) -> syn::Result<()> {
        if (19_000..20_000).contains(&number) {
            return Err(Error::new(
                span,
                "numbers 19000 to 19999 belong to protobuf itself: give a number, #[field(20000)]",
            ));
        }
        if self.reserved.has_number(i64::from(number)) {
            let why = format!("number {number} is reserved, something had it before: give another");
            return Err(Error::new(span, why));
        }
        match self.numbers.insert(number, ident.to_string()) {
            None => Ok(()),
            Some(first) => Err(Error::new(
                span,
                format!(
                    "number {number} is taken by `{first}`: give `{ident}` or `{first}` another one, #[field({})]",
                    self.free()
                ),
            )),
        }
    }

    pub(super) fn name(
        &mut self,
        name: &str,
        json: &str,
        span: Span,
        ident: &Ident,
    ) -> syn::Result<()> {
        if self.reserved.has_name(name) {
            let why =
                format!("the name `{name}` is reserved, something had it before: take another");
            return Err(Error::new(span, why));
        }
        let taken = self.names.get(name).or_else(|| self.names.get(json)).cloned();
        self.names.insert(name.to_owned(), ident.to_string());
        self.names.insert(json.to_owned(), ident.to_string());
        match taken {
            None => Ok(()),
            Some(first) => Err(Error::new(
                span,
                format!(
                    "`{ident}` and `{first}` have the same name on the wire (`{name}`, in JSON `{json}`): rename one, #[field(name = \"...\")]"
                ),
            )),
        }
    }

    fn free(&self) -> u32 {
        let is_free = |number: &u32| {
            !self.numbers.contains_key(number) && !self.reserved.has_number(i64::from(*number))
        };
        (1..).find(is_free).unwrap_or(1)
    }
}

impl Member<'_> {
    fn schema(&self) -> TokenStream {
        let Self { ty, docs, deprecated, .. } = self;
        match &self.kind {
            Kind::Field { number, name, json, encoding } => quote_spanned! {ty.span()=>
                k::Member::Field(k::FieldSchema {
                    name: #name,
                    json_name: #json,
                    number: #number,
                    label: <#ty as k::Field<#encoding>>::LABEL,
                    kind: <#ty as k::Field<#encoding>>::KIND,
                    docs: #docs,
                    deprecated: #deprecated,
                    takes_null: <#ty as k::Field<#encoding>>::TAKES_NULL,
                }),
            },
            Kind::Oneof { name, .. } => {
                let of = self.oneof();
                quote_spanned! {ty.span()=>
                    k::Member::Oneof(k::OneofSchema {
                        name: #name,
                        docs: #docs,
                        fields: <#of as k::Oneof>::FIELDS,
                    }),
                }
            }
        }
    }

    fn assertion(&self) -> Option<TokenStream> {
        let Kind::Oneof { span, .. } = self.kind else { return None };
        Some(quote_spanned! {span=>
            const _: () = ::core::assert!(
                k::oneof::numbers_are_distinct(MEMBERS),
                "a variant of the oneof has the number of another field of this message: give it one of its own, #[field(7)] before the variant"
            );
            const _: () = ::core::assert!(
                k::oneof::names_are_distinct(MEMBERS),
                "a variant of the oneof has the name of another field of this message: rename it, #[field(name = \"...\")] before the variant"
            );
        })
    }

    /// Calls a function of the field's trait, in the name of the user's type.
    fn call(&self, function: &str, arguments: &TokenStream) -> TokenStream {
        let function = Ident::new(function, self.ty.span());
        let ty = self.ty;
        match &self.kind {
            Kind::Field { encoding, .. } => {
                quote_spanned!(ty.span()=> <#ty as k::Field<#encoding>>::#function(#arguments))
            }
            Kind::Oneof { .. } => {
                let function =
                    crate::projection::of(ty, &quote!(k::OneofField), &function.to_string());
                quote_spanned!(ty.span()=> #function(#arguments))
            }
        }
    }

    /// Calls a function of the enum in a oneof.
    fn call_enum(&self, function: &str, arguments: &TokenStream) -> TokenStream {
        let function = Ident::new(function, self.ty.span());
        let of = self.oneof();
        quote_spanned!(self.ty.span()=> <#of as k::Oneof>::#function(#arguments))
    }

    /// The enum in a oneof.
    fn oneof(&self) -> TokenStream {
        crate::projection::of(self.ty, &quote!(k::OneofField), "Enum")
    }

    fn is_oneof(&self) -> bool {
        matches!(self.kind, Kind::Oneof { .. })
    }
}

fn default(ident: &Ident, members: &[Member<'_>]) -> TokenStream {
    let fields = members.iter().map(|member| {
        let name = member.ident;
        let initial = member.call("initial", &TokenStream::new());
        quote!(#name: #initial,)
    });
    quote! {
        impl ::core::default::Default for #ident {
            fn default() -> Self {
                Self { #(#fields)* }
            }
        }
    }
}

fn fields_impl(ident: &Ident, members: &[Member<'_>]) -> TokenStream {
    let is_blank = members.iter().map(|member| {
        let name = member.ident;
        match member.is_oneof() {
            true => {
                let slot = member.call("slot", &quote!(&self.#name));
                quote!(#slot.is_none())
            }
            false => member.call("is_absent", &quote!(&self.#name)),
        }
    });
    let write = members.iter().map(write);
    let (fields, oneofs): (Vec<_>, Vec<_>) = members.iter().partition(|it| !it.is_oneof());
    let read = fields.iter().map(|member| read(member));
    let read_oneof = oneofs.iter().map(|member| {
        let name = member.ident;
        let slot = member.call("slot_mut", &quote!(&mut self.#name));
        let read = member.call_enum("read_variant", &quote!(#slot, number, wire, reader));
        quote!(if #read? { return ::core::result::Result::Ok(()); })
    });
    let write_json = members.iter().map(write_json);
    let read_json = members.iter().enumerate().map(|(index, member)| {
        let name = member.ident;
        let call = match member.is_oneof() {
            true => {
                let slot = member.call("slot_mut", &quote!(&mut self.#name));
                member.call_enum("read_json_variant", &quote!(#slot, position.variant, json))
            }
            false => member.call("read_json", &quote!(&mut self.#name, json)),
        };
        quote!(#index => #call,)
    });
    let bind = members.iter().enumerate().map(|(index, member)| {
        let name = member.ident;
        let call = match member.is_oneof() {
            true => {
                let slot = member.call("slot_mut", &quote!(&mut self.#name));
                member.call_enum("bind_variant", &quote!(#slot, position.variant, path, text))
            }
            false => member.call("bind", &quote!(&mut self.#name, path, text)),
        };
        quote!(#index => #call,)
    });
    quote! {
        #[allow(unused_variables, reason = "a message may have no fields")]
        impl k::Fields for #ident {
            fn fields_schema(&self) -> &'static k::MessageSchema {
                &SCHEMA
            }
            fn is_blank(&self) -> bool {
                true #(&& #is_blank)*
            }
            fn write_fields(&self, out: &mut ::std::vec::Vec<u8>) {
                #(#write)*
            }
            fn read_field(
                &mut self,
                number: u32,
                wire: k::WireType,
                reader: &mut k::Reader<'_>,
            ) -> ::core::result::Result<(), k::Fault> {
                match number {
                    #(#read)*
                    _ => {
                        #(#read_oneof)*
                        reader.skip(number, wire)
                    }
                }
            }
            fn write_json_fields(
                &self,
                out: &mut ::std::vec::Vec<u8>,
            ) -> ::core::result::Result<(), k::Fault> {
                #(#write_json)*
                ::core::result::Result::Ok(())
            }
            fn read_json_field(
                &mut self,
                position: k::Position,
                json: &mut k::JsonReader<'_>,
            ) -> ::core::result::Result<(), k::Fault> {
                match position.member {
                    #(#read_json)*
                    _ => json.skip(),
                }
            }
            fn bind_field(
                &mut self,
                position: k::Position,
                path: &str,
                text: &str,
            ) -> ::core::result::Result<(), k::Fault> {
                match position.member {
                    #(#bind)*
                    _ => ::core::result::Result::Ok(()),
                }
            }
        }
    }
}

fn write(member: &Member<'_>) -> TokenStream {
    let name = member.ident;
    match &member.kind {
        Kind::Field { number, .. } => {
            let call = member.call("write", &quote!(&self.#name, #number, out));
            quote!(#call;)
        }
        Kind::Oneof { .. } => {
            let slot = member.call("slot", &quote!(&self.#name));
            let call = member.call_enum("write_variant", &quote!(variant, out));
            quote!(if let ::core::option::Option::Some(variant) = #slot { #call; })
        }
    }
}

fn read(member: &Member<'_>) -> TokenStream {
    let Kind::Field { number, .. } = &member.kind else { return TokenStream::new() };
    let name = member.ident;
    let call = member.call("read", &quote!(&mut self.#name, wire, reader));
    quote!(#number => #call,)
}

fn write_json(member: &Member<'_>) -> TokenStream {
    let name = member.ident;
    match &member.kind {
        Kind::Field { json, .. } => {
            let key = format!("\"{json}\":");
            let call = member.call("write_json_member", &quote!(&self.#name, #key, out));
            quote!(#call?;)
        }
        Kind::Oneof { .. } => {
            let slot = member.call("slot", &quote!(&self.#name));
            let call = member.call_enum("write_json_variant", &quote!(variant, out));
            quote!(if let ::core::option::Option::Some(variant) = #slot { #call?; })
        }
    }
}

fn element_impl(ident: &Ident, json_by_hand: bool) -> TokenStream {
    let json = if json_by_hand {
        element::json_by_hand()
    } else {
        quote! {
            fn write_json(
                &self,
                out: &mut ::std::vec::Vec<u8>,
            ) -> ::core::result::Result<(), k::Fault> {
                k::fields::write_json(self, out)
            }
            fn read_json(
                json: &mut k::JsonReader<'_>,
            ) -> ::core::result::Result<Self, k::Fault> {
                let mut message = <Self as ::core::default::Default>::default();
                k::fields::read_json(&mut message, json)?;
                ::core::result::Result::Ok(message)
            }
            fn parse(_text: &str) -> ::core::result::Result<Self, k::Fault> {
                ::core::result::Result::Err(k::fields::no_text(&SCHEMA))
            }
        }
    };
    let bind = if json_by_hand {
        // A text as a whole, or a path into it.
        quote! {
            if path.is_empty() {
                *slot = ::core::option::Option::Some(<Self as k::Element>::parse(text)?);
                return ::core::result::Result::Ok(());
            }
        }
    } else {
        TokenStream::new()
    };
    quote! {
        #[diagnostic::do_not_recommend]
        impl k::Element for #ident {
            const KIND: k::Kind = k::Kind::Message(<#ident as ::kitfox::message::Message>::schema);
            const WIRE: k::WireType = k::WireType::Length;
            fn absent() -> ::core::result::Result<Self, k::Fault> {
                ::core::result::Result::Ok(<Self as ::core::default::Default>::default())
            }
            fn is_absent(&self) -> bool {
                k::Fields::is_blank(self)
            }
            fn write(&self, out: &mut ::std::vec::Vec<u8>) {
                k::fields::write_nested(self, out);
            }
            fn read(reader: &mut k::Reader<'_>) -> ::core::result::Result<Self, k::Fault> {
                let mut message = <Self as ::core::default::Default>::default();
                k::fields::read_nested(&mut message, reader)?;
                ::core::result::Result::Ok(message)
            }
            fn merge(
                slot: &mut ::core::option::Option<Self>,
                reader: &mut k::Reader<'_>,
            ) -> ::core::result::Result<(), k::Fault> {
                k::fields::read_nested(
                    slot.get_or_insert_with(::core::default::Default::default),
                    reader,
                )
            }
            fn merge_present(
                &mut self,
                reader: &mut k::Reader<'_>,
            ) -> ::core::result::Result<(), k::Fault> {
                k::fields::read_nested(self, reader)
            }
            #json
            fn bind(
                slot: &mut ::core::option::Option<Self>,
                path: &str,
                text: &str,
            ) -> ::core::result::Result<(), k::Fault> {
                #bind
                k::fields::bind(
                    slot.get_or_insert_with(::core::default::Default::default),
                    path,
                    text,
                )
            }
        }
        impl k::Singular for #ident {}
    }
}
