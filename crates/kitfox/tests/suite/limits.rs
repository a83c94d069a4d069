//! What is too large is refused, and named.

use kitfox::{Code, Context, Streaming};

use super::rig::{ANSWERING, ASKING, MESSAGE_BYTES, Rig, SHAPES};
use super::service::Item;

/// Above what both ends allow.
const TOO_LARGE: usize = MESSAGE_BYTES + 100 * 1024;

pub(super) async fn a_request_above_the_limit_is_refused(rig: &Rig) {
    rig.puppet.behave(async |_, mut items| {
        while items.try_next().await?.is_some() {}
        Ok(Streaming::of([Item::default()]))
    });
    let cx = Context::background();
    for shape in SHAPES {
        let error = rig.ask(shape, &cx, [Item::sized(TOO_LARGE)]).await.failure();
        assert_eq!(error.code(), Code::ResourceExhausted, "{shape:?}: {error}");
        rig.over().await;
    }
    for shape in ASKING {
        let items = [Item::numbered(1), Item::sized(TOO_LARGE), Item::numbered(3)];
        let error = rig.ask(shape, &cx, items).await.failure();
        assert_eq!(error.code(), Code::ResourceExhausted, "{shape:?} in the middle: {error}");
        rig.over().await;
    }
    rig.puppet.behave(async |_, items| Ok(items));
    rig.ask(SHAPES[0], &cx, [Item::default()]).await.good();
}

pub(super) async fn an_answer_above_the_limit_is_refused(rig: &Rig) {
    let cx = Context::background();
    rig.puppet.behave(async |_, _| Ok(Streaming::of([Item::sized(TOO_LARGE)])));
    for shape in SHAPES {
        let error = rig.ask(shape, &cx, [Item::default()]).await.failure();
        assert_eq!(error.code(), Code::ResourceExhausted, "{shape:?}: {error}");
        rig.over().await;
    }
    rig.puppet.behave(async |_, _| {
        Ok(Streaming::of([Item::numbered(1), Item::sized(TOO_LARGE), Item::numbered(3)]))
    });
    for shape in ANSWERING {
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
    for shape in ASKING {
        let items = rig.ask(shape, &cx, many()).await.good();
        assert_eq!(items, [Item::numbered(8)], "{shape:?}");
    }
    rig.puppet.behave(move |_, _| async move { Ok(Streaming::of(many())) });
    for shape in ANSWERING {
        let items = rig.ask(shape, &cx, [Item::default()]).await.good();
        assert!(items.into_iter().eq(many()), "{shape:?}");
    }
}
