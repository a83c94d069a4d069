//! Requests that reach no method are told of here: no such path, a body that is too large or torn, a
//! caller who leaves before the message is whole, bytes that are no request at all.
//!
//! What an application beside the services answers is its own business, and a browser's question
//! what a page may is no call.

use http::Response;
use kitfox_core::record::{Edge, Wire};
use kitfox_core::{Code, Context, Error, Peer, Platform};
use tokio::time::Instant;

use super::body::AnswerBody;
use super::call::Surroundings;
use super::content::Content;
use super::refusal::{Refusal, WIRE};
use super::step::{Rest, Step};

/// A request that reaches no method, as far as it is known.
#[derive(Clone, Copy)]
pub(super) struct Lost<'a> {
    pub(super) wire: Option<Wire>,
    pub(super) peer: Option<&'a Peer>,
    pub(super) verb: &'a str,
}

impl<'a> Lost<'a> {
    /// Refuses it.
    #[cold]
    pub(super) fn refused<'step, E, B>(
        self,
        surroundings: &Surroundings,
        refusal: &Refusal,
        response: Response<AnswerBody>,
        rest: Rest,
    ) -> Step<'step, E, B> {
        self.tell(&surroundings.platform, None, Some((refusal, &response)));
        Step::refused(response, rest)
    }

    /// Of a call that has a context.
    fn of(context: &'a Context) -> Self {
        let verb = context.route().map_or("POST", |route| route.verb.name());
        Lost { wire: Some(context.wire()), peer: context.peer(), verb }
    }

    fn tell(
        self,
        platform: &Platform,
        started: Option<Instant>,
        answer: Option<(&Refusal, &Response<AnswerBody>)>,
    ) {
        let Some(observer) = platform.observer() else { return };
        let Lost { wire, peer, verb } = self;
        let error = answer.map(|(refusal, _)| &refusal.error);
        let status = answer.map(|(_, response)| response.status().as_u16());
        observer.edge(&Edge { wire, peer, verb, status, error, started });
    }
}

/// A call whose message is being read. Dropping it says that its caller left.
pub(super) struct Arriving<'a>(Option<&'a Context>);

impl<'a> Arriving<'a> {
    pub(super) fn new(context: &'a Context) -> Self {
        Arriving(Some(context))
    }

    /// The message is there, and the rest is the method's business.
    pub(super) fn arrived(mut self) {
        self.0 = None;
    }

    /// There will be no message.
    #[cold]
    pub(super) fn lost(
        mut self,
        refusal: &Refusal,
        response: Response<AnswerBody>,
    ) -> Response<AnswerBody> {
        if let Some(context) = self.0.take() {
            let answer = Some((refusal, &response));
            Lost::of(context).tell(&context.platform(), context.started(), answer);
        }
        response
    }
}

impl Drop for Arriving<'_> {
    fn drop(&mut self) {
        if let Some(context) = self.0 {
            left(context);
        }
    }
}

#[cold]
fn left(context: &Context) {
    Lost::of(context).tell(&context.platform(), context.started(), None);
}

/// A request that is none: nobody knows what it wanted.
#[cold]
pub(super) fn garbled(platform: &Platform, peer: &Peer, status: u16) {
    let Some(observer) = platform.observer() else { return };
    let message = match status {
        431 => "the head of the request is larger than the limit",
        _ => "the bytes are no request of HTTP/1.1",
    };
    let error = Error::by_layer(WIRE, Code::InvalidArgument, message);
    observer.edge(&Edge {
        wire: None,
        peer: Some(peer),
        verb: "_OTHER",
        status: Some(status),
        error: Some(&error),
        started: None,
    });
}

/// The wire that a content type speaks of.
pub(super) fn wire_of(content: Content) -> Option<Wire> {
    match content {
        Content::Missing | Content::Unknown => None,
        Content::Message(_) | Content::Stream(_) => Some(Wire::Connect),
        Content::Grpc(_) | Content::UnknownGrpc => Some(Wire::Grpc),
        Content::Web(_) => Some(Wire::GrpcWeb),
    }
}
