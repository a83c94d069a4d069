//! An enum of plain names: protobuf's enum, with a catch-all for numbers from newer peers.

use std::collections::HashMap;

use proc_macro2::{Span, TokenStream};
use quote::{quote, quote_spanned};
use syn::spanned::Spanned;
use syn::{Error, Expr, ExprUnary, Fields, Ident, ItemEnum, Lit, UnOp, Variant};

use super::element;
use super::item::{self, Code, Errors};
use super::options::{self, MessageOptions};
use crate::docs::is_deprecated;
use crate::names;

struct Value<'a> {
    ident: &'a Ident,
    number: i32,
    name: String,
    docs: String,
    deprecated: bool,
}

pub(super) fn expand(options: &MessageOptions, item: &ItemEnum, errors: &mut Errors) -> Code {
    let derives = ["Clone", "Copy", "Debug", "PartialEq", "Eq", "Hash"];
    let derives = item::derives(&item.attrs, &derives);
    let ident = &item.ident;
    if item.variants.is_empty() {
        errors.at(ident, "an enum needs values, and the first one is its default");
        return Code { derives, body: TokenStream::new() };
    }
    let values = values(options, item, errors);
    let Some((unknown, unknown_type)) = catch_all(item, errors) else {
        return Code { derives, body: TokenStream::new() };
    };
    let Some(first) = values.first().map(|value| value.ident) else {
        errors.at(ident, "an enum needs a value, and the first one is its default");
        return Code { derives, body: TokenStream::new() };
    };

    let default = (!item::has_derive(&item.attrs, "Default")).then(|| {
        quote! {
            impl ::core::default::Default for #ident {
                fn default() -> Self {
                    Self::#first
                }
            }
        }
    });
    let (full_name, package) = (options.full_name(ident), options.package_name());
    let (docs, deprecated) = (item::docs(&item.attrs), is_deprecated(&item.attrs));
    let reserved = options.reserved.schema();
    let schema = values.iter().map(|Value { name, number, docs, deprecated, .. }| {
        quote! {
            k::EnumValue { name: #name, number: #number, docs: #docs, deprecated: #deprecated },
        }
    });
    let to_number =
        values.iter().map(|Value { ident, number, .. }| quote!(Self::#ident => #number,));
    let from_number =
        values.iter().map(|Value { ident, number, .. }| quote!(#number => Self::#ident,));
    // In the name of the user's type, so that another one than i32 is pointed at.
    let number_of_unknown = quote_spanned!(unknown_type=> Self::#unknown(number) => { let number: i32 = *number; number });
    let unknown_of_number = quote_spanned!(unknown_type=> number => Self::#unknown(number),);
    let element = element_impl(ident, options.json_by_hand);
    let body = quote! {
        #default
        static SCHEMA: k::EnumSchema = k::EnumSchema {
            name: #full_name,
            package: #package,
            docs: #docs,
            deprecated: #deprecated,
            reserved: #reserved,
            values: &[#(#schema)*],
        };
        impl k::Enumeration for #ident {
            fn enum_schema() -> &'static k::EnumSchema {
                &SCHEMA
            }
            fn number(&self) -> i32 {
                match self {
                    #(#to_number)*
                    #number_of_unknown
                }
            }
            fn from_number(number: i32) -> Self {
                match number {
                    #(#from_number)*
                    #unknown_of_number
                }
            }
        }
        #element
    };
    Code { derives, body }
}

fn values<'a>(options: &MessageOptions, item: &'a ItemEnum, errors: &mut Errors) -> Vec<Value<'a>> {
    let mut values = Vec::new();
    let mut numbers: HashMap<i32, &Ident> = HashMap::new();
    let mut taken_names: HashMap<String, &Ident> = HashMap::new();
    let mut next = Some(0);
    let plain = item.variants.iter().filter(|it| !is_catch_all(it));
    for (index, variant) in plain.enumerate() {
        if let Err(error) = check(variant) {
            errors.push(error);
            continue;
        }
        let (number, span) = match &variant.discriminant {
            Some((_, expression)) => match literal(expression) {
                Ok(number) => (number, expression.span()),
                Err(error) => {
                    errors.push(error);
                    continue;
                }
            },
            None => match next.and_then(|next| options.reserved.next_value(next)) {
                Some(number) => (number, variant.ident.span()),
                None => {
                    errors.at(&variant.ident, "the numbers of an enum end at 2147483647");
                    continue;
                }
            },
        };
        next = number.checked_add(1);
        if index == 0 && number != 0 {
            errors.push(Error::new(
                span,
                "the first value of an enum is number 0, it stands for what is not on the wire: put one first that means nothing, such as Unspecified",
            ));
        }
        if options.reserved.has_number(i64::from(number)) {
            let why = format!("number {number} is reserved, something had it before: give another");
            errors.push(Error::new(span, why));
        }
        if let Some(first) = numbers.insert(number, &variant.ident) {
            errors.push(Error::new(
                span,
                format!(
                    "number {number} is taken by `{first}`: give each value a number of its own"
                ),
            ));
        }
        let given = errors.take(options::value_name(&variant.attrs));
        let name = given.as_ref().map_or_else(
            || {
                let variant = options::plain_name(&variant.ident);
                names::enum_value(&options.last_name(&item.ident), &variant)
            },
            syn::LitStr::value,
        );
        let place = given.as_ref().map_or(variant.ident.span(), syn::LitStr::span);
        if options.reserved.has_name(&name) {
            let why =
                format!("the name `{name}` is reserved, something had it before: take another");
            errors.push(Error::new(place, why));
        }
        if let Some(first) = taken_names.insert(name.clone(), &variant.ident) {
            errors.push(Error::new(
                place,
                format!("`{first}` is called `{name}` too: rename one, #[value(name = \"...\")]"),
            ));
        }
        values.push(Value {
            ident: &variant.ident,
            number,
            name,
            docs: item::docs(&variant.attrs),
            deprecated: is_deprecated(&variant.attrs),
        });
    }
    values
}

fn is_catch_all(variant: &Variant) -> bool {
    variant.attrs.iter().any(|attribute| attribute.path().is_ident("unknown"))
}

fn check(variant: &Variant) -> syn::Result<()> {
    if !matches!(variant.fields, Fields::Unit) {
        return Err(Error::new(
            variant.fields.span(),
            "an enum is either plain names with #[unknown] Unknown(i32), or its variants carry data and none is #[unknown]",
        ));
    }
    for wrong in ["field", "unset"] {
        if let Some(attribute) = variant.attrs.iter().find(|it| it.path().is_ident(wrong)) {
            return Err(Error::new_spanned(
                attribute,
                format!(
                    "#[{wrong}] is for enums whose variants carry data; here write the number behind the name, Red = 1"
                ),
            ));
        }
    }
    Ok(())
}

fn catch_all<'a>(item: &'a ItemEnum, errors: &mut Errors) -> Option<(&'a Ident, Span)> {
    let ident = &item.ident;
    let mut found = item.variants.iter().filter(|variant| is_catch_all(variant));
    let Some(variant) = found.next() else {
        errors.at(
            ident,
            format!(
                "`{ident}` needs a variant for the numbers that newer peers may send: add `#[unknown] Unknown(i32)`"
            ),
        );
        return None;
    };
    if let Some(second) = found.next() {
        errors.at(second, "there is one #[unknown] variant already");
    }
    errors.take(options::flag(&variant.attrs, "unknown"));
    match &variant.fields {
        Fields::Unnamed(fields) if fields.unnamed.len() == 1 => {
            Some((&variant.ident, fields.unnamed[0].ty.span()))
        }
        _ => {
            errors.at(
                variant,
                format!("the #[unknown] variant keeps the number: `{}(i32)`", variant.ident),
            );
            None
        }
    }
}

fn literal(expression: &Expr) -> syn::Result<i32> {
    let (negative, inner) = match expression {
        Expr::Unary(ExprUnary { op: UnOp::Neg(_), expr, .. }) => (true, &**expr),
        other => (false, other),
    };
    if let Expr::Lit(literal) = inner
        && let Lit::Int(digits) = &literal.lit
        && let Ok(number) = digits.base10_parse::<i64>()
        && let Ok(number) = i32::try_from(if negative { -number } else { number })
    {
        return Ok(number);
    }
    Err(Error::new(
        expression.span(),
        "the number of a value is written out, from -2147483648 to 2147483647",
    ))
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
                k::enumeration::write_json(&SCHEMA, k::Enumeration::number(self), out);
                ::core::result::Result::Ok(())
            }
            fn read_json(
                json: &mut k::JsonReader<'_>,
            ) -> ::core::result::Result<Self, k::Fault> {
                let number = k::enumeration::read_json(&SCHEMA, json)?;
                ::core::result::Result::Ok(k::Enumeration::from_number(number))
            }
            fn parse(text: &str) -> ::core::result::Result<Self, k::Fault> {
                let number = k::enumeration::parse(&SCHEMA, text)?;
                ::core::result::Result::Ok(k::Enumeration::from_number(number))
            }
        }
    };
    quote! {
        #[diagnostic::do_not_recommend]
        impl k::Element for #ident {
            const KIND: k::Kind = k::Kind::Enum(<#ident as k::Enumeration>::enum_schema);
            const WIRE: k::WireType = k::WireType::Varint;
            fn absent() -> ::core::result::Result<Self, k::Fault> {
                ::core::result::Result::Ok(k::Enumeration::from_number(0))
            }
            fn is_absent(&self) -> bool {
                k::Enumeration::number(self) == 0
            }
            fn write(&self, out: &mut ::std::vec::Vec<u8>) {
                k::enumeration::write(k::Enumeration::number(self), out);
            }
            fn read(reader: &mut k::Reader<'_>) -> ::core::result::Result<Self, k::Fault> {
                let number = k::enumeration::read(reader)?;
                ::core::result::Result::Ok(k::Enumeration::from_number(number))
            }
            #json
        }
        impl k::Singular for #ident {}
    }
}
