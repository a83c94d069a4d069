//! What the tests of layers stand on.

use kitfox_core::contract::{Idempotency, Method, Shape};
use kitfox_core::message::{Codec, Message};
use kitfox_core::{BoxEndpoint, DomainError, Endpoint, Error, Payload, Reply, Request};

pub(crate) static METHOD: Method = Method {
    service: "test.v1.Test",
    name: "Call",
    path: "/test.v1.Test/Call",
    docs: "",
    shape: Shape::Unary,
    idempotency: Idempotency::None,
    detached: false,
    deprecated: false,
    routes: &[],
    input: <() as Message>::schema,
    output: <() as Message>::schema,
    errors: <Error as DomainError>::SCHEMA,
};

/// An endpoint that does what `function` does.
fn endpoint<F, Fut>(function: F) -> BoxEndpoint
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
    endpoint(|_| async { Ok(Reply::new(Payload::unary(Codec::Json, "{}".into()))) })
}
