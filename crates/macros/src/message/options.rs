//! What stands in `#[message(...)]`, `#[field(...)]` and `#[value(...)]`.

use proc_macro2::{Span, TokenStream};
use quote::{ToTokens, quote};
use syn::parse::{ParseStream, Parser};
use syn::spanned::Spanned;
use syn::{Attribute, Error, Ident, LitInt, LitStr, Result, Token, Type};

use super::reserved::Reserved;
use crate::names;

/// The largest number that a protobuf tag has room for.
const MAX_NUMBER: u32 = (1 << 29) - 1;

/// `#[message(package = "strings.v1", name = "Request")]`.
#[derive(Default)]
pub(super) struct MessageOptions {
    package: Option<LitStr>,
    name: Option<LitStr>,
    pub(super) reserved: Reserved,
    /// For Kitfox's own types: JSON is not what the fields say.
    pub(super) json_by_hand: bool,
}

/// `#[field(5, sint, name = "x", json = "y")]`.
#[derive(Default)]
pub(super) struct FieldOptions {
    number: Option<(u32, Span)>,
    name: Option<LitStr>,
    json: Option<LitStr>,
    encoding: Option<Encoding>,
    key: Option<Encoding>,
    /// For Kitfox's own types: what a variant without data is on the wire.
    pub(super) via: Option<Type>,
    pub(super) present: bool,
}

#[derive(Clone, Copy)]
struct Encoding {
    sint: bool,
    span: Span,
}

impl MessageOptions {
    pub(super) fn parse(arguments: TokenStream) -> Result<Self> {
        let mut options = Self::default();
        let parser = |input: ParseStream<'_>| {
            while !input.is_empty() {
                let key: Ident = input.parse()?;
                match key.to_string().as_str() {
                    "package" => set(&mut options.package, &key, dotted(input)?)?,
                    "name" => set(&mut options.name, &key, dotted(input)?)?,
                    "reserved" => options.reserved.read(&key, input)?,
                    "json_by_hand" => options.json_by_hand = true,
                    _ => {
                        return Err(Error::new(
                            key.span(),
                            format!(
                                "`{key}` is no option of #[message]; there are package = \"...\", name = \"...\" and reserved(3, \"note\")"
                            ),
                        ));
                    }
                }
                if !input.is_empty() {
                    input.parse::<Token![,]>()?;
                }
            }
            Ok(())
        };
        parser.parse2(arguments)?;
        Ok(options)
    }

    /// The name without the package, and without the messages that it lies in.
    pub(super) fn last_name(&self, ident: &Ident) -> String {
        let name = self.name_in_package(ident);
        name.rsplit_once('.').map_or(name.clone(), |(_, last)| last.to_owned())
    }

    fn name_in_package(&self, ident: &Ident) -> String {
        self.name.as_ref().map_or_else(|| plain_name(ident), LitStr::value)
    }

    /// The package, empty where none is given.
    pub(super) fn package_name(&self) -> String {
        self.package.as_ref().map_or_else(String::new, LitStr::value)
    }

    /// The full protobuf name.
    pub(super) fn full_name(&self, ident: &Ident) -> String {
        let name = self.name_in_package(ident);
        match self.package.as_ref().map(LitStr::value) {
            Some(package) => format!("{package}.{name}"),
            None => name,
        }
    }
}

impl FieldOptions {
    /// Reads all `#[field(...)]` of a field or variant.
    pub(super) fn of(attributes: &[Attribute]) -> Result<Self> {
        let mut options = Self::default();
        for attribute in attributes.iter().filter(|attribute| attribute.path().is_ident("field")) {
            options.present = true;
            if let syn::Meta::Path(path) = &attribute.meta {
                return Err(Error::new(
                    path.span(),
                    "#[field] says nothing: write #[field(5)], or leave it out",
                ));
            }
            attribute.parse_args_with(|input: ParseStream<'_>| options.read(input))?;
        }
        Ok(options)
    }

    fn read(&mut self, input: ParseStream<'_>) -> Result<()> {
        while !input.is_empty() {
            self.read_one(input)?;
            if !input.is_empty() {
                input.parse::<Token![,]>()?;
            }
        }
        Ok(())
    }

    fn read_one(&mut self, input: ParseStream<'_>) -> Result<()> {
        if input.peek(syn::Lit) || input.peek(Token![-]) {
            return self.set_number(number(input)?);
        }
        let key: Ident = input.parse()?;
        match key.to_string().as_str() {
            "number" => {
                input.parse::<Token![=]>()?;
                self.set_number(number(input)?)
            }
            "name" => set(&mut self.name, &key, identifier(input)?),
            "json" => set(&mut self.json, &key, json_name(input)?),
            "sint" | "fixed" => match self.encoding.replace(Encoding::of(&key)) {
                Some(_) => Err(Error::new(key.span(), "the encoding is given twice")),
                None => Ok(()),
            },
            "key" => {
                input.parse::<Token![=]>()?;
                let encoding: Ident = input.parse()?;
                if encoding != "sint" && encoding != "fixed" {
                    return Err(Error::new(encoding.span(), "expected key = sint or key = fixed"));
                }
                set(&mut self.key, &key, Encoding::of(&encoding))
            }
            "via" => {
                input.parse::<Token![=]>()?;
                set(&mut self.via, &key, input.parse()?)
            }
            _ => Err(Error::new(
                key.span(),
                format!(
                    "`{key}` is no option of #[field]; there are a number, sint, fixed, name = \"...\", json = \"...\", and for maps key = sint or key = fixed"
                ),
            )),
        }
    }

    fn set_number(&mut self, (number, span): (u32, Span)) -> Result<()> {
        if self.number.replace((number, span)).is_some() {
            return Err(Error::new(span, "the number is given twice"));
        }
        Ok(())
    }

    /// The number, by its place (from 0) in the declaration where none is given. Reserved numbers
    /// keep the places of what had them.
    pub(super) fn number(&self, place: usize, reserved: &Reserved, otherwise: Span) -> (u32, Span) {
        let by_place = || reserved.number_at(place).map_or(MAX_NUMBER, |number| number);
        self.number.unwrap_or_else(|| (by_place(), otherwise))
    }

    /// The names on the wire and in JSON, and where they were given.
    pub(super) fn names(&self, by_rust: String, otherwise: Span) -> (String, String, Span) {
        let name = self.name.as_ref().map_or(by_rust, LitStr::value);
        let json = self.json.as_ref().map_or_else(|| names::json(&name), LitStr::value);
        let given = self.json.as_ref().or(self.name.as_ref());
        (name, json, given.map_or(otherwise, LitStr::span))
    }

    /// The marker type of the encoding.
    pub(super) fn encoding(&self) -> TokenStream {
        let value = marker(self.encoding);
        match self.key {
            None => value,
            Some(key) => {
                let key = marker(Some(key));
                quote!(k::MapEncoding<#key, #value>)
            }
        }
    }

    /// What only a field of a struct can have.
    pub(super) fn check_variant(&self) -> Result<()> {
        match self.key {
            Some(key) => Err(Error::new(key.span, "a variant holds no map, `key` has no meaning")),
            None => Ok(()),
        }
    }
}

impl Encoding {
    fn of(name: &Ident) -> Self {
        Self { sint: name == "sint", span: name.span() }
    }
}

fn marker(encoding: Option<Encoding>) -> TokenStream {
    match encoding {
        None => quote!(k::PlainEncoding),
        Some(Encoding { sint: true, .. }) => quote!(k::SintEncoding),
        Some(Encoding { sint: false, .. }) => quote!(k::FixedEncoding),
    }
}

/// The name in `#[value(name = "RED")]` of a variant of a plain enum.
pub(super) fn value_name(attributes: &[Attribute]) -> Result<Option<LitStr>> {
    let mut name = None;
    for attribute in attributes.iter().filter(|attribute| attribute.path().is_ident("value")) {
        let read = |input: ParseStream<'_>| {
            let key: Ident = input.parse()?;
            if key != "name" {
                return Err(Error::new(
                    key.span(),
                    format!("`{key}` is no option of #[value]; there is name = \"...\""),
                ));
            }
            set(&mut name, &key, identifier(input)?)
        };
        attribute.parse_args_with(read)?;
    }
    Ok(name)
}

/// An attribute that takes nothing, such as `#[oneof]`.
pub(super) fn flag<'a>(attributes: &'a [Attribute], name: &str) -> Result<Option<&'a Attribute>> {
    let mut found = attributes.iter().filter(|attribute| attribute.path().is_ident(name));
    let first = found.next();
    if let Some(second) = found.next() {
        return Err(Error::new_spanned(second, format!("#[{name}] is there twice")));
    }
    if let Some(attribute) = first
        && attribute.meta.require_path_only().is_err()
    {
        return Err(Error::new(
            attribute.span(),
            format!("#[{name}] takes nothing in parentheses"),
        ));
    }
    Ok(first)
}

/// Rust's name without the `r#` that a keyword needs.
pub(super) fn plain_name(ident: &Ident) -> String {
    let name = ident.to_string();
    name.strip_prefix("r#").map_or(name.clone(), str::to_owned)
}

fn set<T>(slot: &mut Option<T>, key: &Ident, value: T) -> Result<()> {
    if slot.replace(value).is_some() {
        return Err(Error::new(key.span(), format!("`{key}` is given twice")));
    }
    Ok(())
}

fn number(input: ParseStream<'_>) -> Result<(u32, Span)> {
    if input.peek(Token![-]) || !input.peek(LitInt) {
        let token: TokenStream = match input.parse::<Option<Token![-]>>()? {
            Some(minus) => minus.into_token_stream(),
            None => input.parse::<syn::Lit>()?.into_token_stream(),
        };
        let _: Option<LitInt> = input.parse()?;
        return Err(Error::new(
            token.span(),
            format!("a field's number is a whole number from 1 to {MAX_NUMBER}"),
        ));
    }
    let literal: LitInt = input.parse()?;
    let span = literal.span();
    let message = match literal.base10_parse::<u32>() {
        Ok(19_000..=19_999) => {
            "numbers 19000 to 19999 belong to protobuf itself: take another one".to_owned()
        }
        Ok(number @ 1..=MAX_NUMBER) => return Ok((number, span)),
        _ => format!("a field's number is a whole number from 1 to {MAX_NUMBER}"),
    };
    Err(Error::new(span, message))
}

fn text(input: ParseStream<'_>) -> Result<LitStr> {
    input.parse::<Token![=]>()?;
    input.parse()
}

fn identifier(input: ParseStream<'_>) -> Result<LitStr> {
    let name = text(input)?;
    if names::is_identifier(&name.value()) {
        return Ok(name);
    }
    Err(Error::new(
        name.span(),
        "a name is made of letters, digits and _, and begins with no digit",
    ))
}

fn dotted(input: ParseStream<'_>) -> Result<LitStr> {
    let package = text(input)?;
    if names::is_package(&package.value()) {
        return Ok(package);
    }
    Err(Error::new(
        package.span(),
        "letters, digits and _ make a name, which begins with no digit; dots stand between names: \"strings.v1\"",
    ))
}

fn json_name(input: ParseStream<'_>) -> Result<LitStr> {
    let name = text(input)?;
    let value = name.value();
    let plain = |letter: char| !letter.is_control() && !matches!(letter, '"' | '\\' | '.');
    if !value.is_empty() && value.chars().all(plain) {
        return Ok(name);
    }
    Err(Error::new(
        name.span(),
        "a name in JSON is not empty and has no quotes, backslashes or dots",
    ))
}
