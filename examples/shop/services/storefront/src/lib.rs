//! The shop's gateway: REST in, gRPC out.
//!
//! It keeps a copy of each page that it has shown, and shows that where the catalog does not answer.

mod pages;

use std::time::Duration;

use kitfox::{Context, Error};
use shop_catalog::{Catalog, CatalogClient, ListProductsRequest};
use shop_orders::{GetOrderRequest, Orders, OrdersClient, OrdersError, PlaceOrderRequest};
use shop_store::Store;
use shop_storefront::{
    BrowseRequest, BrowseResponse, BuyRequest, Order, OrderRequest, Storefront, StorefrontError,
};

use pages::Pages;
pub use pages::SCHEMA;

/// How long the catalog may take, before an older copy of the page is better than waiting.
const CATALOG: Duration = Duration::from_secs(1);

/// The business logic.
#[derive(Clone, Debug)]
pub struct Service {
    pages: Pages,
    catalog: CatalogClient,
    orders: OrdersClient,
}

impl Service {
    /// A gateway whose pages are in `store`, which has the tables of [`SCHEMA`].
    #[must_use]
    pub fn new(store: Store, catalog: CatalogClient, orders: OrdersClient) -> Self {
        Service { pages: Pages::new(store), catalog, orders }
    }
}

impl Storefront for Service {
    async fn browse(
        &self,
        cx: &Context,
        request: BrowseRequest,
    ) -> Result<BrowseResponse, StorefrontError> {
        let after = request.after;
        let question = ListProductsRequest { after: after.clone(), page_size: 0 };
        match self.catalog.list_products(&cx.with_timeout(CATALOG), question).await {
            Ok(page) => {
                let page =
                    BrowseResponse { products: page.products, next: page.next, stale: false };
                if let Err(error) = self.pages.keep(&after, &page).await {
                    cx.record("copy", error.to_string());
                }
                Ok(page)
            }
            Err(error) => match self.pages.kept(after).await? {
                Some(page) => Ok(BrowseResponse { stale: true, ..page }),
                None => Err(Error::from(error).into()),
            },
        }
    }

    async fn buy(&self, cx: &Context, request: BuyRequest) -> Result<Order, StorefrontError> {
        let BuyRequest { lines, card } = request;
        let key = match cx.idempotency_key() {
            Some(key) => key.to_owned(),
            // A call that is never sent again.
            None => format!("{:016x}", cx.random().next_u64()),
        };
        let order = PlaceOrderRequest { key, lines, card };
        let order = self.orders.place_order(cx, order).await.map_err(in_our_words)?;
        cx.record("order", order.id.clone());
        cx.respond(|answer| answer.status = Some(201));
        Ok(order)
    }

    async fn order(&self, cx: &Context, request: OrderRequest) -> Result<Order, StorefrontError> {
        let question = GetOrderRequest { id: request.id };
        self.orders.get_order(cx, question).await.map_err(in_our_words)
    }
}

/// What the orders say, as the storefront says it.
fn in_our_words(error: OrdersError) -> StorefrontError {
    match error {
        OrdersError::NoSuchOrder { id } => StorefrontError::NoSuchOrder { id },
        OrdersError::WrongOrder { why } => StorefrontError::WrongOrder { why },
        OrdersError::KeyUsed => StorefrontError::KeyUsed,
        OrdersError::UnknownProduct { sku } => StorefrontError::UnknownProduct { sku },
        OrdersError::SoldOut { sku } => StorefrontError::SoldOut { sku },
        OrdersError::PaymentDeclined { reason } => StorefrontError::PaymentDeclined { reason },
        OrdersError::NotNow { what } => StorefrontError::NotNow { what },
        OrdersError::Call(error) => StorefrontError::Call(error),
    }
}

#[cfg(test)]
mod tests;
