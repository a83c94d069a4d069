//! A service as a value, and what its client calls.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use futures_core::future::BoxFuture;
use pin_project_lite::pin_project;

use crate::contract::{Contract, Method};
use crate::layers::{Deadline, DeadlineEndpoint, Recording, RecordingEndpoint, ServerStack};
use crate::message::Codec;
use crate::{BoxEndpoint, Endpoint, Error, Layer, Reply, Request};

/// A service ready to be served: its contract, and an endpoint for each method.
///
/// `#[kitfox::service]` implements it for the server it makes of a trait.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is no service that can be served",
    label = "no service",
    note = "an implementation of a trait under #[kitfox::service] goes into the server made of that trait: `.serve(StringsServer::new(..))` for `trait Strings`"
)]
pub trait Service: Send + Sync + 'static {
    /// What it offers.
    fn contract(&self) -> &'static Contract;

    /// Its methods in the order of the contract: they decode, call the trait, and encode.
    fn endpoints(&self) -> Vec<BoxEndpoint>;
}

/// A way to a service: a wire to one server, a balancer over many, the service itself.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is no way to a service",
    label = "no channel",
    note = "`HttpChannel::new(\"http://127.0.0.1:8080\")?` makes one; a client in the process of its service is made of that: `StringsClient::local(..)` for `trait Strings`"
)]
pub trait Channel {
    /// The endpoint that sends calls of `method` on their way. Called once for each method.
    ///
    /// A channel that puts calls on a wire records each as an attempt
    /// ([`AttemptRecording`](crate::layers::AttemptRecording)); one that sends them on by
    /// other channels, or several times, leaves that to those.
    fn endpoint(&self, method: &'static Method) -> BoxEndpoint;

    /// The same with what stands around every call of a client, its record and the deadline of its
    /// caller; none where the client is to put these around [`Channel::endpoint`] itself.
    fn client_endpoint(&self, method: &'static Method) -> Option<BoxEndpoint> {
        let _ = method;
        None
    }

    /// How messages are encoded on the way.
    fn codec(&self) -> Codec;
}

/// The calling half of a service, for each method one endpoint: what the clients that
/// `#[kitfox::service]` makes hold. Cloning shares it.
#[derive(Clone, Debug)]
pub struct Client {
    endpoints: Arc<[ClientEndpoint]>,
    codec: Codec,
}

impl Client {
    /// A client of `contract` by way of `channel`.
    #[must_use]
    pub fn new(contract: &'static Contract, channel: &impl Channel) -> Self {
        let recording = Recording::client();
        let endpoints = contract.methods.iter().map(|method| {
            if let Some(whole) = channel.client_endpoint(method) {
                return ClientEndpoint(Way::Whole(whole));
            }
            let endpoint = Deadline.layer(method, channel.endpoint(method));
            ClientEndpoint(Way::Channel(recording.layer(method, endpoint)))
        });
        Client { endpoints: endpoints.collect(), codec: channel.codec() }
    }

    /// A client of a service in this process. Messages are encoded on the way as they are on a
    /// wire, and the server's stack is around the service, so that what holds here holds there.
    #[must_use]
    pub fn local(service: &impl Service) -> Self {
        let methods = service.contract().methods;
        // One process, one call: it is recorded as the caller's.
        let recording = Recording::client();
        let endpoints = methods.iter().zip(service.endpoints()).map(|(method, endpoint)| {
            let stack = ServerStack::recorded(method, endpoint, &recording);
            ClientEndpoint(Way::Whole(BoxEndpoint::new(stack)))
        });
        Client { endpoints: endpoints.collect(), codec: Codec::Protobuf }
    }

    /// The endpoint of the method at `index` in the contract.
    #[must_use]
    pub fn endpoint(&self, index: usize) -> &ClientEndpoint {
        &self.endpoints[index]
    }

    /// How messages are encoded on the way.
    #[must_use]
    pub fn codec(&self) -> Codec {
        self.codec
    }
}

/// A method of a [`Client`]: recorded, held to the deadline of its caller, and sent on its way. Its
/// calls are in no box of their own.
#[derive(Debug)]
pub struct ClientEndpoint(Way);

#[derive(Debug)]
enum Way {
    Channel(RecordingEndpoint<DeadlineEndpoint<BoxEndpoint>>),
    Whole(BoxEndpoint),
}

impl Endpoint for ClientEndpoint {
    fn call(&self, request: Request) -> impl Future<Output = Result<Reply, Error>> + Send {
        match &self.0 {
            Way::Channel(endpoint) => Calling::Channel { call: endpoint.call(request) },
            Way::Whole(endpoint) => Calling::Whole { call: endpoint.call_boxed(request) },
        }
    }
}

pin_project! {
    #[project = CallingProjection]
    enum Calling<'a, F> {
        Channel { #[pin] call: F },
        Whole { call: BoxFuture<'a, Result<Reply, Error>> },
    }
}

impl<F: Future<Output = Result<Reply, Error>>> Future for Calling<'_, F> {
    type Output = Result<Reply, Error>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        match self.project() {
            CallingProjection::Channel { call } => call.poll(cx),
            CallingProjection::Whole { call } => call.as_mut().poll(cx),
        }
    }
}
