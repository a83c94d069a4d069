//! The book of orders: what is written down, and how it reads.

use shop_orders::{Line, Order, OrdersError, PlaceOrderRequest, State};
use shop_store::Abort;
use shop_store::rusqlite::{Connection, OptionalExtension, Result as Sqlite};

/// Whether that can be an order at all. What is in its lines is the catalog's to judge.
pub(crate) fn judge(request: &PlaceOrderRequest) -> Result<(), OrdersError> {
    let why = match (request.key.len(), request.lines.len()) {
        (1..=100, 1..=20) => return Ok(()),
        (1..=100, _) => "it has 1 to 20 lines",
        _ => "its key has 1 to 100 bytes",
    };
    Err(OrdersError::WrongOrder { why: why.to_owned() })
}

/// The order of this key: a new one under `id`, or the one that is there.
pub(crate) fn open(
    connection: &Connection,
    id: String,
    request: PlaceOrderRequest,
) -> Result<Order, Abort<OrdersError>> {
    let PlaceOrderRequest { key, lines, card } = request;
    let digits = last_four(&card);
    let query = "SELECT id, card FROM orders WHERE key = ?1";
    let known = connection
        .prepare_cached(query)?
        .query_row([&key], |row| Ok((row.get(0)?, row.get_ref(1)?.as_str()? == digits)));
    if let Some((id, same_card)) = known.optional()? {
        let order = order(connection, id)?;
        if order.lines != lines || !same_card {
            return Err(Abort::Refused(OrdersError::KeyUsed));
        }
        return Ok(order);
    }
    let note = "INSERT INTO orders (id, key, card, state) VALUES (?1, ?2, ?3, 'pending')";
    connection.prepare_cached(note)?.execute((&id, key, digits))?;
    let mut note = connection.prepare_cached("INSERT INTO lines VALUES (?1, ?2, ?3, ?4)")?;
    for (position, line) in (0_u32..).zip(&lines) {
        note.execute((&id, position, &line.sku, line.quantity))?;
    }
    Ok(Order { id, lines, state: State::Pending, ..Order::default() })
}

/// An order as it stands.
pub(crate) fn order(connection: &Connection, id: String) -> Result<Order, Abort<OrdersError>> {
    let query = "SELECT state, detail, total_cents FROM orders WHERE id = ?1";
    let found = connection.prepare_cached(query)?.query_row([&id], |row| {
        let state = state(row.get_ref(0)?.as_str()?);
        Ok((state, row.get(1)?, row.get(2)?))
    });
    let Some((state, detail, total_cents)) = found.optional()? else {
        return Err(Abort::Refused(OrdersError::NoSuchOrder { id }));
    };
    let query = r#"SELECT sku, quantity FROM lines WHERE "order" = ?1 ORDER BY position"#;
    let mut query = connection.prepare_cached(query)?;
    let lines =
        query.query_map([&id], |row| Ok(Line { sku: row.get(0)?, quantity: row.get(1)? }))?;
    let lines = lines.collect::<Sqlite<_>>()?;
    Ok(Order { id, lines, total_cents, state, detail })
}

/// Writes down how an order ended, unless that is known already.
pub(crate) fn settle(connection: &Connection, order: &Order) -> Sqlite<()> {
    let note = "UPDATE orders SET state = ?2, detail = ?3, total_cents = ?4 \
                WHERE id = ?1 AND state = 'pending'";
    let Order { id, detail, total_cents, .. } = order;
    connection.prepare_cached(note)?.execute((id, name(order.state), detail, total_cents))?;
    Ok(())
}

/// How a refusal is written down; `None` where the order is not at its end.
pub(crate) fn refusal_noted(error: &OrdersError) -> Option<(State, String)> {
    match error {
        OrdersError::UnknownProduct { sku } => Some((State::UnknownProduct, sku.clone())),
        OrdersError::SoldOut { sku } => Some((State::SoldOut, sku.clone())),
        OrdersError::PaymentDeclined { reason } => Some((State::PaymentDeclined, reason.clone())),
        OrdersError::WrongOrder { why } => Some((State::Wrong, why.clone())),
        _ => None,
    }
}

/// What the caller of an order learns of it.
pub(crate) fn outcome(order: Order) -> Result<Order, OrdersError> {
    let Order { detail, .. } = &order;
    match order.state {
        State::UnknownProduct => Err(OrdersError::UnknownProduct { sku: detail.clone() }),
        State::SoldOut => Err(OrdersError::SoldOut { sku: detail.clone() }),
        State::PaymentDeclined => Err(OrdersError::PaymentDeclined { reason: detail.clone() }),
        State::Wrong => Err(OrdersError::WrongOrder { why: detail.clone() }),
        _ => Ok(order),
    }
}

const NAMES: [(State, &str); 6] = [
    (State::Pending, "pending"),
    (State::Confirmed, "confirmed"),
    (State::UnknownProduct, "unknown product"),
    (State::SoldOut, "sold out"),
    (State::PaymentDeclined, "payment declined"),
    (State::Wrong, "wrong"),
];

fn name(state: State) -> &'static str {
    NAMES.iter().find(|(known, _)| *known == state).map_or("pending", |(_, name)| name)
}

fn state(name: &str) -> State {
    NAMES.iter().find(|(_, known)| *known == name).map_or(State::Unspecified, |(state, _)| *state)
}

/// Enough to tell that an order comes again with another card.
fn last_four(card: &str) -> &str {
    let start = card.char_indices().rev().nth(3).map_or(0, |(start, _)| start);
    &card[start..]
}
