//! gRPC's reflection service: tools such as `grpcurl` and Postman ask a server what it offers, and
//! call it without a `.proto` file.
//!
//! A [`Host`](crate::Host) serves both versions in use, `grpc.reflection.v1` and `v1alpha`, of all its
//! services. Whoever can call them can then read the whole contract, comments included. Nothing
//! secret belongs into a contract, and who can read it can do no more than before; but it shows
//! strangers where to try. Where a port faces them, one switch turns it off:
//! [`Host::reflection`](crate::Host::reflection), the key `reflection`.
//!
//! [`Services`](crate::Services) that stand in an application of yours have it like any other service:
//!
//! ```
//! # #[kitfox::message] pub struct Text { pub text: String }
//! # #[kitfox::service(package = "strings.v1")] pub trait Strings {
//! #     async fn uppercase(&self, cx: &kitfox::Context, request: Text) -> Result<Text, kitfox::Error>;
//! # }
//! # fn main() -> Result<(), kitfox::contract::ContractError> {
//! use kitfox::Services;
//! use kitfox::reflection::{Reflection, v1};
//!
//! let reflection = Reflection::of(&[StringsClient::CONTRACT])?;
//! let services = Services::new().serve(v1::ServerReflectionServer::new(reflection));
//! # let _ = services;
//! # Ok(())
//! # }
//! ```

mod answers;
mod messages;
mod versions;

pub use answers::Reflection;
pub use messages::{
    ErrorResponse, ExtensionNumberResponse, ExtensionRequest, FileDescriptorResponse,
    ListServiceResponse, MessageRequest, MessageResponse, ServerReflectionRequest,
    ServerReflectionResponse, ServiceResponse,
};
pub use versions::{v1, v1alpha};
