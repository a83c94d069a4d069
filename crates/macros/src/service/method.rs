//! One method of the trait: its signature taken apart.
//!
//! Two names are looked at, `Result` and `Streaming`, each as the last segment of its path: what
//! they hold goes into the contract. Every other type is left to the compiler.

use proc_macro2::TokenStream;
use quote::quote;
use syn::{
    Attribute, Block, FnArg, GenericArgument, Ident, Pat, PatType, PathArguments, ReturnType,
    Signature, Token, TraitItemFn, Type,
};

use super::options::{Options, Verb};
use crate::docs::docs;
use crate::faults::Faults;
use crate::names::upper_camel;
use crate::projection;

const SHAPE: &str =
    "async fn name(&self, cx: &Context, request: Request) -> Result<Response, Error>";

/// One method.
pub(super) struct Method {
    /// Without `#[endpoint]`.
    pub(super) attributes: Vec<Attribute>,
    /// Where the method begins, for what the compiler has to say of it.
    pub(super) begin: Token![fn],
    pub(super) ident: Ident,
    /// On the wire.
    pub(super) name: String,
    pub(super) docs: String,
    pub(super) options: Options,
    pub(super) context: Parameter,
    pub(super) request: Parameter,
    pub(super) input: Side,
    /// `Result<Response, Error>` as it was written.
    pub(super) result: Type,
    pub(super) output: Side,
    pub(super) error: Type,
    pub(super) body: Option<Block>,
}

/// One parameter after `&self`.
pub(super) struct Parameter {
    pub(super) pattern: Pat,
    /// Of the context, what the reference refers to.
    pub(super) ty: Type,
}

/// What goes in, or what comes out.
pub(super) struct Side {
    pub(super) message: Type,
    pub(super) streams: bool,
}

impl Method {
    pub(super) fn parse(item: &TraitItemFn, faults: &mut Faults) -> Option<Self> {
        let mut attributes = item.attrs.clone();
        let options = Options::take(&mut attributes, faults);
        for attribute in &attributes {
            if attribute.path().is_ident("cfg") || attribute.path().is_ident("cfg_attr") {
                let why = "a contract is the same in every build: put the method into a service of its own, under this #[cfg]";
                faults.at(attribute, why);
            }
        }
        let signature = &item.sig;
        check_head(signature, faults);
        let parameters = parameters(signature, item.default.is_some(), faults);
        let answer = answer(signature, faults);
        let (context, request) = parameters?;
        let (result, output, error) = answer?;
        let input = side(&request.ty, faults)?;
        if input.streams {
            check_streamed(&options, faults);
        }
        if let Some(keyed) = options.keyed
            && (input.streams || output.streams)
        {
            let why = "an answer is kept for its key only where one message goes in and one comes out: take `idempotency_key` away";
            faults.push(syn::Error::new(keyed, why));
        }
        let name = options.name.as_ref().map(syn::LitStr::value);
        Some(Method {
            docs: docs(&attributes),
            name: name.unwrap_or_else(|| upper_camel(&signature.ident)),
            begin: signature.fn_token,
            ident: signature.ident.clone(),
            body: item.default.clone(),
            attributes,
            options,
            context,
            request,
            input,
            result,
            output,
            error,
        })
    }

    /// The name of its shape in `kitfox::contract::Shape`, and of its two shims.
    pub(super) fn shape(&self) -> (&'static str, &'static str, &'static str) {
        match (self.input.streams, self.output.streams) {
            (false, false) => ("Unary", "unary", "call_unary"),
            (false, true) => ("ServerStream", "server_stream", "call_server_stream"),
            (true, false) => ("ClientStream", "client_stream", "call_client_stream"),
            (true, true) => ("BothStream", "both_stream", "call_both_stream"),
        }
    }

    /// The types of its shims: messages and error, each the user's token, at which the compiler
    /// says what it is not. The error inside a stream is inferred.
    pub(super) fn types(&self) -> TokenStream {
        let streamed = |side: &Side| side.streams.then(|| quote!(, _));
        let (more_in, more_out) = (streamed(&self.input), streamed(&self.output));
        let (input, output, error) =
            (self.input.checked(), self.output.checked(), self.checked_error());
        quote!(#input #more_in, #output #more_out, #error)
    }

    /// The error, or the compiler's word that it is none.
    pub(super) fn checked_error(&self) -> TokenStream {
        projection::of(&self.error, &quote!(::kitfox::__private::IsFailure), "Itself")
    }
}

impl Side {
    /// The message, or the compiler's word that it is none.
    pub(super) fn checked(&self) -> TokenStream {
        projection::of(&self.message, &quote!(::kitfox::__private::IsMessage), "Itself")
    }
}

fn check_head(signature: &Signature, faults: &mut Faults) {
    if signature.asyncness.is_none() {
        faults.at(signature.fn_token, format!("a method is asynchronous: {SHAPE}"));
    }
    if let Some(token) = &signature.constness {
        faults.at(token, "a method is not `const`");
    }
    if let Some(token) = &signature.unsafety {
        faults.at(token, "a method is safe to call: take `unsafe` away");
    }
    if let Some(abi) = &signature.abi {
        faults.at(abi, "a method is a plain Rust function");
    }
    if !signature.generics.params.is_empty() {
        let why = "a method has no generics: a wire knows one request and one response";
        faults.at(&signature.generics, why);
    }
    if let Some(clause) = &signature.generics.where_clause {
        faults.at(clause, "a method has no where clause: put it on the impl");
    }
}

fn parameters(
    signature: &Signature,
    has_body: bool,
    faults: &mut Faults,
) -> Option<(Parameter, Parameter)> {
    let mut typed = Vec::new();
    let mut receiver = false;
    for argument in &signature.inputs {
        match argument {
            FnArg::Receiver(this) => {
                receiver = true;
                let plain = this.reference.as_ref().is_some_and(|(_, lifetime)| lifetime.is_none());
                if !plain || this.mutability.is_some() || this.colon_token.is_some() {
                    let why = "a method takes `&self`: calls run at the same time, what they change is behind a lock";
                    faults.at(this, why);
                }
            }
            FnArg::Typed(parameter) => typed.push(parameter),
        }
    }
    if !receiver {
        faults.at(&signature.ident, format!("a method takes `&self` first: {SHAPE}"));
    }
    match typed[..] {
        [context, request] => {
            let context = context_parameter(context, has_body, faults);
            let request = request_parameter(request, has_body, faults);
            Some((context?, request?))
        }
        [only] if !matches!(*only.ty, Type::Reference(_)) => {
            let why = format!("a method takes the context of the call before its request: {SHAPE}");
            faults.at(only, why);
            None
        }
        [only] => {
            let why = format!(
                "a method takes one request after the context of the call (one without fields where there is nothing to say): {SHAPE}"
            );
            faults.at(only, why);
            None
        }
        [_, _, third, ..] => {
            let why = format!(
                "a method takes one request: make further arguments fields of it, so that callers of older versions stay good. {SHAPE}"
            );
            faults.at(third, why);
            None
        }
        [] => {
            let why = format!("a method takes the context of the call and a request: {SHAPE}");
            faults.at(&signature.ident, why);
            None
        }
    }
}

fn context_parameter(given: &PatType, has_body: bool, faults: &mut Faults) -> Option<Parameter> {
    let pattern = pattern(given, has_body, faults);
    let Type::Reference(reference) = &*given.ty else {
        let why = "the context of the call is borrowed, and comes before the request: cx: &Context";
        faults.at(&given.ty, why);
        return None;
    };
    if reference.mutability.is_some() || reference.lifetime.is_some() {
        faults.at(&given.ty, "the context of the call is a plain reference: cx: &Context");
    }
    Some(Parameter { pattern: pattern?, ty: (*reference.elem).clone() })
}

fn request_parameter(given: &PatType, has_body: bool, faults: &mut Faults) -> Option<Parameter> {
    let pattern = pattern(given, has_body, faults);
    check_message(&given.ty, "a method owns its request", faults)?;
    Some(Parameter { pattern: pattern?, ty: (*given.ty).clone() })
}

fn pattern(given: &PatType, has_body: bool, faults: &mut Faults) -> Option<Pat> {
    for attribute in &given.attrs {
        faults.at(attribute, "a parameter has no attributes here");
    }
    let plain = match &*given.pat {
        Pat::Wild(_) => true,
        Pat::Ident(name) => {
            name.by_ref.is_none()
                && name.subpat.is_none()
                && (name.mutability.is_none() || has_body)
        }
        _ => false,
    };
    if !plain {
        faults.at(&given.pat, "a parameter of a method is a plain name: request: Request");
        return None;
    }
    Some((*given.pat).clone())
}

/// Refuses what can be no message, whatever it is called.
fn check_message(ty: &Type, owns: &str, faults: &mut Faults) -> Option<()> {
    let why = match ty {
        Type::Reference(_) => format!("{owns}: take the `&` away"),
        Type::ImplTrait(_) => {
            "a wire knows one type here: name it, a struct under #[kitfox::message]".to_owned()
        }
        Type::Infer(_) => "name the type, a struct under #[kitfox::message]".to_owned(),
        _ => return Some(()),
    };
    faults.at(ty, why);
    None
}

fn answer(signature: &Signature, faults: &mut Faults) -> Option<(Type, Side, Type)> {
    let ReturnType::Type(_, result) = &signature.output else {
        let why = format!("a method answers with a result, for any call can fail: {SHAPE}");
        faults.at(&signature.ident, why);
        return None;
    };
    let arguments = arguments_of(result, "Result").unwrap_or_default();
    let [output, error] = arguments[..] else {
        let why = format!(
            "a method answers with a `Result` of a response and an error, both written out (`Result<Response, kitfox::Error>` where the service has no errors of its own): {SHAPE}"
        );
        faults.at(result, why);
        return None;
    };
    check_message(output, "a method gives its response away", faults)?;
    Some(((**result).clone(), side(output, faults)?, error.clone()))
}

fn side(ty: &Type, faults: &mut Faults) -> Option<Side> {
    match arguments_of(ty, "Streaming").as_deref() {
        None => Some(Side { message: ty.clone(), streams: false }),
        Some([message] | [message, _]) => {
            check_message(message, "a stream owns its messages", faults)?;
            Some(Side { message: (*message).clone(), streams: true })
        }
        Some(_) => {
            let why = "say what streams: Streaming<Word>, or Streaming<Word, StringsError>";
            faults.at(ty, why);
            None
        }
    }
}

/// The types in angle brackets, where `ty` is a path whose last segment is `name`.
fn arguments_of<'a>(ty: &'a Type, name: &str) -> Option<Vec<&'a Type>> {
    let Type::Path(path) = ty else { return None };
    let last = path.path.segments.last().filter(|last| last.ident == name)?;
    let PathArguments::AngleBracketed(arguments) = &last.arguments else {
        return Some(Vec::new());
    };
    let types = arguments.args.iter().filter_map(|argument| match argument {
        GenericArgument::Type(ty) => Some(ty),
        _ => None,
    });
    Some(types.collect())
}

/// A stream of requests is a body: nothing of it can stand in a path or a query.
fn check_streamed(options: &Options, faults: &mut Faults) {
    if let Some(safe) = options.safe {
        let why = "a method that takes a stream cannot be `safe`: no cache and no GET can carry it";
        faults.push(syn::Error::new(safe, why));
    }
    for route in &options.routes {
        if route.verb == Verb::Get {
            let why = "a GET has no body, and this method takes a stream: write post = \"/...\"";
            faults.at(&route.key, why);
        } else if !route.template.fields.is_empty() {
            let why = "a stream has no one message whose field could stand in a path";
            faults.push(syn::Error::new(route.template.text.span(), why));
        }
    }
}
