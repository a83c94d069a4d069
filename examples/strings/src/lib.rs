//! The smallest service worth showing: a trait, its messages, its errors, and an implementation.
//! Everything else (wires, deadlines, clients, shutdown) comes with Kitfox.

use kitfox::{Context, Streaming};

/// Things to do with texts.
#[kitfox::service(package = "strings.v1")]
pub trait Strings {
    /// Upper-cases a text.
    #[endpoint(post = "/v1/uppercase", idempotent)]
    async fn uppercase(
        &self,
        cx: &Context,
        request: UppercaseRequest,
    ) -> Result<UppercaseResponse, StringsError>;

    /// Counts the characters of a text.
    #[endpoint(get = "/v1/count/{text}", safe)]
    async fn count(
        &self,
        cx: &Context,
        request: CountRequest,
    ) -> Result<CountResponse, StringsError>;

    /// The words of a text, one after the other.
    #[endpoint(get = "/v1/words/{text}", safe)]
    async fn words(
        &self,
        cx: &Context,
        request: WordsRequest,
    ) -> Result<Streaming<Word, StringsError>, StringsError>;

    /// Joins words to a text. An empty one is refused, however many came before it.
    async fn join(
        &self,
        cx: &Context,
        words: Streaming<Word>,
    ) -> Result<JoinResponse, StringsError>;

    /// Answers each word in upper case, as soon as it has come.
    async fn chat(
        &self,
        cx: &Context,
        words: Streaming<Word>,
    ) -> Result<Streaming<Word, StringsError>, StringsError>;
}

/// What to upper-case.
#[kitfox::message]
pub struct UppercaseRequest {
    /// Any text but the empty one.
    pub text: String,
}

/// The text in upper case.
#[kitfox::message]
pub struct UppercaseResponse {
    /// As long as it needs to be: `ß` becomes `SS`.
    pub text: String,
}

/// What to count.
#[kitfox::message]
pub struct CountRequest {
    /// Any text.
    pub text: String,
}

/// How long it is.
#[kitfox::message]
pub struct CountResponse {
    /// In characters, not bytes.
    pub count: u64,
}

/// What to take apart.
#[kitfox::message]
pub struct WordsRequest {
    /// Any text but the empty one.
    pub text: String,
}

/// A word.
#[kitfox::message]
pub struct Word {
    /// Not empty.
    pub text: String,
}

/// The words as one text.
#[kitfox::message]
pub struct JoinResponse {
    /// With a space between two words.
    pub text: String,
}

/// How it can fail.
#[kitfox::error]
pub enum StringsError {
    /// nothing to do: the text is empty
    #[code(InvalidArgument)]
    Empty,
    /// Everything that can happen to a call.
    #[call]
    Call(kitfox::Error),
}

/// The business logic.
#[derive(Debug)]
pub struct Service;

impl Strings for Service {
    async fn uppercase(
        &self,
        _: &Context,
        request: UppercaseRequest,
    ) -> Result<UppercaseResponse, StringsError> {
        if request.text.is_empty() {
            return Err(StringsError::Empty);
        }
        Ok(UppercaseResponse { text: request.text.to_uppercase() })
    }

    async fn count(
        &self,
        _: &Context,
        request: CountRequest,
    ) -> Result<CountResponse, StringsError> {
        Ok(CountResponse { count: request.text.chars().count() as u64 })
    }

    async fn words(
        &self,
        _: &Context,
        request: WordsRequest,
    ) -> Result<Streaming<Word, StringsError>, StringsError> {
        if request.text.is_empty() {
            return Err(StringsError::Empty);
        }
        let words = request.text.split_whitespace().map(|word| Word { text: word.to_owned() });
        Ok(Streaming::of(words.collect::<Vec<_>>()))
    }

    async fn join(
        &self,
        _: &Context,
        mut words: Streaming<Word>,
    ) -> Result<JoinResponse, StringsError> {
        let mut text = Vec::new();
        while let Some(word) = words.try_next().await? {
            if word.text.is_empty() {
                return Err(StringsError::Empty);
            }
            text.push(word.text);
        }
        Ok(JoinResponse { text: text.join(" ") })
    }

    async fn chat(
        &self,
        _: &Context,
        mut words: Streaming<Word>,
    ) -> Result<Streaming<Word, StringsError>, StringsError> {
        Ok(Streaming::produce(async move |answers| {
            while let Some(word) = words.try_next().await? {
                answers.send(Word { text: word.text.to_uppercase() }).await?;
            }
            Ok(())
        }))
    }
}
