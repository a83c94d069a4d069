//! The contract as data: what `#[kitfox::service]` knows of a trait, for whoever builds from it
//! (servers, clients, OpenAPI, `.proto`, consoles).

use crate::error::ErrorSchema;
use crate::message::{Message, MessageSchema};
use crate::{DomainError, Error};

/// A service: its name and its methods.
#[derive(Debug)]
pub struct Contract {
    /// The protobuf package: `strings.v1`.
    pub package: &'static str,
    /// The name within the package: `Strings`.
    pub name: &'static str,
    /// What it is for, from the trait's doc comment.
    pub docs: &'static str,
    /// Whether callers should look for another service.
    pub deprecated: bool,
    /// The methods in the order of the trait.
    pub methods: &'static [Method],
}

/// One method of a service.
#[derive(Debug)]
pub struct Method {
    /// The full name of its service: `strings.v1.Strings`.
    pub service: &'static str,
    /// The name on the wire: `Uppercase`.
    pub name: &'static str,
    /// Where gRPC and Connect find it: `/strings.v1.Strings/Uppercase`.
    pub path: &'static str,
    /// What it does, from its doc comment.
    pub docs: &'static str,
    /// Which sides stream.
    pub shape: Shape,
    /// Whether it may be called again.
    pub idempotency: Idempotency,
    /// Whether a call is finished when its caller goes away, instead of cancelled.
    pub detached: bool,
    /// Whether callers should look for another method.
    pub deprecated: bool,
    /// Where REST finds it.
    pub routes: &'static [Route],
    /// What goes in.
    pub input: fn() -> &'static MessageSchema,
    /// What comes out.
    pub output: fn() -> &'static MessageSchema,
    /// How it fails.
    pub errors: &'static ErrorSchema,
}

impl Method {
    /// A method with one message each way and nothing special about it, for whoever has none of a
    /// trait: another protocol, a test. What is special is said by `..`:
    ///
    /// ```
    /// use kitfox_core::contract::{Idempotency, Method};
    ///
    /// static READ: Method = Method {
    ///     idempotency: Idempotency::Safe,
    ///     ..Method::unary("test.v1.Test", "Read", "/test.v1.Test/Read")
    /// };
    /// # assert_eq!(READ.name, "Read");
    /// ```
    #[must_use]
    pub const fn unary(service: &'static str, name: &'static str, path: &'static str) -> Method {
        Method {
            service,
            name,
            path,
            docs: "",
            shape: Shape::Unary,
            idempotency: Idempotency::None,
            detached: false,
            deprecated: false,
            routes: &[],
            input: <() as Message>::schema,
            output: <() as Message>::schema,
            errors: <Error as DomainError>::SCHEMA,
        }
    }
}

/// Which sides of a method are streams.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// One message in, one out.
    Unary,
    /// One in, many out.
    ServerStream,
    /// Many in, one out.
    ClientStream,
    /// Many in, many out, at the same time.
    BothStream,
}

impl Shape {
    /// Whether many messages come in.
    #[must_use]
    pub const fn streams_in(self) -> bool {
        matches!(self, Shape::ClientStream | Shape::BothStream)
    }

    /// Whether many messages go out.
    #[must_use]
    pub const fn streams_out(self) -> bool {
        matches!(self, Shape::ServerStream | Shape::BothStream)
    }
}

/// Whether a method may be called more than once for the same effect.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Idempotency {
    /// It may not.
    None,
    /// It may, with the same idempotency key: the second call gets the answer of the first. Its
    /// clients give each call a key of its own where the caller gave none.
    Keyed,
    /// It may: the second call changes nothing more.
    Idempotent,
    /// It changes nothing at all; a cache may answer.
    Safe,
}

/// A REST route of a method.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Route {
    /// The HTTP method.
    pub verb: Verb,
    /// The path, with fields of the input in braces: `/v1/count/{text}`.
    pub template: &'static str,
}

/// The HTTP methods that a route can have.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Verb {
    /// `GET`: path and query only, no body.
    Get,
    /// `POST`
    Post,
    /// `PUT`
    Put,
    /// `PATCH`
    Patch,
    /// `DELETE`
    Delete,
}

impl Verb {
    /// As it stands in a request.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Verb::Get => "GET",
            Verb::Post => "POST",
            Verb::Put => "PUT",
            Verb::Patch => "PATCH",
            Verb::Delete => "DELETE",
        }
    }
}
