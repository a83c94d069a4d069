//! What the shop offers to the world.

use kitfox::Context;
pub use shop_catalog::{Line, Product};
pub use shop_orders::{Order, State};

/// The gateway: what a browser or an app calls.
#[kitfox::service(package = "storefront.v1")]
pub trait Storefront {
    /// What can be bought.
    #[endpoint(get = "/v1/products", safe)]
    async fn browse(
        &self,
        cx: &Context,
        request: BrowseRequest,
    ) -> Result<BrowseResponse, StorefrontError>;

    /// Buys something. Sent again with the same idempotency key, when no answer came, it is bought once;
    /// without a key each call is an order of its own.
    #[endpoint(post = "/v1/orders", idempotency_key)]
    async fn buy(&self, cx: &Context, request: BuyRequest) -> Result<Order, StorefrontError>;

    /// An order as it stands.
    #[endpoint(get = "/v1/orders/{id}", safe)]
    async fn order(&self, cx: &Context, request: OrderRequest) -> Result<Order, StorefrontError>;
}

/// Which page.
#[kitfox::message]
pub struct BrowseRequest {
    /// The `next` of the page before; nothing for the first page.
    pub after: String,
}

/// A page.
#[kitfox::message]
pub struct BrowseResponse {
    /// What can be bought.
    pub products: Vec<Product>,
    /// For the page after this one; nothing on the last.
    pub next: String,
    /// Whether this is an older copy, since the catalog did not answer.
    pub stale: bool,
}

/// What to buy.
#[kitfox::message]
pub struct BuyRequest {
    /// At least one.
    pub lines: Vec<Line>,
    /// Who pays. One that ends in 0002 is declined.
    pub card: String,
}

/// Which order.
#[kitfox::message]
pub struct OrderRequest {
    /// Its.
    pub id: String,
}

/// How it can fail.
#[kitfox::error(domain = "storefront.v1")]
pub enum StorefrontError {
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
    /// there is no order `{id}`
    #[code(NotFound)]
    NoSuchOrder {
        /// The one that was asked for.
        id: String,
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
