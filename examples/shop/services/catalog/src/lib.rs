//! The shop's catalog, over SQLite.

mod stock;

use kitfox::Context;
use shop_catalog::{
    Catalog, CatalogError, DeliverRequest, GetProductRequest, Line, ListProductsRequest,
    ListProductsResponse, Product, ReleaseRequest, ReleaseResponse, ReserveRequest,
    ReserveResponse,
};
use shop_store::{Abort, Store};

/// The tables, and what the shop begins with.
pub const SCHEMA: &str = include_str!("schema.sql");

/// The business logic.
#[derive(Clone, Debug)]
pub struct Service {
    store: Store,
}

impl Service {
    /// A catalog whose products are in `store`, which has the tables of [`SCHEMA`].
    #[must_use]
    pub fn new(store: Store) -> Self {
        Service { store }
    }
}

impl Catalog for Service {
    async fn list_products(
        &self,
        _: &Context,
        request: ListProductsRequest,
    ) -> Result<ListProductsResponse, CatalogError> {
        let size = match request.page_size {
            0 => 20,
            size => size.min(100),
        };
        let page = move |connection: &_| Ok(stock::list(connection, &request.after, size)?);
        let products: Vec<Product> = self.store.read::<_, CatalogError>(page).await?;
        let next = match products.last() {
            Some(last) if products.len() == size as usize => last.sku.clone(),
            _ => String::new(),
        };
        Ok(ListProductsResponse { products, next })
    }

    async fn get_product(
        &self,
        _: &Context,
        request: GetProductRequest,
    ) -> Result<Product, CatalogError> {
        self.store.read(move |connection| stock::product(connection, &request.sku)).await
    }

    async fn reserve(
        &self,
        cx: &Context,
        request: ReserveRequest,
    ) -> Result<ReserveResponse, CatalogError> {
        judge(&request.lines)?;
        cx.record("order", request.order.clone());
        let ReserveRequest { order, lines } = request;
        let total_cents =
            self.store.write(move |connection| stock::reserve(connection, &order, &lines));
        Ok(ReserveResponse { total_cents: total_cents.await? })
    }

    async fn release(
        &self,
        cx: &Context,
        request: ReleaseRequest,
    ) -> Result<ReleaseResponse, CatalogError> {
        cx.record("order", request.order.clone());
        let release = move |connection: &_| Ok(stock::release(connection, &request.order)?);
        self.store.write::<_, CatalogError>(release).await?;
        Ok(ReleaseResponse {})
    }

    async fn deliver(&self, _: &Context, request: DeliverRequest) -> Result<Product, CatalogError> {
        let DeliverRequest { sku, quantity } = request;
        if !(1..=10_000).contains(&quantity) {
            return Err(wrong("a delivery is of 1 to 10,000"));
        }
        self.store.write(move |connection| stock::deliver(connection, &sku, quantity)).await
    }
}

/// Whether these can be the lines of an order.
fn judge(lines: &[Line]) -> Result<(), CatalogError> {
    if !(1..=20).contains(&lines.len()) {
        return Err(wrong("an order has 1 to 20 lines"));
    }
    if lines.iter().any(|line| !(1..=100).contains(&line.quantity)) {
        return Err(wrong("a quantity is from 1 to 100"));
    }
    let mut skus: Vec<_> = lines.iter().map(|line| &line.sku).collect();
    skus.sort_unstable();
    skus.dedup();
    if skus.len() < lines.len() {
        return Err(wrong("two lines are of the same product"));
    }
    Ok(())
}

fn wrong(why: &str) -> CatalogError {
    CatalogError::WrongLines { why: why.to_owned() }
}

fn refused<T>(error: CatalogError) -> Result<T, Abort<CatalogError>> {
    Err(Abort::Refused(error))
}

#[cfg(test)]
mod tests;
