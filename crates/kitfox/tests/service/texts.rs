//! A service with a method of each shape, and an implementation of it.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use kitfox::{Context, Error, Error as Failure, Streaming};
use tokio::sync::Notify;

#[kitfox::message(package = "texts.v1")]
pub(super) struct Text {
    pub(super) text: String,
}

#[kitfox::message(package = "texts.v1")]
pub(super) struct Number {
    pub(super) number: u32,
}

#[kitfox::error(domain = "texts.v1")]
pub(super) enum TextsError {
    /// nothing to do: the text is empty
    #[code(InvalidArgument)]
    Empty,
    /// {word:?} has {length} letters, {max} are allowed
    #[code(OutOfRange)]
    TooLong { word: String, length: u32, max: u32 },
    #[call]
    Call(Failure),
}

/// Works on texts.
///
/// For tests.
#[kitfox::service(package = "texts.v1")]
pub(super) trait Texts {
    /// Upper-cases a text.
    #[endpoint(post = "/v1/uppercase", put = "/v1/upper", idempotent)]
    async fn uppercase(&self, cx: &Context, request: Text) -> Result<Text, TextsError>;

    /// The words of a text.
    #[endpoint(get = "/v1/words/{text}")]
    async fn words(
        &self,
        cx: &Context,
        request: Text,
    ) -> Result<Streaming<Text, TextsError>, TextsError>;

    async fn join(&self, cx: &Context, words: Streaming<Text>) -> Result<Text, TextsError>;

    #[endpoint(name = "Lengths")]
    async fn length_of_each(
        &self,
        cx: &Context,
        words: Streaming<Text, TextsError>,
    ) -> Result<Streaming<Number>, Error>;

    /// Waits until it is told to go on.
    #[endpoint(detached)]
    async fn keep(&self, cx: &Context, request: Text) -> Result<(), Error>;

    #[endpoint(deprecated)]
    async fn twice(&self, cx: &Context, request: Text) -> Result<Text, TextsError> {
        let text = self.uppercase(cx, request).await?.text;
        Ok(Text { text: format!("{text}{text}") })
    }
}

/// An implementation that remembers what happened to it.
#[derive(Clone, Default)]
pub(super) struct Real {
    pub(super) begun: Arc<AtomicUsize>,
    pub(super) kept: Arc<AtomicUsize>,
    pub(super) go_on: Arc<Notify>,
}

impl Texts for Real {
    async fn uppercase(&self, _: &Context, request: Text) -> Result<Text, TextsError> {
        self.begun.fetch_add(1, Ordering::SeqCst);
        match request.text.as_str() {
            "" => Err(TextsError::Empty),
            "panic" => panic!("on purpose"),
            text => Ok(Text { text: text.to_uppercase() }),
        }
    }

    async fn words(
        &self,
        _: &Context,
        request: Text,
    ) -> Result<Streaming<Text, TextsError>, TextsError> {
        if request.text.is_empty() {
            return Err(TextsError::Empty);
        }
        let words: Vec<_> = request.text.split(' ').map(checked).collect();
        Ok(Streaming::new(futures_util::stream::iter(words)))
    }

    async fn join(&self, _: &Context, mut words: Streaming<Text>) -> Result<Text, TextsError> {
        let mut text = String::new();
        while let Some(word) = words.next().await {
            text.push_str(&word?.text);
        }
        Ok(Text { text })
    }

    async fn length_of_each(
        &self,
        _: &Context,
        words: Streaming<Text, TextsError>,
    ) -> Result<Streaming<Number>, Error> {
        let lengths =
            futures_util::StreamExt::map(words, |word| Ok(Number { number: length(&word?.text) }));
        Ok(Streaming::new(lengths))
    }

    async fn keep(&self, _: &Context, _: Text) -> Result<(), Error> {
        self.begun.fetch_add(1, Ordering::SeqCst);
        self.go_on.notified().await;
        self.kept.fetch_add(1, Ordering::SeqCst);
        Ok(())
    }
}

pub(super) fn text(text: &str) -> Text {
    Text { text: text.to_owned() }
}

fn checked(word: &str) -> Result<Text, TextsError> {
    let (length, max) = (length(word), 5);
    if length > max {
        return Err(TextsError::TooLong { word: word.to_owned(), length, max });
    }
    Ok(text(word))
}

fn length(text: &str) -> u32 {
    u32::try_from(text.chars().count()).expect("short")
}
