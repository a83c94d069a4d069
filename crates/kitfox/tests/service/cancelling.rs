//! A caller cancels the context of its call.

use std::sync::atomic::Ordering;

use futures_util::{FutureExt, stream};
use kitfox::{Code, Context, Error, Streaming};

use super::texts::{Real, Text, Texts, TextsClient, TextsError, text};

/// A stream of one word, which never ends.
fn endless() -> Streaming<Text> {
    Streaming::produce(async |words| {
        words.send(text("to")).await?;
        std::future::pending::<Result<(), Error>>().await
    })
}

#[tokio::test]
async fn a_call_that_waits_ends_with_its_context() {
    let (cx, guard) = Context::background().child();
    let client = TextsClient::local(Real::default());
    let mut call = Box::pin(client.join(&cx, endless()));
    assert!(call.as_mut().now_or_never().is_none());
    drop(guard);
    let TextsError::Call(error) = call.await.unwrap_err() else {
        panic!("no error of the service")
    };
    assert_eq!(error.code(), Code::Canceled);
}

#[tokio::test]
async fn a_call_in_a_cancelled_context_does_not_begin() {
    let (cx, guard) = Context::background().child();
    drop(guard);
    let real = Real::default();
    let client = TextsClient::local(real.clone());
    let TextsError::Call(error) = client.uppercase(&cx, text("abc")).await.unwrap_err() else {
        panic!("no error of the service")
    };
    assert_eq!(error.code(), Code::Canceled);
    assert_eq!(real.begun.load(Ordering::SeqCst), 0);
}

#[tokio::test]
async fn a_stream_ends_with_its_context_whether_it_waits_or_not() {
    let client = TextsClient::local(Real::default());
    let (cx, guard) = Context::background().child();
    let mut words = client.words(&cx, text("to be or")).await.unwrap();
    assert_eq!(words.next().await.unwrap().unwrap(), text("to"));
    drop(guard);
    let TextsError::Call(error) = words.next().await.unwrap().unwrap_err() else {
        panic!("no error of the service")
    };
    assert_eq!(error.code(), Code::Canceled);
    assert!(words.next().await.is_none());

    let (cx, guard) = Context::background().child();
    let endless = Streaming::new(stream::unfold(endless(), async |mut words| {
        Some((Ok(words.next().await?.unwrap()), words))
    }));
    let mut lengths = client.length_of_each(&cx, endless).await.unwrap();
    assert_eq!(lengths.next().await.unwrap().unwrap().number, 2);
    assert!(lengths.next().now_or_never().is_none());
    drop(guard);
    assert_eq!(lengths.next().await.unwrap().unwrap_err().code(), Code::Canceled);
    assert!(lengths.next().await.is_none());
}
