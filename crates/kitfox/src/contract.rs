//! The contract of services, and what others make their clients of.
//!
//! `#[kitfox::service]` leaves the contract as data, `StringsClient::CONTRACT`. From it come:
//! - [`proto`]: files of the protobuf language, which a host shows on its admin port, too
//!   (`GET /contract.proto`);
//! - [`openapi`]: an OpenAPI document, there too (`GET /openapi.json`);
//! - [`descriptor_set`]: what `protoc` would make of the files;
//! - [`lock`](lock()): what must not change by accident.
//!
//! # The lock
//! `kitfox.lock` beside the `Cargo.toml` of the crate with the contract has every number, route and
//! code that peers of its services know. `#[kitfox::service]` leaves a test in the crate that holds the
//! code against it, and fails where they differ: it says what, what that means to peers, and how to
//! mend it. Mere reordering is among it, since fields have their place as their number. Whatever is
//! new fails the test, too, until it is written down, so that the lock is always complete.
//!
//! - `KITFOX_LOCK=write cargo test kitfox_lock` makes the file, and later adds what is new. It
//!   refuses what breaks peers.
//! - `KITFOX_LOCK=accept cargo test kitfox_lock` writes that, too: where no peer is left that knows the
//!   old contract, or nobody minds.
//!
//! A crate without the file locks nothing. All services of a crate, of any package, share the file;
//! those of its integration tests (`tests/`) are nobody's contract, and are not locked, and neither is
//! what says so (`#[kitfox::service(package = "strings.v1", unlocked)]`). A service that is removed has no test any more: its section stays until somebody deletes it.

pub(crate) mod descriptor;
mod docs;
mod error;
pub(crate) mod files;
mod lock;
mod names;
mod openapi;
mod paths;
mod proto;
mod same;
mod tree;

pub use error::ContractError;
pub use kitfox_core::contract::*;
pub use proto::ProtoFile;

#[doc(hidden)]
pub use lock::check as check_lock;

use kitfox_core::message::Message;

use files::Files;

/// The services as `.proto` files, one for each package that they need (Google's own, which
/// everybody has, are left out), in the order of their mention.
///
/// A message without a package of its own is taken into that of the service, or of the message,
/// that uses it. Only where a message travels by name, in an [`Any`](crate::types::Any) or among the
/// details of an error, does a reader of the file need the package in the name:
/// `#[kitfox::message(package = "strings.v1")]`, `#[kitfox::error(domain = "strings.v1")]`.
///
/// The text passes the standard rules of `buf lint`, but for those which are about names that are
/// yours: `SERVICE_SUFFIX` (wants `StringsService`), `PACKAGE_VERSION_SUFFIX`,
/// `RPC_REQUEST_STANDARD_NAME`, `RPC_RESPONSE_STANDARD_NAME`, `RPC_REQUEST_RESPONSE_UNIQUE` (want
/// `UppercaseRequest` and `UppercaseResponse` for `Uppercase`, and each only once), and
/// `ENUM_ZERO_VALUE_SUFFIX` (wants `Unspecified` first).
///
/// ```
/// # #[kitfox::message] pub struct Text { pub text: String }
/// # #[kitfox::service(package = "strings.v1")] pub trait Strings {
/// #     async fn uppercase(&self, cx: &kitfox::Context, request: Text) -> Result<Text, kitfox::Error>;
/// # }
/// # fn main() -> Result<(), kitfox::contract::ContractError> {
/// for file in kitfox::contract::proto(&[StringsClient::CONTRACT])? {
///     println!("{}:\n{}", file.path, file.text);
/// #   assert_eq!(file.path, "strings/v1/strings.proto");
/// #   assert!(file.text.contains("rpc Uppercase(Text) returns (Text);"));
/// }
/// # Ok(())
/// # }
/// ```
///
/// # Errors
/// When two things would have one name.
pub fn proto(contracts: &[&'static Contract]) -> Result<Vec<ProtoFile>, ContractError> {
    let files = Files::of(contracts)?;
    Ok(files.own().map(|file| ProtoFile::new(&files, file)).collect())
}

/// The services as an OpenAPI 3.1 document, JSON in one text; `title` and `version` are those of the
/// application.
///
/// Each REST route is an operation; a unary method without one has its Connect path, called with
/// JSON. What takes a stream is left out: HTTP has no form for it that OpenAPI could say. Messages
/// are the JSON of proto3: a 64-bit number is a string, bytes are base64, a name that is not there
/// means the default. (NaN and the infinities, which are strings there, are not mentioned.) Each
/// failure is there with its status, and with the reasons that `#[kitfox::error]` knows.
///
/// In a generated client an operation is called `Strings_Uppercase`, a message as it is here.
/// Where two packages have the same name, both have their package before it.
///
/// # Errors
/// When two things would have one name.
pub fn openapi(
    title: &str,
    version: &str,
    contracts: &[&'static Contract],
) -> Result<String, ContractError> {
    let files = Files::of(contracts)?;
    Ok(format!("{:#}\n", openapi::document(title, version, contracts, &files)))
}

/// The services as protobuf descriptors: the bytes of a `google.protobuf.FileDescriptorSet`, for
/// tools that take one (`grpcurl -protoset`, `buf breaking`, proxies that transcode). All that the
/// files import is in it, what is imported first.
///
/// # Errors
/// When two things would have one name.
pub fn descriptor_set(contracts: &[&'static Contract]) -> Result<Vec<u8>, ContractError> {
    let files = Files::of(contracts)?;
    let file = files.imports_first().into_iter().map(descriptor::descriptor).collect();
    let mut set = Vec::new();
    descriptor::FileDescriptorSet { file }.write_body(&mut set);
    Ok(set)
}

/// The services as [`kitfox.lock`](self#the-lock) has them.
///
/// # Errors
/// When two things would have one name.
pub fn lock(contracts: &[&'static Contract]) -> Result<String, ContractError> {
    let sections: Result<Vec<_>, _> = contracts.iter().map(|it| lock::describe(it)).collect();
    Ok(lock::file(&mut sections?))
}
