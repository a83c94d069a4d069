//! One contract in two versions, and a service that calls it.

/// As the callers know it.
pub(super) mod old {
    use kitfox::Context;

    #[kitfox::service(package = "texts.v1")]
    pub(crate) trait Texts {
        async fn say(&self, cx: &Context, request: SayRequest) -> Result<SayResponse, TextsError>;
    }

    #[kitfox::message]
    pub(crate) struct SayRequest {
        pub(crate) text: String,
    }

    #[kitfox::message]
    pub(crate) struct SayResponse {
        pub(crate) text: String,
    }

    #[kitfox::error(domain = "texts.v1")]
    pub(crate) enum TextsError {
        /// nothing to say
        #[code(InvalidArgument)]
        Empty,
        /// at most {most} letters
        #[code(OutOfRange)]
        TooLong { most: u32 },
        #[call]
        Call(kitfox::Error),
    }

    /// For a client without a wire.
    pub(crate) struct Service;

    impl Texts for Service {
        async fn say(&self, _: &Context, request: SayRequest) -> Result<SayResponse, TextsError> {
            match request.text.as_str() {
                "" => Err(TextsError::Empty),
                "too long" => Err(TextsError::TooLong { most: 7 }),
                text => Ok(SayResponse { text: text.to_uppercase() }),
            }
        }
    }
}

/// As the service is today: it refuses for one reason more.
pub(super) mod new {
    use kitfox::Context;

    #[kitfox::service(package = "texts.v1")]
    pub(crate) trait Texts {
        async fn say(&self, cx: &Context, request: SayRequest) -> Result<SayResponse, TextsError>;
    }

    #[kitfox::message]
    pub(crate) struct SayRequest {
        pub(crate) text: String,
    }

    #[kitfox::message]
    pub(crate) struct SayResponse {
        pub(crate) text: String,
    }

    #[kitfox::error(domain = "texts.v1")]
    pub(crate) enum TextsError {
        /// nothing to say
        #[code(InvalidArgument)]
        Empty,
        /// at most {most} letters
        #[code(OutOfRange)]
        TooLong { most: u32 },
        /// no such words here
        #[code(PermissionDenied)]
        Rude,
        #[call]
        Call(kitfox::Error),
    }

    pub(crate) struct Service;

    impl Texts for Service {
        async fn say(&self, cx: &Context, request: SayRequest) -> Result<SayResponse, TextsError> {
            let text = match request.text.as_str() {
                "" => return Err(TextsError::Empty),
                "too long" => return Err(TextsError::TooLong { most: 7 }),
                "rude" => return Err(TextsError::Rude),
                "context" => travelled(cx),
                text => text.to_uppercase(),
            };
            Ok(SayResponse { text })
        }
    }

    /// Everything that came with the call, in one line.
    fn travelled(cx: &Context) -> String {
        let tenant = cx.metadata().text("x-tenant").unwrap_or_default();
        let trace = cx.parent_trace().map(ToString::to_string).unwrap_or_default();
        let user = cx.baggage().and_then(|baggage| baggage.value("user")).unwrap_or_default();
        let (worth, attempt) = (cx.criticality(), cx.attempt());
        let key = cx.idempotency_key().unwrap_or_default();
        // In tens of seconds: a slow machine is no reason to fail.
        let left = cx.remaining().unwrap_or_default().as_secs() / 10;
        format!("{tenant}|{trace}|{user}|{worth:?}|{key}|{attempt}|{left}")
    }
}

/// A service in the middle, which says `?` to whatever its callee says.
pub(super) mod middle {
    use kitfox::{Context, Error};

    /// The same service once more, for a caller that does not care for its errors.
    #[kitfox::service(package = "texts.v1")]
    pub(crate) trait Texts {
        async fn say(&self, cx: &Context, request: Request) -> Result<Response, Error>;
    }

    #[kitfox::service(package = "relay.v1")]
    pub(crate) trait Relay {
        async fn relay(&self, cx: &Context, request: Request) -> Result<Response, Error>;
    }

    #[kitfox::message]
    pub(crate) struct Request {
        pub(crate) text: String,
    }

    #[kitfox::message]
    pub(crate) struct Response {
        pub(crate) text: String,
    }

    pub(crate) struct Service(pub(crate) TextsClient);

    impl Relay for Service {
        async fn relay(&self, cx: &Context, request: Request) -> Result<Response, Error> {
            let answer = self.0.say(cx, request).await?;
            Ok(answer)
        }
    }
}
