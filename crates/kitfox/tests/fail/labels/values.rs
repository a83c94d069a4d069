//! A label whose value cannot be shown, and a metric by what is no set of labels.

struct Kind;

#[kitfox::labels]
struct Sale {
    kind: Kind,
}

fn main() {
    let metrics = kitfox::Metrics::new();
    let _sales = metrics.counter::<Kind>("sales", "");
}
