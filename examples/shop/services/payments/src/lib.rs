//! The shop's payments, over SQLite: slow and failing on demand.

mod trouble;

use kitfox::Context;
use shop_payments::{Charge, ChargeRequest, Payments, PaymentsError};
use shop_store::rusqlite::{Connection, OptionalExtension};
use shop_store::{Abort, Store};

pub use trouble::Troubles;

/// The tables.
pub const SCHEMA: &str = "
CREATE TABLE IF NOT EXISTS charges (
    \"order\" TEXT PRIMARY KEY,
    amount_cents INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
";

/// The business logic.
#[derive(Clone, Debug)]
pub struct Service {
    store: Store,
    troubles: Troubles,
}

impl Service {
    /// Payments whose charges are in `store`, which has the tables of [`SCHEMA`], and which suffer
    /// from `troubles`.
    #[must_use]
    pub fn new(store: Store, troubles: Troubles) -> Self {
        Service { store, troubles }
    }
}

impl Payments for Service {
    async fn charge(&self, cx: &Context, request: ChargeRequest) -> Result<Charge, PaymentsError> {
        cx.record("order", request.order.clone());
        self.troubles.befall(cx).await?;
        if request.card.ends_with("0002") {
            return Err(PaymentsError::Declined { reason: "insufficient funds".to_owned() });
        }
        let ChargeRequest { order, amount_cents, .. } = request;
        self.store.write(move |connection| charge(connection, order, amount_cents)).await
    }
}

fn charge(
    connection: &Connection,
    order: String,
    amount_cents: u32,
) -> Result<Charge, Abort<PaymentsError>> {
    let query = r#"SELECT amount_cents FROM charges WHERE "order" = ?1"#;
    let charged = connection.prepare_cached(query)?.query_row([&order], |row| row.get::<_, u32>(0));
    match charged.optional()? {
        Some(charged) if charged == amount_cents => {}
        Some(_) => return Err(Abort::Refused(PaymentsError::OtherAmount)),
        None => {
            let note = "INSERT INTO charges VALUES (?1, ?2)";
            connection.prepare_cached(note)?.execute((&order, amount_cents))?;
        }
    }
    Ok(Charge { order, amount_cents })
}

#[cfg(test)]
mod tests;
