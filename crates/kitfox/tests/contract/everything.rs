//! Two services that have everything a contract can have.

use std::collections::{BTreeMap, HashMap};

use kitfox::types::{Any, Struct, Timestamp, Value, Wrapper};
use kitfox::{Context, Error, Streaming};

/// Where an order goes.
#[kitfox::message(package = "common.v1")]
pub(super) struct Address {
    pub(super) city: String,
    /// In capitals.
    pub(super) country: String,
}

/// What is wanted.
///
/// And how much of it.
#[kitfox::message(reserved(2, 20..=29, "weight"))]
pub(super) struct Order {
    /// Given by the shop.
    pub(super) id: u64,
    pub(super) note: Option<String>,
    #[field(sint)]
    pub(super) offsets: Vec<i32>,
    #[field(json = "to")]
    pub(super) address: Option<Address>,
    pub(super) state: State,
    pub(super) history: Vec<State>,
    pub(super) lines: Vec<Line>,
    pub(super) labels: HashMap<String, String>,
    #[field(fixed, key = sint)]
    pub(super) prices: BTreeMap<i32, u64>,
    pub(super) by_name: BTreeMap<String, Line>,
    pub(super) placed: Option<Timestamp>,
    pub(super) limit: Option<kitfox::types::Duration>,
    pub(super) extra: Option<Any>,
    pub(super) data: Option<Struct>,
    pub(super) anything: Option<Value>,
    pub(super) rebate: Option<Wrapper<f64>>,
    pub(super) weight_in_kg: f32,
    pub(super) picture: Vec<u8>,
    pub(super) parent: Option<Box<Order>>,
    /// No longer filled.
    #[deprecated]
    pub(super) old: bool,
    /// How it is paid.
    #[oneof]
    pub(super) payment: Option<Payment>,
}

/// One position.
#[kitfox::message(name = "Order.Line")]
pub(super) struct Line {
    pub(super) article: String,
    pub(super) count: u32,
}

/// How far it is.
#[kitfox::message(reserved(7, "STATE_LOST"))]
pub(super) enum State {
    Unspecified,
    /// The money is there.
    Paid,
    #[deprecated]
    Shipped = 5,
    #[unknown]
    Unknown(i32),
}

#[kitfox::message]
pub(super) enum Payment {
    /// The number of a card.
    #[field(50)]
    Card(String),
    #[field(51)]
    Invoice(Address),
    #[deprecated]
    #[field(52, name = "payment")]
    Points(i64),
}

#[kitfox::message]
pub(super) struct OrderRequest {
    pub(super) id: u64,
    pub(super) with_lines: bool,
    pub(super) states: Vec<State>,
    pub(super) address: Option<Address>,
}

/// Old.
#[deprecated]
#[kitfox::message]
pub(super) struct Shout {
    pub(super) text: String,
}

#[kitfox::error(domain = "shop.v1")]
pub(super) enum ShopError {
    /// there is no order {id}
    #[code(NotFound, reason = "NO_ORDER")]
    Missing { id: u64 },
    /// the shop is closed
    #[code(Unavailable, retry_after = "1m")]
    Closed,
    #[deprecated]
    #[code(InvalidArgument)]
    Odd,
    #[call]
    Call(kitfox::Error),
}

/// Sells things.
#[kitfox::service(package = "shop.v1")]
pub(super) trait Shop {
    /// Takes an order.
    #[endpoint(post = "/v1/orders", idempotent)]
    async fn place(&self, cx: &Context, order: Order) -> Result<Order, ShopError>;

    /// Shows an order.
    #[endpoint(get = "/v1/orders/{id}", safe)]
    async fn show(&self, cx: &Context, request: OrderRequest) -> Result<Order, ShopError>;

    /// Changes where it goes.
    #[endpoint(put = "/v1/orders/{id}/city/{address.city}", patch = "/v1/orders/{id}")]
    async fn change(&self, cx: &Context, order: Order) -> Result<(), ShopError>;

    /// All of them, as they come.
    #[endpoint(get = "/v1/orders")]
    async fn watch(
        &self,
        cx: &Context,
        request: OrderRequest,
    ) -> Result<Streaming<Order, ShopError>, ShopError>;

    async fn gather(&self, cx: &Context, orders: Streaming<Order>) -> Result<Order, Error>;

    async fn talk(&self, cx: &Context, orders: Streaming<Order>)
    -> Result<Streaming<Order>, Error>;

    #[endpoint(deprecated)]
    #[expect(deprecated, reason = "it is what the test is about")]
    async fn shout(&self, cx: &Context, request: Shout) -> Result<Address, Error>;
}
