//! What is too large is refused, and named.

use kitfox::contract::Shape;
use kitfox::{Code, Context, Metadata, Streaming};

use super::rig::{MESSAGE_BYTES, Rig};
use super::service::Item;

/// Above what both ends allow.
const TOO_LARGE: usize = MESSAGE_BYTES + 100 * 1024;

pub(super) async fn a_request_above_the_limit_is_refused(rig: &Rig) {
    rig.puppet.behave(async |_, mut items| {
        while items.try_next().await?.is_some() {}
        Ok(Streaming::of([Item::default()]))
    });
    let cx = Context::background();
    for shape in rig.shapes() {
        let error = rig.ask(shape, &cx, [Item::sized(TOO_LARGE)]).await.failure();
        assert_eq!(error.code(), Code::ResourceExhausted, "{shape:?}: {error}");
        rig.over().await;
    }
    for shape in rig.asking() {
        let items = [Item::numbered(1), Item::sized(TOO_LARGE), Item::numbered(3)];
        let error = rig.ask(shape, &cx, items).await.failure();
        assert_eq!(error.code(), Code::ResourceExhausted, "{shape:?} in the middle: {error}");
        rig.over().await;
    }
    rig.puppet.behave(async |_, items| Ok(items));
    rig.ask(Shape::Unary, &cx, [Item::default()]).await.good();
}

pub(super) async fn an_answer_above_the_limit_is_refused(rig: &Rig) {
    let cx = Context::background();
    rig.puppet.behave(async |_, _| Ok(Streaming::of([Item::sized(TOO_LARGE)])));
    for shape in rig.shapes() {
        let error = rig.ask(shape, &cx, [Item::default()]).await.failure();
        assert_eq!(error.code(), Code::ResourceExhausted, "{shape:?}: {error}");
        rig.over().await;
    }
    rig.puppet.behave(async |_, _| {
        Ok(Streaming::of([Item::numbered(1), Item::sized(TOO_LARGE), Item::numbered(3)]))
    });
    for shape in rig.answering() {
        let outcome = rig.ask(shape, &cx, [Item::default()]).await;
        assert_eq!(outcome.items, [Item::numbered(1)], "{shape:?}");
        let error = outcome.failure();
        assert_eq!(error.code(), Code::ResourceExhausted, "{shape:?} in the middle: {error}");
        rig.over().await;
    }
}

pub(super) async fn a_limit_is_for_a_message_and_not_for_a_stream(rig: &Rig) {
    let cx = Context::background();
    let many = || (0..8).map(|_| Item::sized(MESSAGE_BYTES / 4));
    rig.puppet.behave(async |_, mut items| {
        let mut count = 0;
        while items.try_next().await?.is_some() {
            count += 1;
        }
        Ok(Streaming::of([Item::numbered(count)]))
    });
    for shape in rig.asking() {
        let items = rig.ask(shape, &cx, many()).await.good();
        assert_eq!(items, [Item::numbered(8)], "{shape:?}");
    }
    rig.puppet.behave(move |_, _| async move { Ok(Streaming::of(many())) });
    for shape in rig.answering() {
        let items = rig.ask(shape, &cx, [Item::default()]).await.good();
        assert!(items.into_iter().eq(many()), "{shape:?}");
    }
}

/// A little more than the 16 KiB that both ends allow; much more may cost the connection.
fn many_headers() -> Metadata {
    let mut headers = Metadata::new();
    for number in 0..18 {
        headers.insert(&format!("x-flood-{number}"), &"y".repeat(1024)).unwrap();
    }
    headers
}

pub(super) async fn too_many_headers_of_a_request_are_refused(rig: &Rig) {
    rig.puppet.behave(async |_, items| Ok(items));
    for (before, shape) in rig.shapes().enumerate() {
        let cx = Context::background().with_metadata(many_headers());
        let error = rig.ask(shape, &cx, [Item::default()]).await.failure();
        // What no protocol reads is answered by its status, which none of them has a code for.
        assert_eq!(error.code(), Code::Unknown, "{shape:?}: {error}");
        assert!(error.message().contains("431"), "{shape:?}: {error}");
        assert_eq!(rig.puppet.begun(), before, "{shape:?}");
        rig.ask(shape, &Context::background(), [Item::default()]).await.good();
    }
}

pub(super) async fn too_many_headers_of_an_answer_are_refused(rig: &Rig) {
    for shape in rig.shapes() {
        rig.puppet.behave(async |cx: Context, items| {
            cx.respond(|response| response.headers = many_headers());
            Ok(items)
        });
        let error = rig.ask(shape, &Context::background(), [Item::default()]).await.failure();
        assert_eq!(error.code(), Code::Internal, "{shape:?}: {error}");
        assert!(error.message().contains("header_bytes"), "{shape:?}: {error}");
        rig.over().await;
        rig.puppet.behave(async |_, items| Ok(items));
        rig.ask(shape, &Context::background(), [Item::default()]).await.good();
    }
}
