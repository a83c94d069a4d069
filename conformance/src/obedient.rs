//! The service that does what each request says.

mod observed;
mod script;

use std::time::Duration;

use kitfox::types::Any;
use kitfox::{Context, Error, Streaming};
use tokio::time::sleep;

use crate::messages::{
    BidiStreamRequest, BidiStreamResponse, ClientStreamRequest, ClientStreamResponse,
    ConformancePayload, IdempotentUnaryRequest, IdempotentUnaryResponse, RequestInfo,
    ServerStreamRequest, ServerStreamResponse, UnaryOutcome, UnaryRequest, UnaryResponse,
    UnaryResponseDefinition,
};
use crate::{ConformanceService, failure, headers};
use observed::Observed;
use script::Script;

/// Answers as it is told. The suite's documentation of the service says what each method does.
#[derive(Clone, Copy, Debug)]
pub struct Obedient {
    /// How long a call may take whose caller says nothing: the host's own limit, which nobody
    /// asked for and which is not told as the caller's timeout.
    pub unasked: Duration,
}

impl ConformanceService for Obedient {
    async fn unary(&self, cx: &Context, request: UnaryRequest) -> Result<UnaryResponse, Error> {
        let info = self.observed(cx).with(&request);
        Ok(one(cx, request.response_definition, info).await?.into())
    }

    async fn idempotent_unary(
        &self,
        cx: &Context,
        request: IdempotentUnaryRequest,
    ) -> Result<IdempotentUnaryResponse, Error> {
        let info = self.observed(cx).with(&request);
        Ok(one(cx, request.response_definition, info).await?.into())
    }

    async fn client_stream(
        &self,
        cx: &Context,
        mut requests: Streaming<ClientStreamRequest>,
    ) -> Result<ClientStreamResponse, Error> {
        let mut info = self.observed(cx).info();
        let mut definition = None;
        while let Some(request) = requests.try_next().await? {
            if info.requests.is_empty() {
                definition.clone_from(&request.response_definition);
            }
            info.requests.push(Any::pack(&request));
        }
        Ok(one(cx, definition, info).await?.into())
    }

    async fn server_stream(
        &self,
        cx: &Context,
        request: ServerStreamRequest,
    ) -> Result<Streaming<ServerStreamResponse>, Error> {
        let info = self.observed(cx).with(&request);
        let script = Script::new(cx, request.response_definition)?;
        script.play(info)
    }

    async fn bidi_stream(
        &self,
        cx: &Context,
        mut requests: Streaming<BidiStreamRequest>,
    ) -> Result<Streaming<BidiStreamResponse>, Error> {
        let mut info = self.observed(cx).info();
        let Some(first) = requests.try_next().await? else {
            return Ok(Streaming::of([]));
        };
        info.requests.push(Any::pack(&first));
        let script = Script::new(cx, first.response_definition)?;
        if first.full_duplex {
            return script.converse(info, requests);
        }
        while let Some(request) = requests.try_next().await? {
            info.requests.push(Any::pack(&request));
        }
        script.play(info)
    }
}

impl Obedient {
    fn observed<'a>(&self, cx: &'a Context) -> Observed<'a> {
        Observed::new(cx, self.unasked)
    }
}

/// The one answer that `definition` asks for.
async fn one(
    cx: &Context,
    definition: Option<UnaryResponseDefinition>,
    info: RequestInfo,
) -> Result<ConformancePayload, Error> {
    let definition = definition.unwrap_or_default();
    headers::answer_with(cx, &definition.response_headers, &definition.response_trailers)?;
    sleep(Duration::from_millis(definition.response_delay_ms.into())).await;
    match definition.response {
        Some(UnaryOutcome::Error(error)) => Err(failure::with_info(error, &info)),
        Some(UnaryOutcome::ResponseData(data)) => {
            Ok(ConformancePayload { data, request_info: Some(info) })
        }
        None => Ok(ConformancePayload { data: Vec::new(), request_info: Some(info) }),
    }
}

#[cfg(test)]
mod tests;
