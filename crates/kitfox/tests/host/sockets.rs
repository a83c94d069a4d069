//! Real sockets, for what only they can show.

use std::net::SocketAddr;

use kitfox::config::Environment;
use kitfox::{Ending, Host, HostError, Platform};

use crate::support::http::{begin_call, read, send};
use crate::support::probe::Probe;

fn host(listen: &str) -> Host {
    Host::new("probe")
        .serve(Probe::default())
        .environment(Environment::from_iter([("KITFOX_LISTEN", listen)]))
        .admin("127.0.0.1:0")
        .announce(false)
}

#[tokio::test]
async fn port_zero_takes_a_free_port_and_tells_which() {
    let running = host("127.0.0.1:0").start().await.unwrap();
    let (services, admin) = (running.address(), running.admin_address());
    assert!(services.port() != 0 && admin.port() != 0 && services != admin);

    let platform = Platform::system();
    let mut connection = platform.net().connect(&services.to_string()).await.unwrap();
    begin_call(&mut connection, "/v1/echo", "{\"a\":1}").await;
    let answer = read(&mut connection).await;
    assert_eq!((answer.status, answer.body.as_str()), (200, "{\"a\":1}"));

    let mut connection = platform.net().connect(&admin.to_string()).await.unwrap();
    assert_eq!(send(&mut connection, "GET", "/readyz").await.status, 200);
    running.shutdown();
    assert_eq!(running.wait().await, Ending::Clean);
    assert!(platform.net().connect(&admin.to_string()).await.is_err());
}

#[tokio::test]
async fn an_address_that_is_taken_is_named_with_what_changes_it() {
    let running = host("127.0.0.1:0").start().await.unwrap();
    let address: SocketAddr = running.address();
    let error = host(&address.to_string()).start().await.unwrap_err();
    let HostError::Bind { address: told, key, variable, .. } = &error else {
        panic!("{error}");
    };
    assert_eq!((*told, *key, *variable), (address, "listen", "KITFOX_LISTEN"));
    assert!(error.to_string().starts_with(&format!("cannot listen on {address}: ")), "{error}");
    running.shutdown();
    assert_eq!(running.wait().await, Ending::Clean);
}
