//! `#[endpoint(...)]`: what a method says of itself beyond its signature.

use proc_macro2::Span;
use syn::ext::IdentExt;
use syn::parse::{Parse, ParseStream};
use syn::punctuated::Punctuated;
use syn::{Attribute, Ident, LitStr, Meta, Token};

use super::template::Template;
use crate::faults::Faults;

const VALID: &str = "get = \"/path\", post = \"/path\", put = \"/path\", patch = \"/path\", delete = \"/path\", safe, idempotent, idempotency_key, detached, deprecated, name = \"Name\"";

/// The options of one method.
#[derive(Default)]
pub(super) struct Options {
    pub(super) routes: Vec<Route>,
    pub(super) safe: Option<Span>,
    pub(super) idempotent: Option<Span>,
    pub(super) keyed: Option<Span>,
    pub(super) detached: bool,
    pub(super) deprecated: bool,
    pub(super) name: Option<LitStr>,
}

/// A REST route.
pub(super) struct Route {
    pub(super) verb: Verb,
    /// The verb where it was written.
    pub(super) key: Ident,
    pub(super) template: Template,
}

/// The HTTP method of a route.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Verb {
    Get,
    Post,
    Put,
    Patch,
    Delete,
}

impl Options {
    /// Takes `#[endpoint]` out of `attributes`.
    pub(super) fn take(attributes: &mut Vec<Attribute>, faults: &mut Faults) -> Self {
        let mut options = Options::default();
        let mut seen = false;
        attributes.retain(|attribute| {
            if !attribute.path().is_ident("endpoint") {
                return true;
            }
            if seen {
                faults.at(attribute, "one #[endpoint(...)] is enough: put all options into it");
            }
            seen = true;
            if let Some(words) = faults.value(parse(attribute)) {
                for word in words {
                    options.set(word, faults);
                }
            }
            false
        });
        options.deprecated |= crate::docs::is_deprecated(attributes);
        options.check(faults);
        options
    }

    /// Whether a route reads the request from path and query alone.
    pub(super) fn get(&self) -> Option<&Route> {
        self.routes.iter().find(|route| route.verb == Verb::Get)
    }

    fn set(&mut self, word: Word, faults: &mut Faults) {
        let Word { key, value } = word;
        let name = key.to_string();
        if let Some(verb) = Verb::parse(&name) {
            let Some(path) = value else {
                return faults.at(&key, format!("`{name}` needs a path: {name} = \"/v1/...\""));
            };
            if let Some(template) = faults.value(Template::parse(path)) {
                self.routes.push(Route { verb, key, template });
            }
            return;
        }
        if name == "name" {
            match value {
                Some(value) if self.name.is_some() => faults.at(value, "there is a name already"),
                Some(value) if !crate::names::is_identifier(&value.value()) => faults.at(
                    value,
                    "the name of a method is letters, digits and underscores: name = \"Uppercase\"",
                ),
                Some(value) => self.name = Some(value),
                None => faults.at(&key, "`name` needs a value: name = \"Uppercase\""),
            }
            return;
        }
        let taken = match name.as_str() {
            "safe" => self.safe.replace(key.span()).is_some(),
            "idempotent" => self.idempotent.replace(key.span()).is_some(),
            "idempotency_key" => self.keyed.replace(key.span()).is_some(),
            "detached" => std::mem::replace(&mut self.detached, true),
            "deprecated" => std::mem::replace(&mut self.deprecated, true),
            _ => return faults.at(&key, format!("no such option; there are: {VALID}")),
        };
        if taken {
            faults.at(&key, format!("`{name}` is there already"));
        }
        if let Some(value) = value {
            faults.at(value, format!("`{name}` takes no value: write just `{name}`"));
        }
    }

    fn check(&self, faults: &mut Faults) {
        if let (Some(_), Some(idempotent)) = (self.safe, self.idempotent) {
            let why = "what is `safe` is idempotent as well: write just `safe`";
            faults.push(syn::Error::new(idempotent, why));
        }
        if let Some(keyed) = self.keyed
            && (self.safe.is_some() || self.idempotent.is_some() || self.get().is_some())
        {
            let why = "this method may be called again without a key already: take `idempotency_key` away";
            faults.push(syn::Error::new(keyed, why));
        }
        for route in &self.routes {
            let changes = matches!(route.verb, Verb::Put | Verb::Patch | Verb::Delete);
            if changes && self.safe.is_some() {
                let why = "a `safe` method changes nothing, which is what this route is for: take `get` or `post`, or take `safe` away";
                faults.at(&route.key, why);
            } else if changes && self.get().is_some() {
                let why = "a method with a `get` route changes nothing, which is what this route is for: make it a method of its own";
                faults.at(&route.key, why);
            }
        }
    }
}

impl Verb {
    fn parse(name: &str) -> Option<Self> {
        Some(match name {
            "get" => Verb::Get,
            "post" => Verb::Post,
            "put" => Verb::Put,
            "patch" => Verb::Patch,
            "delete" => Verb::Delete,
            _ => return None,
        })
    }

    /// Its name in `kitfox::contract::Verb`.
    pub(super) fn ident(self) -> Ident {
        Ident::new(&format!("{self:?}"), Span::call_site())
    }
}

/// `safe`, or `post = "/v1/uppercase"`.
struct Word {
    key: Ident,
    value: Option<LitStr>,
}

impl Parse for Word {
    fn parse(input: ParseStream<'_>) -> syn::Result<Self> {
        let Ok(key) = input.call(Ident::parse_any) else {
            return Err(input.error(format!("an option is wanted here; there are: {VALID}")));
        };
        if !input.peek(Token![=]) {
            if !input.is_empty() && !input.peek(Token![,]) {
                let why = format!("a value follows an equals sign: {key} = \"...\"");
                return Err(input.error(why));
            }
            return Ok(Word { key, value: None });
        }
        input.parse::<Token![=]>()?;
        let value = input.parse().map_err(|error| {
            syn::Error::new(
                error.span(),
                format!("a text in quotes is wanted here: {key} = \"...\""),
            )
        })?;
        Ok(Word { key, value: Some(value) })
    }
}

fn parse(attribute: &Attribute) -> syn::Result<Punctuated<Word, Token![,]>> {
    let Meta::List(list) = &attribute.meta else {
        let why = format!("options go in parentheses: #[endpoint(...)]; there are: {VALID}");
        return Err(syn::Error::new_spanned(attribute, why));
    };
    list.parse_args_with(Punctuated::parse_terminated)
}
