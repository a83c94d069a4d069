//! The shop's orders, over SQLite, the catalog and the payments.
//!
//! An order is written down as pending before anything else, under the key of its caller. Then its
//! products are set aside, and then it is charged: each under the order's id, so that both can be asked
//! again. Whatever breaks on the way, the same key goes on where it stopped.

mod book;

use std::time::Duration;

use kitfox::{Code, Context, Error};
use shop_catalog::{Catalog, CatalogClient, CatalogError, ReleaseRequest, ReserveRequest};
use shop_orders::{GetOrderRequest, Order, Orders, OrdersError, PlaceOrderRequest, State};
use shop_payments::{ChargeRequest, Payments, PaymentsClient, PaymentsError};
use shop_store::Store;

/// The tables.
pub const SCHEMA: &str = include_str!("schema.sql");

/// How long the catalog may take.
const CATALOG: Duration = Duration::from_secs(3);

/// How long the payments may take.
const PAYMENTS: Duration = Duration::from_secs(5);

/// The business logic.
#[derive(Clone, Debug)]
pub struct Service {
    store: Store,
    catalog: CatalogClient,
    payments: PaymentsClient,
}

impl Service {
    /// Orders that are in `store`, which has the tables of [`SCHEMA`].
    #[must_use]
    pub fn new(store: Store, catalog: CatalogClient, payments: PaymentsClient) -> Self {
        Service { store, catalog, payments }
    }

    /// Sets the products of an order aside, and gives what they cost.
    async fn reserve(&self, cx: &Context, order: &Order) -> Result<u32, OrdersError> {
        let request = ReserveRequest { order: order.id.clone(), lines: order.lines.clone() };
        match self.catalog.reserve(&cx.with_timeout(CATALOG), request).await {
            Ok(reserved) => Ok(reserved.total_cents),
            Err(CatalogError::UnknownProduct { sku }) => Err(OrdersError::UnknownProduct { sku }),
            Err(CatalogError::SoldOut { sku, .. }) => Err(OrdersError::SoldOut { sku }),
            Err(CatalogError::WrongLines { why }) => Err(OrdersError::WrongOrder { why }),
            Err(CatalogError::Call(error)) => Err(not_now("catalog", error)),
        }
    }

    /// Charges the order. One that is declined gives its products back.
    async fn charge(&self, cx: &Context, order: &Order, card: String) -> Result<(), OrdersError> {
        let (id, amount_cents) = (order.id.clone(), order.total_cents);
        let request = ChargeRequest { order: id.clone(), amount_cents, card };
        match self.payments.charge(&cx.with_timeout(PAYMENTS), request).await {
            Ok(_) => Ok(()),
            Err(PaymentsError::Declined { reason }) => {
                let release = ReleaseRequest { order: id };
                let released = self.catalog.release(&cx.with_timeout(CATALOG), release).await;
                released.map_err(Error::from)?;
                Err(OrdersError::PaymentDeclined { reason })
            }
            Err(PaymentsError::Call(error)) => Err(not_now("payments", error)),
            Err(error @ PaymentsError::OtherAmount) => Err(Error::from(error).into()),
        }
    }

    /// Notes how an order ends, and gives it as its caller learns of it.
    async fn settle(
        &self,
        mut order: Order,
        outcome: Result<(), OrdersError>,
    ) -> Result<Order, OrdersError> {
        match outcome {
            Ok(()) => order.state = State::Confirmed,
            Err(error) => match book::refusal_noted(&error) {
                Some((state, detail)) => (order.state, order.detail) = (state, detail),
                // Nobody knows yet how it ends: it stays pending.
                None => return Err(error),
            },
        }
        let noted = order.clone();
        let note = move |connection: &_| Ok(book::settle(connection, &noted)?);
        self.store.write::<_, OrdersError>(note).await?;
        book::outcome(order)
    }
}

impl Orders for Service {
    async fn place_order(
        &self,
        cx: &Context,
        request: PlaceOrderRequest,
    ) -> Result<Order, OrdersError> {
        book::judge(&request)?;
        let id = format!("{:016x}", cx.random().next_u64());
        let card = request.card.clone();
        let open = move |connection: &_| book::open(connection, id, request);
        let mut order = self.store.write(open).await?;
        cx.record("order", order.id.clone());
        if order.state != State::Pending {
            return book::outcome(order);
        }
        match self.reserve(cx, &order).await {
            Ok(total_cents) => order.total_cents = total_cents,
            Err(error) => return self.settle(order, Err(error)).await,
        }
        let charged = self.charge(cx, &order, card).await;
        self.settle(order, charged).await
    }

    async fn get_order(&self, _: &Context, request: GetOrderRequest) -> Result<Order, OrdersError> {
        self.store.read(move |connection| book::order(connection, request.id)).await
    }
}

/// That somebody is missing is an answer of the orders, who work: nobody shall take them for broken, and
/// leave them alone with everything else that they do.
fn not_now(what: &str, error: Error) -> OrdersError {
    match error.code() {
        Code::Unavailable | Code::DeadlineExceeded | Code::ResourceExhausted => {
            OrdersError::NotNow { what: what.to_owned() }
        }
        _ => error.into(),
    }
}

#[cfg(test)]
mod tests;
