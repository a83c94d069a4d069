//! Whatever implements the trait stands where the service stands: a decorator, a mock, a client.

use std::sync::{Arc, Mutex};

use kitfox::{Context, Error, Streaming};

use super::texts::{Number, Real, Text, Texts, TextsClient, TextsError, text};

/// Remembers what was asked, and asks the service itself.
struct Remembering<S> {
    asked: Arc<Mutex<Vec<String>>>,
    inner: S,
}

impl<S: Texts> Texts for Remembering<S> {
    async fn uppercase(&self, cx: &Context, request: Text) -> Result<Text, TextsError> {
        self.asked.lock().expect("no panic").push(request.text.clone());
        self.inner.uppercase(cx, request).await
    }

    async fn words(
        &self,
        cx: &Context,
        request: Text,
    ) -> Result<Streaming<Text, TextsError>, TextsError> {
        self.inner.words(cx, request).await
    }

    async fn join(&self, cx: &Context, words: Streaming<Text>) -> Result<Text, TextsError> {
        self.inner.join(cx, words).await
    }

    async fn length_of_each(
        &self,
        cx: &Context,
        words: Streaming<Text, TextsError>,
    ) -> Result<Streaming<Number>, Error> {
        self.inner.length_of_each(cx, words).await
    }

    async fn keep(&self, cx: &Context, request: Text) -> Result<(), Error> {
        self.inner.keep(cx, request).await
    }
}

/// Business logic that calls another service, and knows it by its trait only.
async fn shout(texts: &impl Texts, cx: &Context, said: &str) -> Result<String, TextsError> {
    Ok(format!("{}!", texts.uppercase(cx, text(said)).await?.text))
}

#[tokio::test]
async fn a_decorator_sees_the_messages_of_service_and_client_alike() {
    let cx = Context::background();
    let asked = Arc::new(Mutex::new(Vec::new()));
    let decorated = Remembering { asked: Arc::clone(&asked), inner: Real::default() };
    let client = TextsClient::local(decorated);
    let client = Remembering { asked: Arc::clone(&asked), inner: client };
    assert_eq!(shout(&client, &cx, "hey").await.unwrap(), "HEY!");
    assert_eq!(*asked.lock().unwrap(), ["hey", "hey"]);
}

#[tokio::test]
async fn the_service_its_arc_and_its_client_stand_for_each_other() {
    let cx = Context::background();
    let real = Real::default();
    assert_eq!(shout(&real, &cx, "a").await.unwrap(), "A!");
    let shared = Arc::new(real);
    assert_eq!(shout(&shared, &cx, "b").await.unwrap(), "B!");
    let client = TextsClient::local(Arc::clone(&shared));
    assert_eq!(shout(&client.clone(), &cx, "c").await.unwrap(), "C!");
    assert_eq!(shared.begun.load(std::sync::atomic::Ordering::SeqCst), 3);
}
