//! What the catalog asks of its tables.

use shop_catalog::{CatalogError, Line, Product};
use shop_store::Abort;
use shop_store::rusqlite::{Connection, OptionalExtension, Result as Sqlite, Row};

use crate::{refused, wrong};

/// The most that may be in stock, so that no sum overflows.
const FULL: u32 = 1_000_000_000;

pub(crate) fn list(connection: &Connection, after: &str, size: u32) -> Sqlite<Vec<Product>> {
    let query = "SELECT sku, name, price_cents, stock FROM products \
                 WHERE sku > ?1 ORDER BY sku LIMIT ?2";
    connection.prepare_cached(query)?.query_map((after, size), read)?.collect()
}

pub(crate) fn product(connection: &Connection, sku: &str) -> Result<Product, Abort<CatalogError>> {
    let query = "SELECT sku, name, price_cents, stock FROM products WHERE sku = ?1";
    match connection.prepare_cached(query)?.query_row([sku], read).optional()? {
        Some(product) => Ok(product),
        None => refused(CatalogError::UnknownProduct { sku: sku.to_owned() }),
    }
}

/// Sets all lines aside, and gives what they cost.
pub(crate) fn reserve(
    connection: &Connection,
    order: &str,
    lines: &[Line],
) -> Result<u32, Abort<CatalogError>> {
    let query = r#"SELECT sum(quantity * price_cents) FROM reserved WHERE "order" = ?1"#;
    let already = connection.prepare_cached(query)?.query_row([order], |row| row.get(0))?;
    if let Some(total) = already {
        return Ok(total);
    }
    let mut total: u32 = 0;
    for Line { sku, quantity } in lines {
        let product = product(connection, sku)?;
        if product.stock < *quantity {
            return refused(CatalogError::SoldOut { sku: sku.clone(), left: product.stock });
        }
        let take = "UPDATE products SET stock = stock - ?2 WHERE sku = ?1";
        connection.prepare_cached(take)?.execute((sku, quantity))?;
        let note = "INSERT INTO reserved VALUES (?1, ?2, ?3, ?4)";
        connection.prepare_cached(note)?.execute((order, sku, quantity, product.price_cents))?;
        let cost = product.price_cents.checked_mul(*quantity);
        let Some(sum) = cost.and_then(|cost| total.checked_add(cost)) else {
            return refused(wrong("nobody can pay so much"));
        };
        total = sum;
    }
    Ok(total)
}

/// Gives back what is set aside.
pub(crate) fn release(connection: &Connection, order: &str) -> Sqlite<()> {
    let give_back = r#"UPDATE products SET stock = products.stock + reserved.quantity FROM reserved
                       WHERE reserved."order" = ?1 AND reserved.sku = products.sku"#;
    connection.prepare_cached(give_back)?.execute([order])?;
    let forget = r#"DELETE FROM reserved WHERE "order" = ?1"#;
    connection.prepare_cached(forget)?.execute([order])?;
    Ok(())
}

pub(crate) fn deliver(
    connection: &Connection,
    sku: &str,
    quantity: u32,
) -> Result<Product, Abort<CatalogError>> {
    let add = "UPDATE products SET stock = min(stock + ?2, ?3) WHERE sku = ?1";
    connection.prepare_cached(add)?.execute((sku, quantity, FULL))?;
    product(connection, sku)
}

fn read(row: &Row<'_>) -> Sqlite<Product> {
    Ok(Product {
        sku: row.get(0)?,
        name: row.get(1)?,
        price_cents: row.get(2)?,
        stock: row.get(3)?,
    })
}
