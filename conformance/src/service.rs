//! The suite's service as a Kitfox trait.

use kitfox::{Code, Context, Error, Streaming};

use crate::messages::{
    BidiStreamRequest, BidiStreamResponse, ClientStreamRequest, ClientStreamResponse,
    IdempotentUnaryRequest, IdempotentUnaryResponse, ServerStreamRequest, ServerStreamResponse,
    UnaryRequest, UnaryResponse, UnimplementedRequest, UnimplementedResponse,
};

/// Every request says how it is to be answered, and every answer what was seen of the request.
#[kitfox::service(package = "connectrpc.conformance.v1")]
pub trait ConformanceService {
    /// One message in, one out.
    async fn unary(&self, cx: &Context, request: UnaryRequest) -> Result<UnaryResponse, Error>;

    /// One in, many out.
    async fn server_stream(
        &self,
        cx: &Context,
        request: ServerStreamRequest,
    ) -> Result<Streaming<ServerStreamResponse>, Error>;

    /// Many in, one out.
    async fn client_stream(
        &self,
        cx: &Context,
        requests: Streaming<ClientStreamRequest>,
    ) -> Result<ClientStreamResponse, Error>;

    /// Many in, many out; by turns, or first all in and then all out.
    async fn bidi_stream(
        &self,
        cx: &Context,
        requests: Streaming<BidiStreamRequest>,
    ) -> Result<Streaming<BidiStreamResponse>, Error>;

    /// What no server has.
    async fn unimplemented(
        &self,
        _cx: &Context,
        _request: UnimplementedRequest,
    ) -> Result<UnimplementedResponse, Error> {
        Err(Error::new(Code::Unimplemented, "nobody implements this method"))
    }

    /// One message in, one out, and nothing is changed: Connect may call it with GET.
    #[endpoint(safe)]
    async fn idempotent_unary(
        &self,
        cx: &Context,
        request: IdempotentUnaryRequest,
    ) -> Result<IdempotentUnaryResponse, Error>;
}
