//! What is compressed on its way, and what comes of it.

use kitfox::{Context, Streaming};

use super::rig::Rig;
use super::service::Item;

const BYTES: usize = 200_000;

/// More than a head and all frames take, and far less than the message.
const FEW: usize = 20_000;

pub(super) async fn what_compresses_well_is_compressed(rig: &Rig) {
    let item = Item::said("a".repeat(BYTES));
    let large = item.clone();
    for shape in rig.shapes() {
        rig.puppet.behave(async |_, mut items| {
            while items.try_next().await?.is_some() {}
            Ok(Streaming::of([Item::numbered(1)]))
        });
        rig.meter.take();
        rig.ask(shape, &Context::background(), [item.clone()]).await.good();
        let (sent, _) = rig.meter.take();
        assert_eq!(sent < FEW, rig.way.packs_requests(), "{shape:?}: {sent} bytes went out");
        assert!(!(FEW..BYTES).contains(&sent), "{shape:?}: {sent} bytes went out");

        let large = large.clone();
        rig.puppet.behave(move |_, _| {
            let items = Streaming::of([large.clone()]);
            async { Ok(items) }
        });
        let items = rig.ask(shape, &Context::background(), [Item::default()]).await.good();
        assert_eq!(items, std::slice::from_ref(&item), "{shape:?}");
        let (_, received) = rig.meter.take();
        assert_eq!(received < FEW, rig.way.takes_packed(shape), "{shape:?}: {received} bytes came");
    }
}

pub(super) async fn small_and_large_messages_take_turns(rig: &Rig) {
    rig.puppet.behave(async |_, items| Ok(items));
    let items = (0..20).map(|number| match number % 2 {
        0 => Item::numbered(number),
        _ => Item { number, ..Item::sized(10_000) },
    });
    if rig.has(kitfox::contract::Shape::BothStream) {
        let shape = kitfox::contract::Shape::BothStream;
        let got = rig.ask(shape, &Context::background(), items.clone()).await.good();
        assert!(got.into_iter().eq(items.clone()), "{shape:?}");
    }
    rig.puppet.behave(move |_, _| {
        let items = Streaming::of(items.clone());
        async { Ok(items) }
    });
    for shape in rig.answering() {
        let got = rig.ask(shape, &Context::background(), [Item::default()]).await.good();
        assert_eq!(got.len(), 20, "{shape:?}");
        assert!((0..20).eq(got.iter().map(|item| item.number)), "{shape:?}");
    }
}
