//! The service that clients of others call: each shape once, and each way to fail.

use std::time::Duration;

use kitfox::{Context, Streaming};

/// Talks with clients in other languages.
#[kitfox::service(package = "foreign.v1")]
pub(crate) trait TalkService {
    /// Says it again. Fails where the text is empty, and waits where it is `wait`.
    #[endpoint(post = "/v1/say", get = "/v1/say/{text}", safe)]
    async fn say(&self, cx: &Context, request: SayRequest) -> Result<SayResponse, TalkError>;

    /// Counts from one to a number, and fails there where it is told to.
    #[endpoint(get = "/v1/count/{to}", safe)]
    async fn count(
        &self,
        cx: &Context,
        request: CountRequest,
    ) -> Result<Streaming<CountResponse, TalkError>, TalkError>;

    /// Adds numbers up.
    async fn sum(
        &self,
        cx: &Context,
        requests: Streaming<SumRequest>,
    ) -> Result<SumResponse, TalkError>;

    /// Says everything again, as it comes. Fails at an empty text.
    async fn echo(
        &self,
        cx: &Context,
        requests: Streaming<EchoRequest>,
    ) -> Result<Streaming<EchoResponse, TalkError>, TalkError>;
}

/// What to say.
#[kitfox::message]
pub(crate) struct SayRequest {
    /// Any text but the empty one.
    pub(crate) text: String,
}

/// What was said, and how it came.
#[kitfox::message]
pub(crate) struct SayResponse {
    /// The text.
    pub(crate) text: String,
    /// The header `x-tenant` of the call.
    pub(crate) tenant: String,
    /// The milliseconds that were left of the call's time.
    pub(crate) left: u64,
}

/// How far to count.
#[kitfox::message]
pub(crate) struct CountRequest {
    /// The last number.
    pub(crate) to: u32,
    /// Whether to fail after it.
    pub(crate) fail: bool,
    /// Whether to wait after it, for as long as the call lives.
    pub(crate) wait: bool,
}

/// A number.
#[kitfox::message]
pub(crate) struct CountResponse {
    /// The number.
    pub(crate) number: u32,
}

/// A number.
#[kitfox::message]
pub(crate) struct SumRequest {
    /// The number.
    pub(crate) number: i64,
}

/// The sum.
#[kitfox::message]
pub(crate) struct SumResponse {
    /// Of all numbers.
    pub(crate) sum: i64,
}

/// What to say.
#[kitfox::message]
pub(crate) struct EchoRequest {
    /// Any text but the empty one.
    pub(crate) text: String,
}

/// What was said.
#[kitfox::message]
pub(crate) struct EchoResponse {
    /// The text.
    pub(crate) text: String,
}

/// How it can fail.
#[kitfox::error]
pub(crate) enum TalkError {
    /// there is nothing to say
    #[code(InvalidArgument)]
    Nothing,
    /// no number comes after {after}
    #[code(OutOfRange)]
    Over {
        /// The last number that came.
        after: u32,
    },
    /// Everything that can happen to a call.
    #[call]
    Call(kitfox::Error),
}

/// Talks.
#[derive(Debug)]
pub(crate) struct Talker;

impl TalkService for Talker {
    async fn say(&self, cx: &Context, request: SayRequest) -> Result<SayResponse, TalkError> {
        if request.text.is_empty() {
            return Err(TalkError::Nothing);
        }
        if request.text == "wait" {
            return Err(cx.done().await.into());
        }
        cx.respond(|answer| {
            answer.headers.insert("x-said", "yes").unwrap();
            answer.trailers.insert("x-length", &request.text.len().to_string()).unwrap();
        });
        let tenant = cx.metadata().text("x-tenant").unwrap_or_default().to_owned();
        let left = cx.remaining().unwrap_or(Duration::ZERO).as_millis();
        Ok(SayResponse { text: request.text, tenant, left: u64::try_from(left).unwrap() })
    }

    async fn count(
        &self,
        cx: &Context,
        request: CountRequest,
    ) -> Result<Streaming<CountResponse, TalkError>, TalkError> {
        let cx = cx.clone();
        cx.respond(|answer| answer.headers.insert("x-to", &request.to.to_string())).unwrap();
        Ok(Streaming::produce(async move |numbers| {
            for number in 1..=request.to {
                numbers.send(CountResponse { number }).await?;
            }
            if request.wait {
                return Err(cx.done().await.into());
            }
            cx.respond(|answer| answer.trailers.insert("x-last", "yes")).unwrap();
            if request.fail { Err(TalkError::Over { after: request.to }) } else { Ok(()) }
        }))
    }

    async fn sum(
        &self,
        _: &Context,
        mut requests: Streaming<SumRequest>,
    ) -> Result<SumResponse, TalkError> {
        let mut sum = 0;
        while let Some(request) = requests.try_next().await? {
            sum += request.number;
        }
        Ok(SumResponse { sum })
    }

    async fn echo(
        &self,
        _: &Context,
        mut requests: Streaming<EchoRequest>,
    ) -> Result<Streaming<EchoResponse, TalkError>, TalkError> {
        Ok(Streaming::produce(async move |answers| {
            while let Some(EchoRequest { text }) = requests.try_next().await? {
                if text.is_empty() {
                    return Err(TalkError::Nothing);
                }
                answers.send(EchoResponse { text }).await?;
            }
            Ok(())
        }))
    }
}
