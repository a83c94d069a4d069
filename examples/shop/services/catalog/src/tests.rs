use shop_catalog::CatalogClient;
use tempfile::TempDir;

use super::*;

async fn catalog() -> (TempDir, CatalogClient) {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path().join("catalog.db"), SCHEMA).await.unwrap();
    (folder, CatalogClient::local(Service::new(store)))
}

fn line(sku: &str, quantity: u32) -> Line {
    Line { sku: sku.to_owned(), quantity }
}

async fn reserve(
    catalog: &CatalogClient,
    order: &str,
    lines: Vec<Line>,
) -> Result<u32, CatalogError> {
    let request = ReserveRequest { order: order.to_owned(), lines };
    Ok(catalog.reserve(&Context::background(), request).await?.total_cents)
}

async fn stock(catalog: &CatalogClient, sku: &str) -> u32 {
    let request = GetProductRequest { sku: sku.to_owned() };
    catalog.get_product(&Context::background(), request).await.unwrap().stock
}

#[tokio::test(start_paused = true)]
async fn pages_follow_each_other_until_all_products_were_seen() {
    let (_folder, catalog) = catalog().await;
    let (mut seen, mut after) = (Vec::new(), String::new());
    loop {
        let request = ListProductsRequest { after, page_size: 2 };
        let page = catalog.list_products(&Context::background(), request).await.unwrap();
        seen.extend(page.products.into_iter().map(|product| product.sku));
        if page.next.is_empty() {
            break;
        }
        after = page.next;
    }
    assert_eq!(seen, ["kettle", "meteorite", "mug", "tea", "teapot"]);
}

#[tokio::test(start_paused = true)]
async fn an_order_has_its_products_set_aside_once_and_gives_them_back_once() {
    let (_folder, catalog) = catalog().await;
    let lines = || vec![line("mug", 2), line("tea", 1)];
    for _ in 0..2 {
        assert_eq!(reserve(&catalog, "a", lines()).await.unwrap(), 2 * 1200 + 850);
        assert_eq!(stock(&catalog, "mug").await, 9_998);
    }
    for _ in 0..2 {
        let request = ReleaseRequest { order: "a".to_owned() };
        catalog.release(&Context::background(), request).await.unwrap();
        assert_eq!(stock(&catalog, "mug").await, 10_000);
    }
}

#[tokio::test(start_paused = true)]
async fn all_lines_are_set_aside_or_none() {
    let (_folder, catalog) = catalog().await;
    let sold_out = reserve(&catalog, "a", vec![line("mug", 1), line("meteorite", 4)]).await;
    assert!(matches!(sold_out, Err(CatalogError::SoldOut { sku, left: 3 }) if sku == "meteorite"));
    let unknown = reserve(&catalog, "a", vec![line("mug", 1), line("yeti", 1)]).await;
    assert!(matches!(unknown, Err(CatalogError::UnknownProduct { sku }) if sku == "yeti"));
    assert_eq!(stock(&catalog, "mug").await, 10_000);
}

#[tokio::test(start_paused = true)]
async fn wrong_lines_are_refused_with_a_reason() {
    let (_folder, catalog) = catalog().await;
    for (lines, reason) in [
        (vec![], "1 to 20 lines"),
        (vec![line("mug", 0)], "from 1 to 100"),
        (vec![line("mug", 1), line("mug", 1)], "same product"),
    ] {
        let refused = reserve(&catalog, "a", lines).await.unwrap_err();
        assert!(matches!(&refused, CatalogError::WrongLines { why } if why.contains(reason)));
    }
}

#[tokio::test(start_paused = true)]
async fn a_delivery_adds_to_the_stock() {
    let (_folder, catalog) = catalog().await;
    let request = DeliverRequest { sku: "meteorite".to_owned(), quantity: 2 };
    let product = catalog.deliver(&Context::background(), request).await.unwrap();
    assert_eq!(product.stock, 5);
    let request = DeliverRequest { sku: "yeti".to_owned(), quantity: 2 };
    let unknown = catalog.deliver(&Context::background(), request).await;
    assert!(matches!(unknown, Err(CatalogError::UnknownProduct { .. })));
}
