//! Nobody waits longer, or works longer, than a call may take.

use std::time::Duration;

use kitfox::{Code, Context, Streaming};

use super::rig::{Outcome, Rig};
use super::service::{Item, Suite};

/// How long a call has that is to end at its deadline: short enough to be waited for, and for a call
/// over sockets of a busy machine, which has not begun by then, longer and longer.
const SHORT: [Duration; 4] = [
    Duration::from_millis(300),
    Duration::from_millis(1500),
    Duration::from_millis(7500),
    Duration::from_millis(37_500),
];

pub(super) async fn a_call_without_an_answer_ends_at_its_deadline(rig: &Rig) {
    rig.puppet.behave(async |_, _| std::future::pending().await);
    for shape in rig.shapes() {
        let before = rig.puppet.begun();
        for time in SHORT {
            let cx = Context::background().with_timeout(time);
            let error = rig.ask(shape, &cx, [Item::default()]).await.failure();
            assert_eq!(error.code(), Code::DeadlineExceeded, "{shape:?}: {error}");
            rig.over().await;
            if rig.puppet.begun() > before {
                break;
            }
        }
        assert!(rig.puppet.begun() > before, "{shape:?}: it never begins");
        rig.puppet.context().cancelled().await;
    }
}

pub(super) async fn a_stream_ends_at_its_deadline(rig: &Rig) {
    rig.puppet.behave(async |_, _| {
        Ok(Streaming::produce(async |items| {
            items.send(Item::numbered(1)).await?;
            items.send(Item::numbered(2)).await?;
            std::future::pending().await
        }))
    });
    let both = [Item::numbered(1), Item::numbered(2)];
    for shape in rig.answering() {
        let mut items = Vec::new();
        for time in SHORT {
            let cx = Context::background().with_timeout(time);
            let mut outcome = rig.ask(shape, &cx, [Item::default()]).await;
            items = std::mem::take(&mut outcome.items);
            let error = outcome.failure();
            assert_eq!(error.code(), Code::DeadlineExceeded, "{shape:?}: {error}");
            rig.over().await;
            if items.len() == both.len() {
                break;
            }
        }
        assert_eq!(items, both, "{shape:?}");
        rig.puppet.context().cancelled().await;
    }
}

pub(super) async fn a_request_without_an_end_ends_at_its_deadline(rig: &Rig) {
    rig.puppet.behave(async |_, mut items| {
        while items.try_next().await?.is_some() {}
        Ok(Streaming::of([]))
    });
    for shape in rig.asking() {
        let cx = Context::background().with_timeout(SHORT[0]);
        let (sender, items) = Streaming::channel(1);
        sender.send(Item::default()).await.unwrap();
        let error = Outcome::of(rig.call(shape, &cx, items).await).await.failure();
        assert_eq!(error.code(), Code::DeadlineExceeded, "{shape:?}: {error}");
        rig.over().await;
        // The caller's stream is let go.
        while sender.send(Item::default()).await.is_ok() {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    }
}

pub(super) async fn the_service_knows_what_time_is_left(rig: &Rig) {
    rig.puppet.behave(async |cx: Context, _| {
        let left = cx.remaining().map_or(0, |left| u64::try_from(left.as_millis()).unwrap());
        Ok(Streaming::of([Item::numbered(left)]))
    });
    for shape in rig.shapes() {
        let cx = Context::background().with_timeout(Duration::from_secs(20));
        let items = rig.ask(shape, &cx, [Item::default()]).await.good();
        assert!((1..=20_000).contains(&items[0].number), "{shape:?}: {} ms", items[0].number);
    }
}

pub(super) async fn the_next_service_knows_it_too(rig: &Rig) {
    let next = rig.client.clone();
    rig.puppet.behave(move |cx: Context, mut items| {
        let next = next.clone();
        async move {
            let left = cx.remaining().map_or(0, |left| u64::try_from(left.as_millis()).unwrap());
            let asked = items.try_next().await?.expect("a question");
            if asked.number > 0 {
                return Ok(Streaming::of([Item::numbered(left)]));
            }
            let theirs = next.one(&cx, Item::numbered(1)).await?;
            assert!((1..=left).contains(&theirs.number), "{} ms of {left} ms", theirs.number);
            Ok(Streaming::of([theirs]))
        }
    });
    for shape in rig.shapes() {
        let cx = Context::background().with_timeout(Duration::from_secs(20));
        let items = rig.ask(shape, &cx, [Item::default()]).await.good();
        assert!((1..=20_000).contains(&items[0].number), "{shape:?}: {} ms", items[0].number);
    }
}

pub(super) async fn a_call_past_its_deadline_is_not_begun(rig: &Rig) {
    rig.puppet.behave(async |_, items| Ok(items));
    for shape in rig.shapes() {
        let cx = Context::background().with_timeout(Duration::ZERO);
        let error = rig.ask(shape, &cx, [Item::default()]).await.failure();
        assert_eq!(error.code(), Code::DeadlineExceeded, "{shape:?}: {error}");
    }
    assert_eq!(rig.puppet.begun(), 0);
}
