//! What the loops stand on: a platform, contexts, endpoints that do nothing, and a client over them.

use std::future::poll_fn;
use std::hint::black_box;
use std::pin::pin;
use std::task::{Context as TaskContext, Poll, Waker};
use std::time::Duration;

use bytes::Bytes;
use kitfox::discovery::{Connect, Instance, Line, StaticList, SteadyLine};
use kitfox::layers::AttemptRecording;
use kitfox::message::Codec;
use kitfox::record::Wire;
use kitfox::telemetry::{Background, Telemetry, TelemetrySettings};
use kitfox::{
    BoxEndpoint, Channel, Client, Context, Endpoint, Error, Incoming, Layer, Method, Payload, Peer,
    Platform, Reply, Request, Service, ServiceChannel,
};
use strings::{StringsClient, StringsServer};
use tokio::time::Instant;

use crate::failure::{Failure, While};

/// Where the calls of a client are recorded.
pub(super) struct Ground {
    pub(super) platform: Platform,
    _background: Background,
}

impl Ground {
    pub(super) fn new() -> Self {
        let (platform, telemetry) = (platform(), Telemetry::new(TelemetrySettings::default()));
        let _background = telemetry.start(&platform, Box::new(tokio::io::sink()));
        Ground { platform, _background }
    }

    /// Calls as a client makes them, within a call that is recorded.
    pub(super) fn calls(&self, times: usize, endpoint: &impl Endpoint) {
        (0..times).for_each(|_| call_within(&self.platform, endpoint));
    }
}

fn call_within(platform: &Platform, endpoint: &impl Endpoint) {
    let payload = Payload::unary(Codec::Protobuf, Bytes::new());
    let request = Request::new(context(platform).outgoing(), payload);
    let mut call = pin!(endpoint.call(request));
    let mut cx = TaskContext::from_waker(Waker::noop());
    let answer = loop {
        if let Poll::Ready(answer) = call.as_mut().poll(&mut cx) {
            break answer;
        }
    };
    assert!(black_box(answer).is_ok());
}

/// The client's stack of the default settings, over so many replicas. What records
/// the attempts at one is bound by a first call: of a thousand, some would have theirs late.
pub(super) async fn client(
    replicas: usize,
    replica: impl Endpoint + Clone,
    platform: &Platform,
) -> Result<Client, Failure> {
    struct Replica<E>(Platform, E);

    impl<E: Endpoint + Clone> Channel for Replica<E> {
        fn endpoint(&self, method: &'static Method) -> BoxEndpoint {
            // In one box, as `HttpChannel` does it; the base has one, too.
            let endpoint = BoxEndpoint::new(AttemptRecording.layer(method, self.1.clone()));
            call_within(&self.0, &endpoint);
            endpoint
        }

        fn codec(&self) -> Codec {
            Codec::Protobuf
        }
    }

    impl<E: Endpoint + Clone> Connect for Replica<E> {
        fn connect(&self, _: &Instance) -> Result<Box<dyn Line>, Error> {
            Ok(Box::new(SteadyLine(Replica(self.0.clone(), self.1.clone()))))
        }

        fn codec(&self) -> Codec {
            Codec::Protobuf
        }
    }

    let addresses = (0..replicas).map(|number| format!("replica-{number}:80"));
    let registry = StaticList::new().service("strings", addresses);
    let replica = Replica(platform.clone(), replica);
    let channel = ServiceChannel::builder("strings", &registry).connect(replica).build();
    let channel = channel.failed_while("making a channel to replicas")?;
    while channel.replicas().len() < replicas {
        tokio::task::yield_now().await;
    }
    Ok(Client::new(StringsClient::CONTRACT, &channel))
}

/// An endpoint that is there at once.
#[derive(Clone)]
pub(super) struct Nothing;

impl Endpoint for Nothing {
    async fn call(&self, _: Request) -> Result<Reply, Error> {
        Ok(Reply::new(Payload::unary(Codec::Json, Bytes::new())))
    }
}

/// An endpoint that is there at the second look, as one behind a wire is.
#[derive(Clone)]
pub(super) struct Late;

impl Endpoint for Late {
    async fn call(&self, request: Request) -> Result<Reply, Error> {
        let mut looked = false;
        poll_fn(|_| match std::mem::replace(&mut looked, true) {
            true => Poll::Ready(()),
            false => Poll::Pending,
        })
        .await;
        Nothing.call(request).await
    }
}

pub(super) fn nothing() -> BoxEndpoint {
    BoxEndpoint::new(Nothing)
}

pub(super) fn method() -> &'static Method {
    let contract = StringsServer::new(strings::Service).contract();
    contract.methods.first().expect("the service of the example has methods")
}

pub(super) fn platform() -> Platform {
    Platform::system()
}

/// A call as the wires make it.
pub(super) fn context(platform: &Platform) -> Context {
    let now = Instant::now();
    Context::incoming(Incoming {
        platform: Some(platform.clone()),
        peer: Some(Peer::new(([127, 0, 0, 1], 43210).into())),
        started: Some(now),
        deadline: Some(now + Duration::from_secs(30)),
        wire: Wire::Rest,
        ..Incoming::default()
    })
}
