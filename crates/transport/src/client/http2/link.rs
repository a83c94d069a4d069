//! One HTTP/2 connection: how it is opened, what a call does on it, and what keeps it running.

use std::future::poll_fn;
use std::sync::{Arc, OnceLock};
use std::task::{Context as TaskContext, Poll, ready};
use std::time::Duration;

use bytes::{Buf, Bytes};
use h2::client::{Builder, Connection, ResponseFuture, SendRequest};
use h2::{Ping, PingPong, Reason, RecvStream, SendStream};
use http::{Request, Response};
use http_body::Frame;
use kitfox_core::{Code, Error, Origin, Platform, Recovery, platform};
use tokio::sync::Semaphore;
use tokio::time::{sleep, timeout};

use super::load::{FIRST, Load};
use crate::client::ChannelLimits;
use crate::client::address::Address;
use crate::client::failure::{Failure, Refused, plainly};
use crate::client::outgoing::Outgoing;
use crate::serve::cork::{Cork, Corked, Waiting, cork};

/// How much a server may send of one answer before it is read.
const STREAM_WINDOW: u32 = 1024 * 1024;
/// How much a server may send of all answers before they are read.
const CONNECTION_WINDOW: u32 = 4 * 1024 * 1024;

const HINT: &str = "does it speak HTTP/2 without TLS? Otherwise choose `HttpVersion::Http1`";

/// A connection, for those who call over it.
#[derive(Debug)]
pub(super) struct Link {
    peer: Box<str>,
    send: SendRequest<Outgoing>,
    load: Arc<Load>,
    /// Why the connection is over, once it is.
    ended: Arc<OnceLock<String>>,
    header_bytes: usize,
}

/// A connection, for the task that keeps it running.
pub(super) struct Running {
    connection: Connection<Corked<platform::Connection>, Outgoing>,
    cork: Cork<platform::Connection>,
    pings: PingPong,
    ended: Arc<OnceLock<String>>,
}

/// A place on a connection for one call.
#[derive(Debug)]
pub(super) struct Slot(Arc<Link>);

/// Connects within the limit for it.
pub(super) async fn connect(
    address: &Address,
    platform: &Platform,
    limits: &ChannelLimits,
    free: &Arc<Semaphore>,
) -> Result<(Arc<Link>, Running), Refused> {
    let peer = &address.target;
    let io = address.connect(platform, limits.connect_timeout).await?;
    let (io, cork) = cork(io, Waiting::Never);
    let header_bytes = u32::try_from(limits.header_bytes).unwrap_or(u32::MAX);
    // Writes the preface and reads nothing: a server that answers with something else is found out
    // by the first call.
    let handshake = Builder::new()
        .enable_push(false)
        .initial_window_size(STREAM_WINDOW)
        .initial_connection_window_size(CONNECTION_WINDOW)
        .initial_max_send_streams(FIRST)
        .max_header_list_size(header_bytes)
        .handshake(io);
    let shaken = timeout(limits.connect_timeout, handshake).await;
    let (send, mut connection) = shaken
        .map_err(|_| Refused::silent(peer, limits.connect_timeout))?
        .map_err(|cause| Refused(format!("could not speak HTTP/2 with {peer}: {cause}")))?;
    let pings = connection.ping_pong().expect("asked for once");
    let ended = Arc::new(OnceLock::new());
    let link = Link {
        peer: peer.clone(),
        send,
        load: Arc::new(Load::new(limits.streams, Arc::clone(free))),
        ended: Arc::clone(&ended),
        header_bytes: limits.header_bytes,
    };
    Ok((Arc::new(link), Running { connection, cork, pings, ended }))
}

impl Slot {
    /// A place that was taken on `link`.
    pub(super) fn new(link: Arc<Link>) -> Self {
        Slot(link)
    }

    pub(super) fn load(&self) -> &Arc<Load> {
        &self.0.load
    }

    /// Sends a call whose message is there already. Dropping the answer that is to come resets the
    /// stream.
    pub(super) fn send(
        &self,
        head: Request<()>,
        body: Outgoing,
    ) -> Result<ResponseFuture, Failure> {
        let (response, stream) = self.begin(head, !body.has_remaining())?;
        if let Some(mut stream) = stream {
            // The message is in memory already, so that waiting for the server's window before
            // handing it over would save nothing. Where this fails, the stream is over and the
            // answer says why.
            let _ = stream.send_data(body, true);
        }
        Ok(response)
    }

    /// Sends the head of a call, and what it sends after that, unless it is the whole.
    pub(super) fn begin(
        &self,
        head: Request<()>,
        whole: bool,
    ) -> Result<(ResponseFuture, Option<SendStream<Outgoing>>), Failure> {
        let sent = self.0.send.clone().send_request(head, whole);
        let (response, stream) =
            sent.map_err(|cause| Failure::unsent(&self.0.peer, self.0.why(&cause)))?;
        Ok((response, (!whole).then_some(stream)))
    }

    /// Waits for the head of the answer.
    pub(super) async fn head(
        &self,
        response: ResponseFuture,
    ) -> Result<Response<RecvStream>, Failure> {
        response.await.map_err(|cause| self.0.failure(&cause))
    }
}

/// The body of an answer. What was read makes room for more.
#[derive(Debug)]
pub(in crate::client) struct Incoming {
    body: RecvStream,
    slot: Slot,
}

impl Incoming {
    pub(super) fn new(body: RecvStream, slot: Slot) -> Self {
        Incoming { body, slot }
    }

    pub(in crate::client) fn poll_frame(
        &mut self,
        cx: &mut TaskContext<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        let Incoming { body, slot } = self;
        let link = &*slot.0;
        if let Some(chunk) = ready!(body.poll_data(cx)) {
            let chunk = chunk.map_err(|cause| link.failure(&cause).error)?;
            // Fails only when the stream is over, which the next read says.
            let _ = body.flow_control().release_capacity(chunk.len());
            return Poll::Ready(Some(Ok(Frame::data(chunk))));
        }
        let trailers = ready!(body.poll_trailers(cx));
        let trailers = trailers.map_err(|cause| link.failure(&cause).error).transpose();
        Poll::Ready(trailers.map(|trailers| trailers.map(Frame::trailers)))
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        self.0.load.give_back();
    }
}

impl Link {
    pub(super) fn load(&self) -> &Arc<Load> {
        &self.load
    }

    fn failure(&self, cause: &h2::Error) -> Failure {
        let peer = &self.peer;
        if cause.is_remote() && cause.is_go_away() {
            // h2 ends so only the streams above the last one that the server takes.
            return Failure::unsent(peer, describe(cause));
        }
        if cause.is_remote() && cause.is_reset() {
            return self.reset(cause.reason().unwrap_or(Reason::INTERNAL_ERROR)).into();
        }
        if cause.is_library() && cause.is_reset() {
            return Failure::unreadable(peer, self.header_bytes);
        }
        // Headers so large, or so often too large, that h2 gives up the connection rather than read
        // them to their end. Whose they were it does not tell, so that no call is tried again.
        let gives_up = [Reason::ENHANCE_YOUR_CALM, Reason::COMPRESSION_ERROR];
        if cause.is_library() && cause.reason().is_some_and(|reason| gives_up.contains(&reason)) {
            return Failure::head_too_large(peer, self.header_bytes);
        }
        if cause.is_library() {
            return Failure::garbage(peer, describe(cause), HINT);
        }
        match self.ended.get() {
            Some(why) => Failure::broken(peer, why),
            None => Failure::broken(peer, describe(cause)),
        }
    }

    /// What the server means by resetting a call: gRPC's table ("HTTP2 Transport Mapping").
    fn reset(&self, reason: Reason) -> Error {
        let peer = &self.peer;
        let (code, recovery) = match reason {
            Reason::REFUSED_STREAM => (Code::Unavailable, Recovery::NeverProcessed),
            Reason::CANCEL => (Code::Canceled, Recovery::No),
            Reason::ENHANCE_YOUR_CALM => (Code::ResourceExhausted, Recovery::No),
            Reason::INADEQUATE_SECURITY => (Code::PermissionDenied, Recovery::No),
            _ => (Code::Internal, Recovery::No),
        };
        let message = match reason {
            Reason::REFUSED_STREAM => format!("{peer} refused the call without looking at it"),
            _ => format!("{peer} reset the call: {}", reason.description()),
        };
        Error::new(code, message).with_origin(Origin::Transport).with_recovery(recovery)
    }

    fn why(&self, cause: &h2::Error) -> String {
        self.ended.get().cloned().unwrap_or_else(|| describe(cause))
    }
}

impl Running {
    /// Runs the connection to its end, and asks now and then whether the server lives.
    pub(super) async fn run(self, load: &Load, keep_alive: Duration) {
        let Running { mut connection, cork, pings, ended } = self;
        // Messages of several calls that are ready together leave in one write.
        let running = cork.around(poll_fn(|cx| {
            let polled = std::pin::Pin::new(&mut connection).poll(cx);
            load.follow(connection.max_concurrent_send_streams());
            polled
        }));
        let why = tokio::select! {
            biased;
            outcome = running => match outcome {
                Ok(()) => "the server closed it".to_owned(),
                Err(cause) => describe(&cause),
            },
            () = unanswered(pings, load, keep_alive) => {
                format!("the server did not answer a ping within {keep_alive:?}")
            }
        };
        // The calls on the connection end when it is dropped, and find this.
        let _ = ended.set(why);
    }
}

/// Resolves when a ping was not answered in time.
async fn unanswered(mut pings: PingPong, load: &Load, interval: Duration) {
    loop {
        sleep(interval).await;
        if load.idle() {
            continue;
        }
        match timeout(interval, pings.ping(Ping::opaque())).await {
            Ok(Ok(_)) => {}
            // The connection itself knows better what is wrong, unless its last bytes find no way out.
            Ok(Err(_)) => return sleep(interval).await,
            Err(_) => return,
        }
    }
}

fn describe(cause: &h2::Error) -> String {
    if let Some(io) = cause.get_io() {
        return plainly(io);
    }
    match cause.reason() {
        Some(Reason::NO_ERROR) => "the server is going away".to_owned(),
        Some(reason) if cause.is_remote() => {
            format!("the server ended it: {}", reason.description())
        }
        Some(reason) => reason.description().to_owned(),
        None => cause.to_string(),
    }
}
