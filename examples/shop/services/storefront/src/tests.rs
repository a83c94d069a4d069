use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use kitfox::Code;
use shop_catalog::{
    CatalogError, DeliverRequest, GetProductRequest, ListProductsResponse, Product, ReleaseRequest,
    ReleaseResponse, ReserveRequest, ReserveResponse,
};
use shop_storefront::{State, StorefrontClient};
use tempfile::TempDir;

use super::*;

/// A catalog of one mug, until it breaks.
#[derive(Default)]
struct OneMug {
    broken: AtomicBool,
}

impl Catalog for OneMug {
    async fn list_products(
        &self,
        _: &Context,
        _: ListProductsRequest,
    ) -> Result<ListProductsResponse, CatalogError> {
        if self.broken.load(Ordering::Relaxed) {
            return Err(Error::new(Code::Unavailable, "out of order").into());
        }
        let mug = Product { sku: "mug".to_owned(), ..Product::default() };
        Ok(ListProductsResponse { products: vec![mug], next: String::new() })
    }

    async fn get_product(
        &self,
        _: &Context,
        _: GetProductRequest,
    ) -> Result<Product, CatalogError> {
        unreachable!("the storefront shows pages")
    }

    async fn reserve(
        &self,
        _: &Context,
        _: ReserveRequest,
    ) -> Result<ReserveResponse, CatalogError> {
        unreachable!("that is for the orders")
    }

    async fn release(
        &self,
        _: &Context,
        _: ReleaseRequest,
    ) -> Result<ReleaseResponse, CatalogError> {
        unreachable!("that is for the orders")
    }

    async fn deliver(&self, _: &Context, _: DeliverRequest) -> Result<Product, CatalogError> {
        unreachable!("that is for the warehouse")
    }
}

/// Orders whose answer is in their key.
struct Oracle;

impl Orders for Oracle {
    async fn place_order(
        &self,
        _: &Context,
        request: PlaceOrderRequest,
    ) -> Result<Order, OrdersError> {
        let (sku, reason) = ("mug".to_owned(), "no money".to_owned());
        match request.key.as_str() {
            "sold out" => Err(OrdersError::SoldOut { sku }),
            "declined" => Err(OrdersError::PaymentDeclined { reason }),
            "broken" => Err(Error::new(Code::Internal, "a secret of the orders").into()),
            key => {
                Ok(Order { id: format!("of {key}"), state: State::Confirmed, ..Order::default() })
            }
        }
    }

    async fn get_order(&self, _: &Context, request: GetOrderRequest) -> Result<Order, OrdersError> {
        Err(OrdersError::NoSuchOrder { id: request.id })
    }
}

async fn storefront() -> (TempDir, Arc<OneMug>, StorefrontClient) {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path().join("storefront.db"), SCHEMA).await.unwrap();
    let catalog = Arc::new(OneMug::default());
    let (to_catalog, to_orders) =
        (CatalogClient::local(Arc::clone(&catalog)), OrdersClient::local(Oracle));
    let service = Service::new(store, to_catalog, to_orders);
    (folder, catalog, StorefrontClient::local(service))
}

async fn buy(storefront: &StorefrontClient, cx: &Context) -> Result<Order, StorefrontError> {
    storefront.buy(cx, BuyRequest::default()).await
}

async fn buy_by(storefront: &StorefrontClient, key: &str) -> Result<Order, StorefrontError> {
    buy(storefront, &Context::background().with_idempotency_key(key)).await
}

#[tokio::test(start_paused = true)]
async fn a_page_that_was_shown_is_shown_again_when_the_catalog_is_broken() {
    let (_folder, catalog, storefront) = storefront().await;
    let cx = Context::background();
    let page = storefront.browse(&cx, BrowseRequest::default()).await.unwrap();
    assert!(!page.stale);

    catalog.broken.store(true, Ordering::Relaxed);
    let copy = storefront.browse(&cx, BrowseRequest::default()).await.unwrap();
    assert_eq!(copy, BrowseResponse { stale: true, ..page });
    let other = BrowseRequest { after: "mug".to_owned() };
    let unseen = storefront.browse(&cx, other).await;
    assert!(
        matches!(unseen, Err(StorefrontError::Call(error)) if error.code() == Code::Unavailable)
    );
}

#[tokio::test(start_paused = true)]
async fn what_the_orders_refuse_the_storefront_refuses_in_its_own_words() {
    let (_folder, _, storefront) = storefront().await;
    let cx = Context::background();
    let sold_out = buy_by(&storefront, "sold out").await;
    assert!(matches!(sold_out, Err(StorefrontError::SoldOut { sku }) if sku == "mug"));
    let declined = buy_by(&storefront, "declined").await;
    assert!(
        matches!(declined, Err(StorefrontError::PaymentDeclined { reason }) if reason == "no money")
    );
    let unknown = storefront.order(&cx, OrderRequest { id: "7".to_owned() }).await;
    assert!(matches!(unknown, Err(StorefrontError::NoSuchOrder { id }) if id == "7"));

    let broken = buy_by(&storefront, "broken").await;
    let Err(StorefrontError::Call(error)) = broken else { panic!("{broken:?}") };
    assert_eq!(error.code(), Code::Internal);
    assert!(!error.message().contains("secret"), "{error}");
}

#[tokio::test(start_paused = true)]
async fn an_order_has_the_key_of_its_call_or_one_of_its_own() {
    let (_folder, _, storefront) = storefront().await;
    let keyed = Context::background().with_idempotency_key("abc");
    assert_eq!(buy(&storefront, &keyed).await.unwrap().id, "of abc");

    let cx = Context::background();
    let (one, two) = (buy(&storefront, &cx).await.unwrap(), buy(&storefront, &cx).await.unwrap());
    assert_ne!(one.id, two.id);
}
