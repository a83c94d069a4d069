//! What the shop's catalog offers: products, and stock set aside for orders.

use kitfox::Context;

/// Knows the products, their prices, and how many of each are left.
#[kitfox::service(package = "catalog.v1")]
pub trait Catalog {
    /// The products, a page at a time.
    #[endpoint(get = "/v1/products", safe)]
    async fn list_products(
        &self,
        cx: &Context,
        request: ListProductsRequest,
    ) -> Result<ListProductsResponse, CatalogError>;

    /// One product.
    #[endpoint(get = "/v1/products/{sku}", safe)]
    async fn get_product(
        &self,
        cx: &Context,
        request: GetProductRequest,
    ) -> Result<Product, CatalogError>;

    /// Sets products aside for an order, all of its lines or none. For an order that has its products
    /// already it gives the same answer again.
    #[endpoint(idempotent)]
    async fn reserve(
        &self,
        cx: &Context,
        request: ReserveRequest,
    ) -> Result<ReserveResponse, CatalogError>;

    /// Gives back what was set aside for an order, if anything was.
    #[endpoint(idempotent)]
    async fn release(
        &self,
        cx: &Context,
        request: ReleaseRequest,
    ) -> Result<ReleaseResponse, CatalogError>;

    /// A delivery has come: adds to the stock. Sent twice it adds twice, so nobody may try it again.
    #[endpoint(post = "/v1/products/{sku}/deliveries")]
    async fn deliver(&self, cx: &Context, request: DeliverRequest)
    -> Result<Product, CatalogError>;
}

/// Something that can be bought.
#[kitfox::message]
pub struct Product {
    /// What it is ordered by: `teapot`.
    pub sku: String,
    /// What people call it.
    pub name: String,
    /// The price of one, in cents.
    pub price_cents: u32,
    /// How many are left.
    pub stock: u32,
}

/// A product and how many of it.
#[kitfox::message]
pub struct Line {
    /// The product's.
    pub sku: String,
    /// From 1 to 100.
    pub quantity: u32,
}

/// Which page.
#[kitfox::message]
pub struct ListProductsRequest {
    /// The `next` of the page before; nothing for the first page.
    pub after: String,
    /// How many, at most 100; 20 if not given.
    pub page_size: u32,
}

/// A page.
#[kitfox::message]
pub struct ListProductsResponse {
    /// In the order of their `sku`.
    pub products: Vec<Product>,
    /// For the page after this one; nothing on the last.
    pub next: String,
}

/// Which product.
#[kitfox::message]
pub struct GetProductRequest {
    /// Its.
    pub sku: String,
}

/// What to set aside.
#[kitfox::message]
pub struct ReserveRequest {
    /// The order's id.
    pub order: String,
    /// At most 20, each of another product.
    pub lines: Vec<Line>,
}

/// What was set aside.
#[kitfox::message]
pub struct ReserveResponse {
    /// What the lines cost together, at the prices of when they were set aside.
    pub total_cents: u32,
}

/// What to give back.
#[kitfox::message]
pub struct ReleaseRequest {
    /// The order's id.
    pub order: String,
}

/// It was given back.
#[kitfox::message]
pub struct ReleaseResponse {}

/// What has come.
#[kitfox::message]
pub struct DeliverRequest {
    /// The product's.
    pub sku: String,
    /// At most 10,000.
    pub quantity: u32,
}

/// How it can fail.
#[kitfox::error(domain = "catalog.v1")]
pub enum CatalogError {
    /// there is no product `{sku}`
    #[code(NotFound)]
    UnknownProduct {
        /// The one that was asked for.
        sku: String,
    },
    /// of `{sku}` only {left} are left
    #[code(FailedPrecondition)]
    SoldOut {
        /// The one that was asked for.
        sku: String,
        /// Fewer than that.
        left: u32,
    },
    /// the lines are wrong: {why}
    #[code(InvalidArgument)]
    WrongLines {
        /// What is wrong with them.
        why: String,
    },
    #[call]
    Call(kitfox::Error),
}
