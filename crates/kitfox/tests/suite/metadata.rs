//! What travels beside the messages.

use kitfox::{Context, Metadata, Streaming};

use super::rig::{Rig, SHAPES};
use super::service::Item;

pub(super) async fn headers_of_a_request_arrive(rig: &Rig) {
    rig.puppet.behave(async |cx: Context, _| {
        let all = |name| cx.metadata().all(name).collect::<Vec<_>>().join("|");
        let text = format!("{} {} {}", all("x-tenant"), all("x-blob-bin"), all("x-none"));
        Ok(Streaming::of([Item::said(text)]))
    });
    let mut metadata = Metadata::new();
    metadata.append("x-tenant", "blue").unwrap();
    metadata.append("x-tenant", "green").unwrap();
    metadata.append("x-blob-bin", "AAEC/w").unwrap();
    let cx = Context::background().with_metadata(metadata);
    for shape in SHAPES {
        let items = rig.ask(shape, &cx, [Item::default()]).await.good();
        assert_eq!(items, [Item::said("blue|green AAEC/w ")], "{shape:?}");
    }
}
