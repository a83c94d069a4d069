//! The answers of a stream, one after the other.

use std::time::Duration;

use kitfox::types::Any;
use kitfox::{Context, Error, Streaming};
use tokio::time::sleep;

use crate::messages::{
    self, BidiStreamRequest, BidiStreamResponse, ConformancePayload, RequestInfo,
    StreamResponseDefinition,
};
use crate::{failure, headers};

/// What a definition asks for.
pub(super) struct Script {
    answers: Vec<Vec<u8>>,
    delay: Duration,
    error: Option<messages::Error>,
}

impl Script {
    /// Of `definition`, whose headers and trailers are set at once.
    pub(super) fn new(
        cx: &Context,
        definition: Option<StreamResponseDefinition>,
    ) -> Result<Self, Error> {
        let definition = definition.unwrap_or_default();
        headers::answer_with(cx, &definition.response_headers, &definition.response_trailers)?;
        Ok(Script {
            answers: definition.response_data,
            delay: Duration::from_millis(definition.response_delay_ms.into()),
            error: definition.error,
        })
    }

    /// All answers, the first of them with `info`.
    pub(super) fn play<T>(self, info: RequestInfo) -> Result<Streaming<T>, Error>
    where
        T: From<ConformancePayload> + Send + 'static,
    {
        self.answer(info, None)
    }

    /// An answer to each request as it comes; what is left when no more come is answered too. The
    /// first request is in `info`.
    pub(super) fn converse(
        self,
        info: RequestInfo,
        requests: Streaming<BidiStreamRequest>,
    ) -> Result<Streaming<BidiStreamResponse>, Error> {
        self.answer(info, Some(requests))
    }

    /// All answers, each after the first to one of `requests`, where there are any.
    fn answer<T>(
        self,
        info: RequestInfo,
        mut requests: Option<Streaming<BidiStreamRequest>>,
    ) -> Result<Streaming<T>, Error>
    where
        T: From<ConformancePayload> + Send + 'static,
    {
        if self.answers.is_empty() {
            return self.nothing(&info);
        }
        Ok(Streaming::produce(async move |answers| {
            let mut info = Some(info);
            for data in self.answers {
                sleep(self.delay).await;
                let payload = ConformancePayload { data, request_info: info.take() };
                answers.send(payload.into()).await?;
                let Some(requests) = &mut requests else { continue };
                info = requests.try_next().await?.map(|request| RequestInfo {
                    requests: vec![Any::pack(&request)],
                    ..RequestInfo::default()
                });
            }
            end(self.error)
        }))
    }

    /// No answer. A failure is then the method's own, and tells what no answer could.
    fn nothing<T: Send + 'static>(self, info: &RequestInfo) -> Result<Streaming<T>, Error> {
        match self.error {
            Some(error) => Err(failure::with_info(error, info)),
            None => Ok(Streaming::produce(async |_| Ok(()))),
        }
    }
}

fn end(error: Option<messages::Error>) -> Result<(), Error> {
    match error {
        Some(error) => Err(failure::of(error)),
        None => Ok(()),
    }
}
