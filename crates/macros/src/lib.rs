//! The macros of Kitfox: `service`, `message`, `error` and `labels`.

mod docs;
mod error;
mod faults;
mod labels;
mod message;
mod names;
mod option;
mod projection;
mod service;

use proc_macro::TokenStream;

/// Makes a service of a trait: a server for every wire, a client that implements the same trait,
/// and the contract as data.
///
/// ```
/// use kitfox::{Context, Streaming};
/// # #[kitfox::message] pub struct UppercaseRequest { pub text: String }
/// # #[kitfox::message] pub struct UppercaseResponse { pub text: String }
/// # #[kitfox::message] pub struct WordsRequest { pub text: String }
/// # #[kitfox::message] pub struct Word { pub word: String }
/// # #[kitfox::error] pub enum StringsError { #[call] Call(kitfox::Error) }
///
/// /// Works on texts.
/// #[kitfox::service(package = "strings.v1")]
/// pub trait Strings {
///     /// Upper-cases a text.
///     #[endpoint(post = "/v1/uppercase", idempotent)]
///     async fn uppercase(&self, cx: &Context, request: UppercaseRequest) -> Result<UppercaseResponse, StringsError>;
///
///     #[endpoint(get = "/v1/words/{text}")]
///     async fn words(&self, cx: &Context, request: WordsRequest) -> Result<Streaming<Word, StringsError>, StringsError>;
/// }
/// # fn main() {}
/// ```
///
/// From it come `StringsServer::new(service)`, which a host serves, `StringsClient::new(&channel)`
/// and `StringsClient::local(service)`, which implement `Strings` as an `Arc` of an implementation
/// does, and `StringsClient::CONTRACT`. A test, `kitfox_lock_of_strings`, holds the contract against
/// `kitfox.lock` beside `Cargo.toml`, where there is one: see `kitfox::contract`. A service that is
/// nobody's contract, such as one in a function of a test, goes without:
/// `package = "strings.v1", unlocked`. An implementation writes plain `async fn`s; its futures
/// are `Send`. A method may have a body, for implementations that do not write it. By
/// Rust's rules that holds for a decorator too: where it leaves such a method out it runs the body
/// here, and not the method of the service inside.
///
/// Requests and responses are types under `#[kitfox::message]`, or `Streaming` of one; errors are
/// a type under `#[kitfox::error]`, or `kitfox::Error`.
///
/// # Options of a method
/// All of `#[endpoint(...)]` may be left out; gRPC and Connect need none of it.
///
/// - `get`, `post`, `put`, `patch`, `delete` `= "/v1/words/{text}"`: a REST route, of which a method
///   may have several. What stands in braces is a field of the request (`{address.city}` one of
///   a message in it); other fields come from the query, and from the body where there is one. Where
///   they name the same field, the path counts more than the query, and the query more than the body.
/// - `safe`: a call changes nothing, so a cache may answer it. `get` says so too.
/// - `idempotent`: a second call changes nothing more, so it may be tried again.
/// - `idempotency_key`: a call may be tried again with the same key, and then gets the answer of the
///   first. The client makes a key for each call that has none, the server keeps the answers, in its
///   memory or in the store that it is given: where there are several replicas, only a store that they
///   share has the answer that another one gave. For methods of one message each way.
/// - `detached`: a call is finished even when its caller has gone away.
/// - `deprecated`: callers should look for another method; `#[deprecated]` says so too.
/// - `name = "Uppercase"`: its name on the wire, where it is not the function's in upper camel case.
#[proc_macro_attribute]
pub fn service(arguments: TokenStream, item: TokenStream) -> TokenStream {
    service::expand(arguments.into(), item.into()).into()
}

/// Makes errors of an enum that stay typed from the service to its caller.
///
/// ```
/// #[kitfox::error(domain = "strings.v1")]
/// pub enum StringsError {
///     /// nothing to do: the text is empty
///     #[code(InvalidArgument)]
///     Empty,
///     /// no word may be longer than {max}
///     #[code(OutOfRange)]
///     TooLong { max: u32 },
///     /// the dictionary is being loaded
///     #[code(Unavailable, retry_after = "1s")]
///     Loading,
///     #[call]
///     Call(kitfox::Error),
/// }
/// # fn main() {}
/// ```
///
/// A variant's `#[code]` is what every wire and every layer knows of it. `retry` or
/// `retry_after = "500ms"` beside it says that trying again may help, `reason = "TOO_LONG"` gives
/// it another name on the wire than its own in capitals. Its doc comment is what it says (the first
/// paragraph, with fields in braces). Its fields go over the wire as those of a message do, so they
/// have the types, and may have the options, of fields under `#[kitfox::message]`.
///
/// The one variant under `#[call]` carries everything else: a refusal of a layer, a broken
/// connection, an error of a newer version of the service. `?` makes it of a `kitfox::Error`.
///
/// The other way, `?` makes a `kitfox::Error` of any of them, as the failure of a service that was
/// called: a method that gives it back without mapping it answers `Internal`, and the callee's own
/// words stay on this side, as the error's source. From one enum to another it takes the step
/// between, `.map_err(kitfox::Error::from)?`.
///
/// The domain tells these errors from another service's and is the enum's name where it is not given.
/// Other attributes of the enum, `#[derive]`s above all, stand below this one; `Debug` is derived
/// where it is not.
#[proc_macro_attribute]
pub fn error(arguments: TokenStream, item: TokenStream) -> TokenStream {
    error::expand(arguments.into(), item.into()).into()
}

/// Makes a struct or an enum a message: protobuf, JSON, and its schema as data.
///
/// ```
/// #[kitfox::message(package = "shop.v1")]
/// pub struct Order {
///     pub id: u64,
///     pub note: Option<String>,
///     #[field(7, sint)]
///     pub offsets: Vec<i32>,
///     pub state: State,
///     #[oneof]
///     pub payment: Option<Payment>,
/// }
///
/// #[kitfox::message(package = "shop.v1")]
/// pub enum State {
///     Unspecified,
///     Paid,
///     Shipped = 5,
///     #[unknown]
///     Unknown(i32),
/// }
///
/// #[kitfox::message(package = "shop.v1")]
/// pub enum Payment {
///     #[field(10)]
///     Card(Card),
///     #[field(11)]
///     Voucher(String),
/// }
/// # #[kitfox::message(package = "shop.v1")]
/// # pub struct Card { pub number: String }
/// # fn main() {}
/// ```
///
/// `Clone`, `Debug`, `PartialEq` and `Default` come with it (`Copy`, `Eq` and `Hash` for an enum of
/// plain names). Other derives stand below this attribute.
///
/// # Fields
/// Numbers, `bool`, `String`, `Vec<u8>`, `Bytes`, messages, enums, the types of `kitfox::types`;
/// `Option`, `Vec`, `HashMap` and `BTreeMap` of them. As proto3 has it, a field at its default is left
/// out, in JSON too, unless it is in an `Option`, and JSON has 64-bit numbers as strings. A message
/// that holds itself does it in an `Option<Box<_>>`. A field has its place in the declaration as its number, unless given. In
/// `#[field(...)]` stand the number, `name = "..."`, `json = "..."`, and the encoding: `sint` for
/// numbers that are often negative, `fixed` for large ones, `key = sint` for the keys of a map.
///
/// # What is gone
/// A number or a name that was once on a wire must not mean something else later.
/// `#[kitfox::message(reserved(3, 5..=7, "note"))]` keeps them: nothing can have them again, and
/// the fields after a removed one, which were numbered by their place, keep their numbers.
///
/// # Enums
/// An enum of plain names keeps numbers it has no name for in its `#[unknown]` variant. A name on
/// the wire is `STATE_PAID`, unless `#[value(name = "PAID")]` stands before it. The first is the
/// default.
///
/// An enum whose variants carry data is a `oneof`: under `#[oneof]` its variants are fields of the
/// message around it, elsewhere it is a message of its own. A variant without data is
/// `google.protobuf.Empty`; one under `#[unset]` stands for none at all, or for one that only a
/// newer peer knows.
#[proc_macro_attribute]
pub fn message(arguments: TokenStream, item: TokenStream) -> TokenStream {
    message::expand(arguments.into(), item.into()).into()
}

/// Makes a struct the labels of a metric: a label for each field, whose value is what the field
/// displays.
///
/// ```
/// use kitfox::telemetry::metrics::Metrics;
///
/// #[kitfox::labels]
/// struct Sale {
///     kind: Kind,
///     #[label("shop.region")]
///     region: &'static str,
/// }
///
/// enum Kind { Book, Pen }
///
/// impl std::fmt::Display for Kind {
///     fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
///         f.write_str(match self { Kind::Book => "book", Kind::Pen => "pen" })
///     }
/// }
///
/// # fn main() -> Result<(), kitfox::telemetry::metrics::MetricError> {
/// let metrics = Metrics::new();
/// let sales = metrics.counter::<Sale>("shop.sales", "What was sold.")?;
/// let pens = sales.with(&Sale { kind: Kind::Pen, region: "north" }); // once, and kept
/// pens.increment();
/// assert!(metrics.prometheus().contains("shop_sales_total{kind=\"pen\",shop_region=\"north\"} 1"));
/// # let _ = Kind::Book;
/// # Ok(())
/// # }
/// ```
///
/// A label is for what has few values: each value is a series that stays, and a metric has no more of
/// them than its registry allows (`Metrics::with_series_limit`). `#[label("shop.region")]` gives a
/// label another name than its field's.
#[proc_macro_attribute]
pub fn labels(arguments: TokenStream, item: TokenStream) -> TokenStream {
    labels::expand(arguments.into(), item.into()).into()
}
