//! A till: it takes money once, and can be watched.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use kitfox::discovery::StaticList;
use kitfox::types::rpc::ErrorInfo;
use kitfox::{
    BoxEndpoint, Context, Detail, Error, Host, HttpChannel, HttpVersion, Layer, Protocol, Running,
    ServiceChannel, Streaming,
};

use crate::support::http::{self, Answer};
use crate::support::memory::Memory;

#[kitfox::message(package = "till.v1")]
pub(super) struct Payment {
    pub(super) amount: u32,
}

#[kitfox::message(package = "till.v1")]
pub(super) struct Receipt {
    pub(super) number: u32,
}

#[kitfox::service(package = "till.v1")]
pub(super) trait Till {
    #[endpoint(post = "/v1/payments", idempotency_key)]
    async fn pay(&self, cx: &Context, payment: Payment) -> Result<Receipt, Error>;

    /// Never ends by itself.
    async fn watch(&self, cx: &Context, request: ()) -> Result<Streaming<Receipt>, Error>;
}

/// How many payments were made.
#[derive(Clone, Default)]
pub(super) struct Service(pub(super) Arc<AtomicUsize>);

impl Till for Service {
    async fn pay(&self, _: &Context, _: Payment) -> Result<Receipt, Error> {
        tokio::time::sleep(Duration::from_millis(100)).await;
        let before = self.0.fetch_add(1, Ordering::SeqCst);
        Ok(Receipt { number: u32::try_from(before).unwrap() + 1 })
    }

    async fn watch(&self, _: &Context, (): ()) -> Result<Streaming<Receipt>, Error> {
        let first = futures_util::stream::iter([Ok(Receipt { number: 0 })]);
        let more = futures_util::stream::pending();
        Ok(Streaming::new(futures_util::StreamExt::chain(first, more)))
    }
}

pub(super) const WAYS: [(Protocol, HttpVersion); 5] = [
    (Protocol::Connect, HttpVersion::Http1),
    (Protocol::Connect, HttpVersion::Http2),
    (Protocol::Grpc, HttpVersion::Http2),
    (Protocol::GrpcWeb, HttpVersion::Http1),
    (Protocol::GrpcWeb, HttpVersion::Http2),
];

/// A host of the till, and the way to it.
pub(super) struct Shop {
    pub(super) running: Running,
    pub(super) service: Service,
    pub(super) net: Memory,
}

impl Shop {
    pub(super) async fn open(with: impl FnOnce(Host) -> Host) -> Self {
        Shop::open_on(Memory::default(), with).await
    }

    pub(super) async fn open_on(net: Memory, with: impl FnOnce(Host) -> Host) -> Self {
        let service = Service::default();
        let host = Host::new("till").serve(TillServer::new(service.clone()));
        let host = host.platform(net.platform()).announce(false);
        let host = host.environment(kitfox::config::Environment::default());
        let running = with(host).start().await.unwrap();
        Shop { running, service, net }
    }

    pub(super) fn client(&self, (protocol, http): (Protocol, HttpVersion)) -> TillClient {
        let address = format!("http://{}", self.address());
        let channel = HttpChannel::builder(address).protocol(protocol).http(http);
        TillClient::new(&channel.platform(self.net.platform()).build().unwrap())
    }

    /// A client with the whole stack, which knows this host as the only replica.
    pub(super) fn stacked(
        &self,
        layer: impl Layer<BoxEndpoint> + Send + Sync + 'static,
    ) -> TillClient {
        let registry = StaticList::new().service("till", [self.address().to_string()]);
        let channel = ServiceChannel::builder("till", &registry)
            .http(|replica| replica.protocol(Protocol::Grpc))
            .layer(layer)
            .platform(self.net.platform());
        TillClient::new(&channel.build().unwrap())
    }

    /// By REST, in JSON; `head` are more header lines, each with its end.
    pub(super) async fn post(&self, head: &str, body: &str) -> Answer {
        use tokio::io::AsyncWriteExt;
        let mut connection = self.net.dial(self.address()).await.unwrap();
        let length = body.len();
        let request = format!(
            "POST /v1/payments HTTP/1.1\r\nhost: till\r\nconnection: close\r\n\
             content-type: application/json\r\ncontent-length: {length}\r\n{head}\r\n{body}"
        );
        connection.write_all(request.as_bytes()).await.unwrap();
        http::read(&mut connection).await
    }

    pub(super) fn payments(&self) -> usize {
        self.service.0.load(Ordering::SeqCst)
    }

    pub(super) fn address(&self) -> SocketAddr {
        self.running.address()
    }
}

/// Why a layer refused, as every wire says it.
pub(super) fn reason(error: &Error) -> String {
    let info = error.details().iter().find_map(Detail::decode::<ErrorInfo>);
    let info = info.unwrap_or_else(|| panic!("no reason: {error:?}"));
    assert_eq!(info.domain, "kitfox");
    info.reason
}
