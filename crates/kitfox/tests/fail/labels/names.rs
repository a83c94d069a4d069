//! Labels that no metric can have.

#[kitfox::labels]
struct Bad {
    le: u32,
    #[label("shop region")]
    region: u32,
    shop_kind: u32,
    #[label("shop.kind")]
    kind: u32,
    #[label]
    empty: u32,
    #[label("a")]
    #[label("b")]
    twice: u32,
}

#[kitfox::labels]
struct Unnamed(u32);

#[kitfox::labels]
enum Kind {
    Book,
}

#[kitfox::labels(limit = 7)]
struct Options {
    kind: u32,
}

fn main() {
    let metrics = kitfox::Metrics::new();
    let _told_of_nothing_else = metrics.counter::<Bad>("sales", "");
}
