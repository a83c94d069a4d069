//! What the tests of layers stand on.

use kitfox_core::contract::{Idempotency, Method, Shape};
use kitfox_core::message::Codec;
use kitfox_core::platform::{Random, Tcp};
use kitfox_core::types::rpc::ErrorInfo;
use kitfox_core::{
    BoxEndpoint, Code, Context, Detail, Endpoint, Error, Incoming, Origin, Payload, Platform,
    Recovery, Reply, Request,
};

pub(crate) static METHOD: Method = Method::unary("test.v1.Test", "Call", "/test.v1.Test/Call");

pub(crate) static IDEMPOTENT: Method = Method {
    name: "Put",
    path: "/test.v1.Test/Put",
    idempotency: Idempotency::Idempotent,
    ..METHOD
};

pub(crate) static SAFE: Method =
    Method { name: "Get", path: "/test.v1.Test/Get", idempotency: Idempotency::Safe, ..METHOD };

pub(crate) static STREAM: Method =
    Method { name: "Watch", path: "/test.v1.Test/Watch", shape: Shape::ServerStream, ..SAFE };

/// An endpoint that does what `function` does.
pub(crate) fn endpoint<F, Fut>(function: F) -> BoxEndpoint
where
    F: Fn(Request) -> Fut + Send + Sync + 'static,
    Fut: Future<Output = Result<Reply, Error>> + Send,
{
    struct Function<F>(F);

    impl<F, Fut> Endpoint for Function<F>
    where
        F: Fn(Request) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<Reply, Error>> + Send,
    {
        fn call(&self, request: Request) -> impl Future<Output = Result<Reply, Error>> + Send {
            (self.0)(request)
        }
    }

    BoxEndpoint::new(Function(function))
}

/// An endpoint that answers at once.
pub(crate) fn answering() -> BoxEndpoint {
    endpoint(|_| async { Ok(reply()) })
}

pub(crate) fn reply() -> Reply {
    Reply::new(Payload::unary(Codec::Json, "{}".into()))
}

/// What a peer says that does not work, and may later.
pub(crate) fn unavailable() -> Error {
    let error = Error::new(Code::Unavailable, "busy").with_origin(Origin::Peer);
    error.with_recovery(Recovery::Retry)
}

pub(crate) fn request(context: &Context) -> Request {
    Request::new(context.clone(), Payload::unary(Codec::Json, "{}".into()))
}

/// A context whose randomness repeats.
pub(crate) fn context() -> Context {
    let platform = Some(Platform::new(Tcp, Random::seeded(7)));
    Context::incoming(Incoming { platform, ..Incoming::default() })
}

/// Why a layer refused, as every wire says it.
pub(crate) fn reason(error: &Error) -> String {
    let info = error.details().iter().find_map(Detail::decode::<ErrorInfo>);
    info.map(|info| info.reason).unwrap_or_default()
}
