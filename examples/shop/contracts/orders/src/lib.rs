//! What the shop's orders offer: an order is placed once, however often it is sent.

use kitfox::Context;
pub use shop_catalog::Line;

/// Takes orders, and sees to it that they are set aside and paid.
#[kitfox::service(package = "orders.v1")]
pub trait Orders {
    /// Places an order. The same key a second time is the same order: it gives the answer that the first
    /// call had, or finishes what that left undone.
    #[endpoint(post = "/v1/orders", idempotent)]
    async fn place_order(
        &self,
        cx: &Context,
        request: PlaceOrderRequest,
    ) -> Result<Order, OrdersError>;

    /// An order as it stands.
    #[endpoint(get = "/v1/orders/{id}", safe)]
    async fn get_order(&self, cx: &Context, request: GetOrderRequest)
    -> Result<Order, OrdersError>;
}

/// What is ordered.
#[kitfox::message]
pub struct PlaceOrderRequest {
    /// Made by the caller, another one for each order; at most 100 bytes.
    pub key: String,
    /// At least one.
    pub lines: Vec<Line>,
    /// Who pays. Of its digits the order keeps the last four.
    pub card: String,
}

/// Which order.
#[kitfox::message]
pub struct GetOrderRequest {
    /// Its.
    pub id: String,
}

/// An order.
#[kitfox::message]
pub struct Order {
    /// What it is asked for by.
    pub id: String,
    /// What was ordered.
    pub lines: Vec<Line>,
    /// What it costs, once the products are set aside.
    pub total_cents: u32,
    /// How far it is.
    pub state: State,
    /// Why it was refused, if it was: the product, what the bank said, what is wrong.
    pub detail: String,
}

/// How far an order is.
#[kitfox::message]
pub enum State {
    /// Nobody said.
    Unspecified,
    /// Neither confirmed nor refused: placing it again goes on with it.
    Pending,
    /// Set aside and paid.
    Confirmed,
    /// Refused: there is no such product.
    UnknownProduct,
    /// Refused: not enough is left.
    SoldOut,
    /// Refused: the card was declined, and nothing is set aside any more.
    PaymentDeclined,
    /// Refused: the catalog makes no sense of its lines.
    Wrong,
    /// One that a newer peer knows.
    #[unknown]
    Unknown(i32),
}

/// How it can fail.
#[kitfox::error(domain = "orders.v1")]
pub enum OrdersError {
    /// there is no order `{id}`
    #[code(NotFound)]
    NoSuchOrder {
        /// The one that was asked for.
        id: String,
    },
    /// the order is wrong: {why}
    #[code(InvalidArgument)]
    WrongOrder {
        /// What is wrong with it.
        why: String,
    },
    /// this key has ordered something else before, or with another card
    #[code(AlreadyExists)]
    KeyUsed,
    /// there is no product `{sku}`
    #[code(FailedPrecondition)]
    UnknownProduct {
        /// The one that was ordered.
        sku: String,
    },
    /// not enough of `{sku}` is left
    #[code(FailedPrecondition)]
    SoldOut {
        /// The one that was ordered.
        sku: String,
    },
    /// the payment was declined: {reason}
    #[code(FailedPrecondition)]
    PaymentDeclined {
        /// What the bank said.
        reason: String,
    },
    /// the {what} cannot be reached; the order is kept: send it again in a while, with the same key
    #[code(Unavailable)]
    NotNow {
        /// Who is missing.
        what: String,
    },
    #[call]
    Call(kitfox::Error),
}
