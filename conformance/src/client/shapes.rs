//! How each shape of call goes.

use std::sync::Arc;

use kitfox::message::Message;
use kitfox::{Context, Error, Streaming};

use super::case::{Call, CaseError, Outcome};
use super::requests::{self, Requests};
use crate::messages::{ClientCompatRequest, ConformancePayload, StreamType};
use crate::{ConformanceService, ConformanceServiceClient};

pub(super) async fn unary<I: Message, O: Into<ConformancePayload>>(
    call: &Call,
    request: &ClientCompatRequest,
    method: impl AsyncFnOnce(&Context, I) -> Result<O, Error>,
) -> Result<Outcome, CaseError> {
    let message = requests::single(request)?;
    let answer = call.during(async {
        call.close().await;
        method(&call.cx, message).await
    });
    Ok(one(answer.await))
}

pub(super) async fn client_stream(
    call: &Arc<Call>,
    request: &ClientCompatRequest,
    client: &ConformanceServiceClient,
) -> Result<Outcome, CaseError> {
    let (requests, stream) = Requests::stream(call, request, false)?;
    let answer = call.during(client.client_stream(&call.cx, stream)).await;
    Ok(Outcome { unsent: requests.unsent(), ..one(answer) })
}

pub(super) async fn server_stream(
    call: &Call,
    request: &ClientCompatRequest,
    client: &ConformanceServiceClient,
) -> Result<Outcome, CaseError> {
    let message = requests::single(request)?;
    let outcome = call.during(async {
        call.close().await;
        match client.server_stream(&call.cx, message).await {
            Ok(answers) => many(call, answers, || ()).await,
            Err(error) => failed(error),
        }
    });
    Ok(outcome.await)
}

pub(super) async fn bidi_stream(
    call: &Arc<Call>,
    request: &ClientCompatRequest,
    client: &ConformanceServiceClient,
) -> Result<Outcome, CaseError> {
    let by_turns = request.stream_type == StreamType::FullDuplexBidiStream;
    let (requests, stream) = Requests::stream(call, request, by_turns)?;
    let outcome = call.during(async {
        match client.bidi_stream(&call.cx, stream).await {
            Ok(answers) => many(call, answers, || requests.next_turn()).await,
            Err(error) => failed(error),
        }
    });
    Ok(Outcome { unsent: requests.unsent(), ..outcome.await })
}

fn one<O: Into<ConformancePayload>>(answer: Result<O, Error>) -> Outcome {
    match answer {
        Ok(answer) => Outcome { payloads: vec![answer.into()], ..Outcome::default() },
        Err(error) => failed(error),
    }
}

async fn many<O: Into<ConformancePayload>>(
    call: &Call,
    mut answers: Streaming<O>,
    after_each: impl Fn(),
) -> Outcome {
    let mut outcome = Outcome::default();
    while let Some(answer) = answers.next().await {
        match answer {
            Ok(answer) => outcome.payloads.push(answer.into()),
            Err(error) => {
                outcome.error = Some(error);
                break;
            }
        }
        call.answered(outcome.payloads.len());
        after_each();
    }
    outcome
}

fn failed(error: Error) -> Outcome {
    Outcome { error: Some(error), ..Outcome::default() }
}
