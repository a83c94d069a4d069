//! A registry, a channel and real connections over HTTP/2 together: replicas that leave, and replicas
//! that cannot be connected to.

use std::collections::BTreeMap;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{self, Poll};
use std::time::Duration;

use futures_core::future::BoxFuture;
use kitfox::discovery::{Instance, Memory as Registry};
use kitfox::platform::{Connection, Listener, Net, Random};
use kitfox::{Context, Platform, Protocol, Running, ServiceChannel};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Instant, sleep};

use super::service::{
    Amount, Payments, PaymentsClient, PaymentsError, PaymentsServer, amount, host,
};
use crate::support::memory::Memory;

/// Nobody ever answers at addresses that begin so.
const SILENT: &str = "10.9.9.";

/// A network that takes 5 ms to connect, counts the connections of clients, and has addresses where connecting hangs.
#[derive(Clone, Default)]
struct Watched {
    net: Memory,
    open: Arc<Mutex<BTreeMap<String, usize>>>,
}

impl Watched {
    fn platform(&self) -> Platform {
        Platform::new(self.clone(), Random::seeded(3))
    }

    fn open(&self, address: SocketAddr) -> usize {
        self.open.lock().unwrap().get(&address.to_string()).copied().unwrap_or(0)
    }
}

impl Net for Watched {
    fn listen(&self, address: SocketAddr) -> BoxFuture<'_, io::Result<Box<dyn Listener>>> {
        self.net.listen(address)
    }

    fn connect<'a>(&'a self, authority: &'a str) -> BoxFuture<'a, io::Result<Connection>> {
        Box::pin(async move {
            if authority.starts_with(SILENT) {
                return std::future::pending().await;
            }
            sleep(Duration::from_millis(5)).await;
            let address = authority.parse().map_err(|_| io::ErrorKind::InvalidInput)?;
            let inner = self.net.dial(address).await?;
            *self.open.lock().unwrap().entry(authority.to_owned()).or_default() += 1;
            let counted = Counted { inner, to: authority.to_owned(), net: self.clone() };
            Ok(Connection::new(counted, address))
        })
    }
}

/// A connection that counts until it is closed.
struct Counted {
    inner: Connection,
    to: String,
    net: Watched,
}

impl Drop for Counted {
    fn drop(&mut self) {
        *self.net.open.lock().unwrap().get_mut(&self.to).unwrap() -= 1;
    }
}

impl AsyncRead for Counted {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut task::Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_read(cx, buffer)
    }
}

impl AsyncWrite for Counted {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut task::Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.inner).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut task::Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut task::Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_shutdown(cx)
    }
}

/// A replica whose quotes take no time, and whose charges take ten seconds.
struct Replica;

impl Payments for Replica {
    async fn quote(&self, _: &Context, request: Amount) -> Result<Amount, PaymentsError> {
        Ok(request)
    }

    async fn charge(&self, _: &Context, request: Amount) -> Result<Amount, PaymentsError> {
        sleep(Duration::from_secs(10)).await;
        Ok(request)
    }
}

async fn start(net: &Watched) -> Running {
    host(&net.net, "payments").serve(PaymentsServer::new(Replica)).start().await.unwrap()
}

fn instance(running: &Running) -> Instance {
    Instance::new(running.address().to_string())
}

fn channel(net: &Watched, registry: &Registry) -> ServiceChannel {
    let channel = ServiceChannel::builder("payments", registry).platform(net.platform());
    channel.http(|replica| replica.protocol(Protocol::Grpc)).build().unwrap()
}

#[tokio::test(start_paused = true)]
async fn a_replica_that_leaves_in_the_middle_of_a_call_finishes_it_and_then_its_connection_closes()
{
    let (net, registry) = (Watched::default(), Registry::new());
    let (leaves, stays) = (start(&net).await, start(&net).await);
    registry.set("payments", [instance(&leaves)]);
    let client = PaymentsClient::new(&channel(&net, &registry));
    let cx = Context::background();
    let begin = Instant::now();
    let leave = async {
        sleep(Duration::from_secs(1)).await;
        registry.set("payments", [instance(&stays)]);
        sleep(Duration::from_secs(1)).await;
        assert!(client.quote(&cx, amount()).await.is_ok());
        (net.open(leaves.address()), net.open(stays.address()))
    };
    let (answer, open) = tokio::join!(client.charge(&cx, amount()), leave);
    assert!(answer.is_ok(), "{:?}", answer.err());
    assert!((10..11).contains(&begin.elapsed().as_secs()), "{:?}", begin.elapsed());
    assert!(open.0 > 0 && open.1 > 0, "in the middle of the call: {open:?}");
    sleep(Duration::from_secs(1)).await;
    assert_eq!(net.open(leaves.address()), 0, "nobody holds it any more");
    assert!(net.open(stays.address()) > 0);
}

#[tokio::test(start_paused = true)]
async fn no_call_waits_for_a_replica_whose_connecting_hangs_beside_one_that_is_well() {
    for hangs in [1, 3] {
        let (net, registry) = (Watched::default(), Registry::new());
        let well = start(&net).await;
        let silent = (1..=hangs).map(|number| Instance::new(format!("{SILENT}{number}:80")));
        registry.set("payments", silent.chain([instance(&well)]));
        let client = PaymentsClient::new(&channel(&net, &registry));
        let cx = Context::background();
        // From the first one on, when nobody is connected to yet.
        for call in 0..200 {
            let begin = Instant::now();
            assert!(client.quote(&cx, amount()).await.is_ok(), "call {call}");
            assert!(begin.elapsed() < Duration::from_millis(50), "{call}: {:?}", begin.elapsed());
            sleep(Duration::from_millis(100)).await;
        }
    }
}
