//! A replica is ready for as long as its store is.

use std::net::SocketAddr;

use kitfox::Platform;
use shop::replica::Replica;
use shop::role::Role;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::rig::spec;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_replica_without_its_file_is_not_ready_and_says_why() {
    let folder = tempfile::tempdir().unwrap();
    let replica = Replica::start(&spec(folder.path(), Role::Catalog, 1)).await.unwrap();
    assert!(get(replica.admin, "/readyz").await.starts_with("HTTP/1.1 200"));

    std::fs::remove_file(folder.path().join("catalog.db")).unwrap();
    let answer = get(replica.admin, "/readyz").await;
    assert!(answer.starts_with("HTTP/1.1 503"), "{answer}");
    assert!(answer.contains("catalog.db cannot be used"), "{answer}");
    replica.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_replica_that_cannot_work_with_its_file_does_not_start_and_says_why() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("orders.db"), "Dear diary, today I sold a mug.").unwrap();
    let error = Replica::start(&spec(folder.path(), Role::Orders, 1)).await.unwrap_err();
    let error = error.to_string();
    assert!(error.starts_with("orders-1 ended before it served: shop: could not open"), "{error}");
    assert!(error.contains("not a database"), "{error}");
}

async fn get(address: SocketAddr, path: &str) -> String {
    let mut connection = Platform::system().net().connect(&address.to_string()).await.unwrap();
    let request = format!("GET {path} HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n\r\n");
    connection.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    connection.read_to_string(&mut answer).await.unwrap();
    answer
}
