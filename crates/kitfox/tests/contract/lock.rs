//! What `kitfox.lock` has of a contract.

use kitfox::contract;

use super::everything::ShopClient;

#[test]
fn everything_that_peers_know_is_in_the_lock() {
    let lock = contract::lock(&[ShopClient::CONTRACT]).unwrap();
    assert_eq!(lock, include_str!("shop.lock"));
}
