//! A caller who goes away, and what is let go then.

use kitfox::contract::Shape;
use kitfox::{Code, Context, Streaming};

use super::rig::{Outcome, Rig, until};
use super::service::{Item, SuiteError};

/// A stream of one message and no end, as a method or a caller writes it.
fn open_end() -> Streaming<Item, SuiteError> {
    Streaming::produce(async |items| {
        items.send(Item::numbered(1)).await?;
        std::future::pending().await
    })
}

pub(super) async fn a_dropped_call_is_cancelled(rig: &Rig) {
    rig.puppet.behave(async |_, _| std::future::pending().await);
    for (calls, shape) in (1..).zip(rig.shapes()) {
        {
            let cx = Context::background();
            let call = std::pin::pin!(rig.call(shape, &cx, open_end()));
            let begun = std::pin::pin!(until(|| rig.puppet.begun() == calls));
            let both = futures_util::future::select(call, begun).await;
            let futures_util::future::Either::Right(_) = both else {
                panic!("{shape:?}: an answer")
            };
            assert!(!rig.puppet.context().is_cancelled(), "{shape:?}: too early");
        }
        rig.over().await;
        rig.puppet.context().cancelled().await;
    }
}

pub(super) async fn a_cancelled_context_ends_its_call_and_the_service(rig: &Rig) {
    for (calls, shape) in (1..).zip(rig.shapes()) {
        rig.puppet.behave(async |_, _| std::future::pending().await);
        let (cx, guard) = Context::background().child();
        let cancelling = async {
            until(|| rig.puppet.begun() == calls).await;
            drop(guard);
        };
        let (called, ()) = tokio::join!(rig.call(shape, &cx, open_end()), cancelling);
        let error = Outcome::of(called).await.failure();
        assert_eq!(error.code(), Code::Canceled, "{shape:?}: {error}");
        rig.over().await;
        rig.puppet.context().cancelled().await;
    }
}

pub(super) async fn a_cancelled_context_ends_its_stream_and_the_service(rig: &Rig) {
    rig.puppet.behave(async |_, _| Ok(open_end()));
    for shape in rig.answering() {
        let (cx, guard) = Context::background().child();
        let request = Streaming::of([Item::default()]);
        let mut answer = rig.call(shape, &cx, request).await.unwrap();
        assert!(answer.try_next().await.unwrap().is_some(), "{shape:?}");
        drop(guard);
        let error = Outcome::of(Ok(answer)).await.failure();
        assert_eq!(error.code(), Code::Canceled, "{shape:?}: {error}");
        rig.over().await;
        rig.puppet.context().cancelled().await;
    }
}

pub(super) async fn a_dropped_stream_is_cancelled(rig: &Rig) {
    for shape in rig.answering() {
        reads_one_and_leaves(rig, shape, Streaming::of([Item::default()])).await;
    }
}

pub(super) async fn a_dropped_stream_lets_go_of_its_request(rig: &Rig) {
    let (sender, items) = Streaming::channel(1);
    sender.send(Item::default()).await.unwrap();
    reads_one_and_leaves(rig, Shape::BothStream, items).await;
    while sender.send(Item::default()).await.is_ok() {
        tokio::time::sleep(std::time::Duration::from_millis(1)).await;
    }
}

async fn reads_one_and_leaves(rig: &Rig, shape: Shape, items: Streaming<Item, SuiteError>) {
    rig.puppet.behave(async |_, _| Ok(open_end()));
    let mut answer = rig.call(shape, &Context::background(), items).await.unwrap();
    assert_eq!(answer.try_next().await.unwrap(), Some(Item::numbered(1)), "{shape:?}");
    assert_eq!(rig.puppet.open(), 1, "{shape:?}: the stream is open");
    assert!(!rig.puppet.context().is_cancelled(), "{shape:?}: too early");
    drop(answer);
    rig.over().await;
    rig.puppet.context().cancelled().await;
}

pub(super) async fn a_stream_that_was_read_to_its_end_is_over(rig: &Rig) {
    rig.puppet.behave(async |_, items| Ok(items));
    for shape in rig.shapes() {
        let cx = Context::background();
        let mut answer = rig.call(shape, &cx, Streaming::of([Item::numbered(1)])).await.unwrap();
        while answer.try_next().await.unwrap().is_some() {}
        // Nobody has dropped the stream: that it has ended is enough.
        rig.over().await;
        rig.puppet.context().cancelled().await;
        assert!(!cx.is_cancelled(), "{shape:?}: the caller's own context goes on");
    }
}

pub(super) async fn a_layer_holds_on_until_the_last_message(rig: &Rig) {
    for shape in rig.answering() {
        let (sender, items) = Streaming::channel(1);
        let items = std::sync::Mutex::new(Some(items));
        rig.puppet.behave(move |_, _| {
            let items = items.lock().unwrap().take().expect("one call");
            async move { Ok(items) }
        });
        let request = Streaming::of([Item::default()]);
        let cx = Context::background();
        // Over some wires the answer begins with its first message.
        sender.send(Item::numbered(1)).await.unwrap();
        let mut answer = rig.call(shape, &cx, request).await.unwrap();
        assert!(answer.try_next().await.unwrap().is_some(), "{shape:?}");
        sender.send(Item::numbered(2)).await.unwrap();
        assert!(answer.try_next().await.unwrap().is_some(), "{shape:?}");
        assert_eq!(rig.in_flight(), 1, "{shape:?}: the stream is open");
        drop(sender);
        assert!(answer.try_next().await.unwrap().is_none(), "{shape:?}");
        until(|| rig.in_flight() == 0).await;
    }
}
