//! The contract on the admin port.

use kitfox::config::Environment;
use kitfox::{Error, Host, Running};
use strings::StringsServer;

#[expect(deprecated, reason = "it is what the test is about")]
use super::everything::Shout;
use super::everything::{Address, Order, OrderRequest, Shop, ShopError, ShopServer};
use crate::support::http::{Answer, send};
use crate::support::memory::Memory;

/// Sells nothing.
struct Closed;

impl Shop for Closed {
    async fn place(&self, _: &kitfox::Context, _: Order) -> Result<Order, ShopError> {
        Err(ShopError::Closed)
    }
    async fn show(&self, _: &kitfox::Context, _: OrderRequest) -> Result<Order, ShopError> {
        Err(ShopError::Closed)
    }
    async fn change(&self, _: &kitfox::Context, _: Order) -> Result<(), ShopError> {
        Err(ShopError::Closed)
    }
    async fn watch(
        &self,
        _: &kitfox::Context,
        _: OrderRequest,
    ) -> Result<kitfox::Streaming<Order, ShopError>, ShopError> {
        Err(ShopError::Closed)
    }
    async fn gather(
        &self,
        _: &kitfox::Context,
        _: kitfox::Streaming<Order>,
    ) -> Result<Order, Error> {
        Ok(Order::default())
    }
    async fn talk(
        &self,
        _: &kitfox::Context,
        _: kitfox::Streaming<Order>,
    ) -> Result<kitfox::Streaming<Order>, Error> {
        Ok(kitfox::Streaming::new(futures_util::stream::empty()))
    }
    #[expect(deprecated, reason = "it is what the test is about")]
    async fn shout(&self, _: &kitfox::Context, _: Shout) -> Result<Address, Error> {
        Ok(Address::default())
    }
}

#[tokio::test(start_paused = true)]
async fn the_one_package_of_a_host_needs_no_name() {
    let net = Memory::default();
    let running = serving(&net, |host| host.serve(ShopServer::new(Closed))).await;
    let answer = admin(&net, &running, "/contract.proto").await;
    assert_eq!(answer.status, 200);
    assert!(answer.head.contains("content-type: text/plain; charset=utf-8"), "{}", answer.head);
    assert_eq!(answer.body, include_str!("shop.proto"));
    let common = admin(&net, &running, "/contract.proto?package=common.v1").await;
    assert!(common.body.contains("message Address {"), "{}", common.body);
}

#[tokio::test(start_paused = true)]
async fn a_host_without_services_has_no_contract() {
    let net = Memory::default();
    let running = serving(&net, |host| host).await;
    let answer = admin(&net, &running, "/contract.proto").await;
    assert_eq!((answer.status, answer.body.as_str()), (404, "no services are here\n"));
}

#[tokio::test(start_paused = true)]
async fn of_several_packages_each_has_its_own_page() {
    let net = Memory::default();
    let both = |host: Host| {
        host.serve(ShopServer::new(Closed)).serve(StringsServer::new(strings::Service))
    };
    let running = serving(&net, both).await;
    let all = admin(&net, &running, "/contract.proto").await;
    assert_eq!(all.status, 300);
    for package in ["shop.v1", "common.v1", "strings.v1"] {
        let path = format!("/contract.proto?package={package}");
        assert!(all.body.contains(&format!("{path} ")), "{}", all.body);
        let one = admin(&net, &running, &path).await;
        assert_eq!(one.status, 200);
        assert!(one.body.contains(&format!("package {package};")), "{}", one.body);
    }
    let none = admin(&net, &running, "/contract.proto?package=strings.v2").await;
    assert_eq!(none.status, 404);
    assert!(none.body.contains("/contract.proto?package=strings.v1 "), "{}", none.body);
}

#[tokio::test(start_paused = true)]
async fn openapi_is_of_everything_or_of_one_package() {
    let net = Memory::default();
    let both = |host: Host| {
        host.serve(ShopServer::new(Closed)).serve(StringsServer::new(strings::Service))
    };
    let running = serving(&net, both).await;
    let answer = admin(&net, &running, "/openapi.json").await;
    assert!(answer.head.contains("content-type: application/json"), "{}", answer.head);
    let all: serde_json::Value = serde_json::from_str(&answer.body).unwrap();
    assert_eq!((&all["info"]["title"], &all["info"]["version"]), (&"shop".into(), &"1.2.3".into()));
    assert!(all["paths"]["/v1/orders"].is_object() && all["paths"]["/v1/uppercase"].is_object());
    let one = admin(&net, &running, "/openapi.json?package=strings.v1").await.body;
    let one: serde_json::Value = serde_json::from_str(&one).unwrap();
    assert!(one["paths"]["/v1/orders"].is_null() && one["paths"]["/v1/uppercase"].is_object());
    let none = admin(&net, &running, "/openapi.json?package=strings.v2").await;
    assert_eq!(none.status, 404);
    assert!(none.body.contains("/openapi.json?package=strings.v1\n"), "{}", none.body);
}

async fn serving(net: &Memory, add: impl Fn(Host) -> Host) -> Running {
    let host = Host::new("shop").version("1.2.3").platform(net.platform());
    let host = host.environment(Environment::default()).announce(false);
    add(host).start().await.unwrap()
}

async fn admin(net: &Memory, running: &Running, path: &str) -> Answer {
    let mut connection = net.dial(running.admin_address()).await.unwrap();
    send(&mut connection, "GET", path).await
}
