//! All four shapes, typed errors and all.

use std::sync::Arc;

use kitfox::{Code, Context, Error, Origin, Streaming};

use super::texts::{Real, Texts, TextsClient, TextsError, text};

fn client() -> TextsClient {
    TextsClient::local(Real::default())
}

#[tokio::test]
async fn one_message_in_and_one_out() {
    let cx = Context::background();
    assert_eq!(client().uppercase(&cx, text("abc")).await.unwrap(), text("ABC"));
    let failed = client().uppercase(&cx, text("")).await.unwrap_err();
    assert!(matches!(failed, TextsError::Empty), "{failed:?}");
}

#[tokio::test]
async fn one_message_in_and_many_out() {
    let cx = Context::background();
    let mut words = client().words(&cx, text("to be or")).await.unwrap();
    for word in ["to", "be", "or"] {
        assert_eq!(words.next().await.unwrap().unwrap(), text(word));
    }
    assert!(words.next().await.is_none());
    let refused = client().words(&cx, text("")).await.unwrap_err();
    assert!(matches!(refused, TextsError::Empty), "{refused:?}");
}

#[tokio::test]
async fn a_domain_error_in_the_middle_of_a_stream_is_its_own_variant() {
    let cx = Context::background();
    let mut words = client().words(&cx, text("to incomprehensible be")).await.unwrap();
    assert!(words.next().await.unwrap().is_ok());
    let error = words.next().await.unwrap().unwrap_err();
    let TextsError::TooLong { word, length, max } = error else { panic!("{error:?}") };
    assert_eq!((word.as_str(), length, max), ("incomprehensible", 16, 5));
    assert!(words.next().await.is_none(), "an error is the last of a stream");
}

#[tokio::test]
async fn many_messages_in_and_one_out() {
    let cx = Context::background();
    let words = Streaming::of([text("a"), text("b"), text("c")]);
    assert_eq!(client().join(&cx, words).await.unwrap(), text("abc"));
}

#[tokio::test]
async fn many_messages_in_and_many_out() {
    let cx = Context::background();
    let words = Streaming::of([text("a"), text("bcd")]);
    let mut lengths = client().length_of_each(&cx, words).await.unwrap();
    assert_eq!(lengths.next().await.unwrap().unwrap().number, 1);
    assert_eq!(lengths.next().await.unwrap().unwrap().number, 3);
    assert!(lengths.next().await.is_none());
}

#[tokio::test]
async fn a_stream_that_breaks_on_its_way_in_breaks_the_call() {
    let cx = Context::background();
    let torn = Error::new(Code::DataLoss, "torn").with_origin(Origin::Transport);
    let words = Streaming::new(futures_util::stream::iter([Ok(text("a")), Err(torn)]));
    let failed = client().join(&cx, words).await.unwrap_err();
    let TextsError::Call(error) = failed else { panic!("{failed:?}") };
    assert_eq!((error.code(), error.message()), (Code::DataLoss, "torn"), "it is the caller's own");
}

#[tokio::test]
async fn a_method_with_a_body_needs_no_other() {
    let cx = Context::background();
    #[expect(deprecated, reason = "the option says so, too")]
    let twice = client().twice(&cx, text("ab")).await;
    assert_eq!(twice.unwrap(), text("ABAB"));
}

#[tokio::test]
async fn a_call_can_be_a_task_of_its_own() {
    let service: Arc<TextsClient> = Arc::new(client());
    let cx = Context::background();
    let caller = cx.clone();
    let call = cx.spawn(async move { service.uppercase(&caller, text("abc")).await });
    assert_eq!(call.await.unwrap().unwrap().unwrap(), text("ABC"));
}
