use std::future::Future;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_core::future::BoxFuture;
use http::{Request, Response};
use http_body::Body;
use http_body_util::{BodyExt, Full};
use hyper::client::conn::http2::SendRequest;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use kitfox_core::platform::{Connection, Listener, Random, Task, Tcp};
use kitfox_core::{Peer, Platform};
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream};
use tokio::sync::{Semaphore, mpsc};
use tokio::task::coop::consume_budget;

use crate::serve::{Acceptor, Drain, Ended, serve};
use crate::{Handler, Limits};

/// Answers by path: `/unread` without reading the body, `/wait` when it is told to, `/panic` never,
/// `/large` much, `/empty` nothing, `/busy` after all that a task may do in a turn, else the path, the
/// peer's port and the body.
#[derive(Clone, Debug)]
pub(super) struct Echo {
    pub(super) told: Arc<Semaphore>,
}

impl Handler for Echo {
    type Body = Full<Bytes>;

    async fn handle<B>(&self, peer: &Peer, request: Request<B>) -> Response<Full<Bytes>>
    where
        B: Body<Data = Bytes, Error: Into<Box<dyn std::error::Error + Send + Sync>>>
            + Send
            + 'static,
    {
        let path = request.uri().path().to_owned();
        if path == "/unread" {
            return Response::builder().header("connection", "close").body(path.into()).unwrap();
        }
        let Ok(body) = request.into_body().collect().await else {
            return Response::new(Full::default());
        };
        match path.as_str() {
            "/wait" => self.told.acquire().await.unwrap().forget(),
            "/panic" => panic!("on purpose"),
            "/busy" => {
                for _ in 0..200 {
                    consume_budget().await;
                }
            }
            "/empty" => return Response::new(Full::default()),
            "/large" => return Response::new(Full::new(vec![b'x'; 1 << 20].into())),
            _ => {}
        }
        let body = String::from_utf8_lossy(&body.to_bytes()).into_owned();
        Response::new(Full::new(format!("{path} {} {body}", peer.address().port()).into()))
    }
}

/// A port in memory.
pub(super) struct TestPort {
    accepts: mpsc::UnboundedSender<io::Result<Connection>>,
    pub(super) told: Arc<Semaphore>,
    pub(super) drain: Drain,
    pub(super) platform: Platform,
    pub(super) ended: Task<Ended>,
}

struct Queue(mpsc::UnboundedReceiver<io::Result<Connection>>);

impl Listener for Queue {
    fn local_address(&self) -> io::Result<std::net::SocketAddr> {
        Ok(([127, 0, 0, 1], 80).into())
    }

    fn accept(&mut self) -> BoxFuture<'_, io::Result<Connection>> {
        Box::pin(async {
            match self.0.recv().await {
                Some(accepted) => accepted,
                None => std::future::pending().await,
            }
        })
    }
}

/// A port with the default limits.
pub(super) fn port() -> TestPort {
    port_with(|_| {})
}

/// A port whose limits `change` has changed.
pub(super) fn port_with(change: impl FnOnce(&mut Limits)) -> TestPort {
    let mut limits = Limits::default();
    change(&mut limits);
    let platform = Platform::new(Tcp, Random::seeded(7));
    let (accepts, queue) = mpsc::unbounded_channel();
    let (drain, told) = (Drain::new(), Arc::new(Semaphore::new(0)));
    let handler = Echo { told: Arc::clone(&told) };
    let (queue, plain) = (Box::new(Queue(queue)), Acceptor::Plain);
    let port = serve(queue, plain, handler, limits, platform.clone(), drain.clone());
    let ended = platform.tasks().spawn(port);
    TestPort { accepts, told, drain, platform, ended }
}

impl TestPort {
    /// A peer's end of a new connection.
    pub(super) fn connect(&self) -> Client {
        let (ours, theirs) = tokio::io::duplex(16 * 1024);
        let accepted = Connection::new(theirs, ([127, 0, 0, 1], 4711).into());
        self.accepts.send(Ok(accepted)).unwrap();
        Client(ours)
    }

    pub(super) fn fail_accept(&self, kind: io::ErrorKind) {
        self.accepts.send(Err(kind.into())).unwrap();
    }

    /// A new connection that speaks HTTP/2.
    pub(super) async fn connect_http2(&self) -> (SendRequest<Full<Bytes>>, Task<()>) {
        let (sender, connection) = hyper::client::conn::http2::Builder::new(TokioExecutor::new())
            .timer(TokioTimer::new())
            .handshake(TokioIo::new(self.connect().0))
            .await
            .unwrap();
        let gone = self.platform.tasks().spawn(async { connection.await.unwrap_or(()) });
        (sender, gone)
    }
}

/// The bare bytes of a connection.
pub(super) struct Client(pub(super) DuplexStream);

impl Client {
    pub(super) async fn send(&mut self, text: &str) {
        self.0.write_all(text.as_bytes()).await.unwrap();
    }

    /// One whole answer, which must have a length.
    pub(super) async fn answer(&mut self) -> String {
        let mut answer = Vec::new();
        loop {
            answer.push(self.0.read_u8().await.unwrap());
            let text = String::from_utf8_lossy(&answer);
            let Some((head, body)) = text.split_once("\r\n\r\n") else {
                continue;
            };
            let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
            if body.len() >= length.map_or(0, |length| length.parse().unwrap()) {
                return text.into_owned();
            }
        }
    }

    pub(super) async fn ask(&mut self, path: &str) -> String {
        self.send(&format!("GET {path} HTTP/1.1\r\n\r\n")).await;
        self.answer().await
    }

    /// What still comes before the connection ends.
    pub(super) async fn rest(&mut self) -> String {
        let mut rest = Vec::new();
        // A reset is an end, too.
        let _ = self.0.read_to_end(&mut rest).await;
        String::from_utf8(rest).unwrap()
    }
}

pub(super) fn get(path: &str) -> Request<Full<Bytes>> {
    Request::get(format!("http://test{path}")).body(Full::default()).unwrap()
}

pub(super) async fn text(response: Response<hyper::body::Incoming>) -> String {
    let body = response.into_body().collect().await.unwrap().to_bytes();
    String::from_utf8(body.to_vec()).unwrap()
}

/// Lets everything that is ready run.
pub(super) async fn settle() {
    for _ in 0..32 {
        tokio::task::yield_now().await;
    }
}

/// Runs `future` as a task of the port's.
pub(super) fn task<F>(port: &TestPort, future: F) -> Task<F::Output>
where
    F: Future<Output: Send + 'static> + Send + 'static,
{
    port.platform.tasks().spawn(future)
}

pub(super) const fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}
