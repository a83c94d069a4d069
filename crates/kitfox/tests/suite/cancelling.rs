//! A caller who goes away, and what is let go then.

use kitfox::contract::Shape;
use kitfox::{Context, Streaming};

use super::rig::{ANSWERING, Rig, SHAPES, until};
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
    for (calls, shape) in (1..).zip(SHAPES) {
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

pub(super) async fn a_dropped_stream_is_cancelled(rig: &Rig) {
    for shape in ANSWERING {
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
    for shape in SHAPES {
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
    for shape in ANSWERING {
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
