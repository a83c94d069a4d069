//! What is sent arrives.

use kitfox::contract::Shape;
use kitfox::types::Any;
use kitfox::{Context, Streaming};

use super::rig::Rig;
use super::service::{Everything, Item};
use crate::messages::generate::{Generate, Random};
use crate::messages::model::{Choices, Circle};

impl Generate for Everything {
    fn generate(random: &mut Random) -> Self {
        Everything {
            scalars: Generate::generate(random),
            options: Generate::generate(random),
            lists: Generate::generate(random),
            maps: Generate::generate(random),
            tree: Generate::generate(random),
            choices: Generate::generate(random),
            well_known: Generate::generate(random),
        }
    }
}

/// Has the service give back what it gets.
fn echo(rig: &Rig) {
    rig.puppet.behave(async |_, items| Ok(items));
}

async fn comes_back(rig: &Rig, item: &Item) {
    echo(rig);
    for shape in rig.shapes() {
        let items = rig.ask(shape, &Context::background(), [item.clone()]).await.good();
        assert!(items == std::slice::from_ref(item), "{shape:?}: {items:?} instead of {item:?}");
    }
}

pub(super) async fn every_kind_of_field_arrives(rig: &Rig) {
    Any::register::<Choices>();
    Any::register::<Circle>();
    for seed in 0..3 {
        let everything = Some(Everything::generate(&mut Random::new(seed)));
        comes_back(rig, &Item { number: seed, everything, ..Item::default() }).await;
    }
}

pub(super) async fn an_empty_message_arrives(rig: &Rig) {
    comes_back(rig, &Item::default()).await;
    echo(rig);
    if rig.has(Shape::BothStream) {
        let empty = [Item::default(), Item::default(), Item::default()];
        let cx = Context::background();
        assert_eq!(rig.ask(Shape::BothStream, &cx, empty.clone()).await.good(), empty);
    }
}

pub(super) async fn large_messages_arrive(rig: &Rig) {
    comes_back(rig, &Item::sized(150 * 1024)).await;
    comes_back(rig, &Item::said("é\n".repeat(50_000))).await;
}

pub(super) async fn no_message_at_all_is_a_stream_too(rig: &Rig) {
    rig.puppet.behave(async |_, mut items| {
        let mut count = 0;
        while items.try_next().await?.is_some() {
            count += 1;
        }
        Ok(Streaming::of([Item::numbered(count)]))
    });
    for shape in rig.asking() {
        let items = rig.ask(shape, &Context::background(), []).await.good();
        assert_eq!(items, [Item::numbered(0)], "{shape:?}");
    }
    rig.puppet.behave(async |_, _| Ok(Streaming::of([])));
    for shape in rig.answering() {
        let items = rig.ask(shape, &Context::background(), [Item::numbered(1)]).await.good();
        assert_eq!(items, [], "{shape:?}");
    }
}

const COUNT: u64 = 10_000;

fn numbers() -> impl Iterator<Item = Item> + Send + Unpin {
    (0..COUNT).map(Item::numbered)
}

pub(super) async fn ten_thousand_messages_arrive_in_their_order(rig: &Rig) {
    let cx = Context::background();
    rig.puppet.behave(async |_, _| Ok(Streaming::of(numbers())));
    for shape in rig.answering() {
        let items = rig.ask(shape, &cx, [Item::default()]).await.good();
        assert!(items.into_iter().eq(numbers()), "{shape:?}");
    }
    rig.puppet.behave(async |_, mut items| {
        let mut expected = numbers();
        while let Some(item) = items.try_next().await? {
            assert_eq!(Some(item), expected.next());
        }
        Ok(Streaming::of([Item::numbered(COUNT - expected.count() as u64)]))
    });
    for shape in rig.asking() {
        let items = rig.ask(shape, &cx, numbers()).await.good();
        assert_eq!(items, [Item::numbered(COUNT)], "{shape:?}");
    }
    echo(rig);
    if rig.has(Shape::BothStream) {
        let items = rig.ask(Shape::BothStream, &cx, numbers()).await.good();
        assert!(items.into_iter().eq(numbers()), "there and back");
    }
}
