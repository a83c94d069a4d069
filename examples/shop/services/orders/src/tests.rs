use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use kitfox::Recovery;
use shop_catalog::{
    DeliverRequest, GetProductRequest, Line, ListProductsRequest, ListProductsResponse, Product,
    ReleaseResponse, ReserveResponse,
};
use shop_orders::OrdersClient;
use shop_payments::Charge;
use tempfile::TempDir;

use super::*;

/// A catalog that has mugs at 1,200 and nothing else, and counts how many orders hold some.
#[derive(Default)]
struct Mugs {
    held: AtomicU32,
}

impl Catalog for Mugs {
    async fn reserve(
        &self,
        _: &Context,
        request: ReserveRequest,
    ) -> Result<ReserveResponse, CatalogError> {
        let Line { sku, quantity } = request.lines[0].clone();
        match (sku.as_str(), quantity) {
            ("mug", 1..=100) => {}
            ("mug", _) => return Err(CatalogError::WrongLines { why: "too many".to_owned() }),
            ("meteorite", _) => return Err(CatalogError::SoldOut { sku, left: 0 }),
            _ => return Err(CatalogError::UnknownProduct { sku }),
        }
        self.held.fetch_add(1, Ordering::Relaxed);
        Ok(ReserveResponse { total_cents: 1200 * quantity })
    }

    async fn release(
        &self,
        _: &Context,
        _: ReleaseRequest,
    ) -> Result<ReleaseResponse, CatalogError> {
        self.held.fetch_sub(1, Ordering::Relaxed);
        Ok(ReleaseResponse {})
    }

    async fn list_products(
        &self,
        _: &Context,
        _: ListProductsRequest,
    ) -> Result<ListProductsResponse, CatalogError> {
        unreachable!("no order lists products")
    }

    async fn get_product(
        &self,
        _: &Context,
        _: GetProductRequest,
    ) -> Result<Product, CatalogError> {
        unreachable!("no order looks at a product")
    }

    async fn deliver(&self, _: &Context, _: DeliverRequest) -> Result<Product, CatalogError> {
        unreachable!("no order delivers")
    }
}

/// Payments that are unavailable as often as it says, and then charge.
#[derive(Default)]
struct Bank {
    failures: AtomicU32,
    charges: AtomicU32,
}

impl Payments for Bank {
    async fn charge(&self, _: &Context, request: ChargeRequest) -> Result<Charge, PaymentsError> {
        if self.failures.load(Ordering::Relaxed) > 0 {
            self.failures.fetch_sub(1, Ordering::Relaxed);
            let error = Error::new(Code::Unavailable, "the line is dead");
            return Err(error.with_recovery(Recovery::Retry).into());
        }
        if request.card.ends_with("0002") {
            return Err(PaymentsError::Declined { reason: "no money".to_owned() });
        }
        self.charges.fetch_add(1, Ordering::Relaxed);
        Ok(Charge { order: request.order, amount_cents: request.amount_cents })
    }
}

struct Shop {
    orders: OrdersClient,
    catalog: Arc<Mugs>,
    bank: Arc<Bank>,
    _folder: TempDir,
}

async fn shop() -> Shop {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path().join("orders.db"), SCHEMA).await.unwrap();
    let (catalog, bank) = (Arc::new(Mugs::default()), Arc::new(Bank::default()));
    let payments = PaymentsClient::local(Arc::clone(&bank));
    let service = Service::new(store, CatalogClient::local(Arc::clone(&catalog)), payments);
    Shop { orders: OrdersClient::local(service), catalog, bank, _folder: folder }
}

impl Shop {
    async fn place(
        &self,
        key: &str,
        sku: &str,
        quantity: u32,
        card: &str,
    ) -> Result<Order, OrdersError> {
        let lines = vec![Line { sku: sku.to_owned(), quantity }];
        let request = PlaceOrderRequest { key: key.to_owned(), lines, card: card.to_owned() };
        self.orders.place_order(&Context::background(), request).await
    }
}

#[tokio::test(start_paused = true)]
async fn an_order_is_placed_once_under_its_key() {
    let shop = shop().await;
    let first = shop.place("k", "mug", 2, "4242").await.unwrap();
    assert_eq!((first.state, first.total_cents), (State::Confirmed, 2400));
    assert_eq!(shop.place("k", "mug", 2, "4242").await.unwrap(), first);
    assert_eq!(shop.bank.charges.load(Ordering::Relaxed), 1);

    let request = GetOrderRequest { id: first.id.clone() };
    assert_eq!(shop.orders.get_order(&Context::background(), request).await.unwrap(), first);
}

#[tokio::test(start_paused = true)]
async fn a_key_cannot_order_something_else_or_by_another_card() {
    let shop = shop().await;
    shop.place("k", "mug", 1, "4242").await.unwrap();
    for (quantity, card) in [(2, "4242"), (1, "1111")] {
        let refused = shop.place("k", "mug", quantity, card).await;
        assert!(matches!(refused, Err(OrdersError::KeyUsed)));
    }
}

#[tokio::test(start_paused = true)]
async fn what_broke_is_finished_by_the_same_key() {
    let shop = shop().await;
    shop.bank.failures.store(1, Ordering::Relaxed);
    let broken = shop.place("k", "mug", 1, "4242").await;
    assert!(matches!(broken, Err(OrdersError::NotNow { what }) if what == "payments"));
    assert_eq!(shop.place("k", "mug", 1, "4242").await.unwrap().state, State::Confirmed);
}

#[tokio::test(start_paused = true)]
async fn a_declined_card_gives_the_products_back_and_stays_declined() {
    let shop = shop().await;
    for _ in 0..2 {
        let declined = shop.place("k", "mug", 1, "40000002").await;
        assert!(
            matches!(declined, Err(OrdersError::PaymentDeclined { reason }) if reason == "no money")
        );
        assert_eq!(shop.catalog.held.load(Ordering::Relaxed), 0);
    }
}

#[tokio::test(start_paused = true)]
async fn a_refusal_of_the_catalog_is_one_of_the_orders_and_stays() {
    let shop = shop().await;
    for _ in 0..2 {
        let sold_out = shop.place("a", "meteorite", 1, "4242").await;
        assert!(matches!(sold_out, Err(OrdersError::SoldOut { sku }) if sku == "meteorite"));
        let unknown = shop.place("b", "yeti", 1, "4242").await;
        assert!(matches!(unknown, Err(OrdersError::UnknownProduct { sku }) if sku == "yeti"));
        let wrong = shop.place("c", "mug", 101, "4242").await;
        assert!(matches!(wrong, Err(OrdersError::WrongOrder { why }) if why == "too many"));
    }
}

#[tokio::test(start_paused = true)]
async fn an_order_that_nobody_placed_is_not_found() {
    let shop = shop().await;
    let request = GetOrderRequest { id: "7".to_owned() };
    let found = shop.orders.get_order(&Context::background(), request).await;
    assert!(matches!(found, Err(OrdersError::NoSuchOrder { id }) if id == "7"));
    let wrong = shop.place("", "mug", 1, "4242").await;
    assert!(matches!(wrong, Err(OrdersError::WrongOrder { .. })));
}
