//! What a record says of its call, on every wire.

use std::time::Duration;

use kitfox::contract::Shape;
use kitfox::record::{Side, Wire};
use kitfox::{BoxEndpoint, Channel, Context, Endpoint, Error, Method, Reply, Request, Streaming};
use tokio::time::Instant;

use super::rig::{Caller, PRINCIPAL, everywhere, three, two_and};
use crate::suite::rig::Rig;
use crate::suite::service::{Item, Puppet, Suite, SuiteClient, SuiteError};
use crate::suite::ways::Way;
use crate::support::memory::Memory;
use crate::support::witness::Seen;

/// How long the method takes.
const TIME: Duration = Duration::from_secs(1);

/// How much later timers may be heard.
const SLACK: Duration = Duration::from_millis(20);

fn path(shape: Shape) -> &'static str {
    match shape {
        Shape::Unary => "/suite.v1.Suite/One",
        Shape::ServerStream => "/suite.v1.Suite/Many",
        Shape::ClientStream => "/suite.v1.Suite/Gather",
        Shape::BothStream => "/suite.v1.Suite/Both",
    }
}

fn wire(way: Way) -> Wire {
    match way {
        Way::Local => Wire::Local,
        Way::Rest { .. } => Wire::Rest,
        Way::Http { protocol, .. } => match protocol {
            kitfox::Protocol::Grpc => Wire::Grpc,
            kitfox::Protocol::GrpcWeb => Wire::GrpcWeb,
            _ => Wire::Connect,
        },
    }
}

fn took_its_time(seen: &Seen, begun: Instant) {
    assert!(seen.started >= begun && seen.started < begun + SLACK, "{seen:?}");
    assert!(seen.duration >= TIME && seen.duration < TIME + SLACK, "{seen:?}");
}

#[tokio::test(start_paused = true)]
async fn start_duration_method_wire_peer_messages_and_bytes() {
    everywhere("start_duration_method_wire_peer_messages_and_bytes", async |rig, caller| {
        rig.puppet.behave(async |_, mut items| {
            while items.try_next().await?.is_some() {}
            tokio::time::sleep(TIME).await;
            Ok(Streaming::of(three()))
        });
        for shape in rig.shapes() {
            let begun = Instant::now();
            let answered = caller.ask(rig, shape).await.good().len() as u64;
            let told = caller.told(rig).await;
            let (served, made) = (&told.served, &told.made);
            for seen in [served, made] {
                took_its_time(seen, begun);
                assert_eq!(seen.method, path(shape));
            }
            assert_eq!(served.wire, wire(rig.way), "{shape:?}");
            let local = rig.way == Way::Local;
            let peer = (!local).then(|| "10.0.0.1:50000".parse().unwrap());
            assert_eq!(served.peer, peer, "{shape:?}");

            let asked = if shape.streams_in() { 3 } else { 1 };
            assert_eq!((made.sent.messages, made.received.messages), (asked, answered));
            assert!(made.sent.bytes >= asked && made.received.bytes >= answered, "{made:?}");
            if local {
                continue;
            }
            // What one end sent the other received, message by message and byte by byte, whatever
            // the wire does to them between.
            assert_eq!(served.sent, made.received, "{shape:?}");
            assert_eq!(served.received, made.sent, "{shape:?}");
        }
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn what_was_exchanged_before_a_stream_broke_off() {
    everywhere("what_was_exchanged_before_a_stream_broke_off", async |rig, caller| {
        rig.puppet.behave(async |_, _| Ok(two_and(async || Err(SuiteError::Empty))));
        for shape in rig.answering() {
            caller.ask(rig, shape).await.bad();
            let told = caller.told(rig).await;
            assert_eq!(told.made.received.messages, 2, "{shape:?}");
            if rig.way != Way::Local {
                assert_eq!(told.served.sent, told.made.received, "{shape:?}");
            }
        }
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn the_fields_that_user_code_adds_and_the_principal_that_a_layer_found() {
    everywhere("the_fields_that_user_code_adds", async |rig, caller| {
        rig.puppet.behave(async |cx, items| {
            cx.record("order", "4711");
            // A context of the same call has the same record.
            let later = cx.with_attempt(2);
            Ok(Streaming::produce(async move |answers| {
                let mut items = items;
                while let Some(item) = items.try_next().await? {
                    answers.send(item).await?;
                }
                later.record("late", "yes");
                Ok(())
            }))
        });
        let cx = caller.cx.with_header(PRINCIPAL, "alice").unwrap();
        for shape in rig.answering() {
            rig.ask(shape, &cx, three()).await.good();
            let told = caller.told(rig).await;
            let fields = [("order", "4711".to_owned()), ("late", "yes".to_owned())];
            assert_eq!(told.served.fields, fields, "{shape:?}");
            if rig.way != Way::Local {
                assert_eq!(told.served.principal.as_deref(), Some("alice"), "{shape:?}");
                assert_eq!(told.made.fields, [], "{shape:?}: they are the server's own");
                assert_eq!(told.made.principal, None, "{shape:?}");
            }
        }
    })
    .await;
}

/// A channel whose calls are third attempts.
struct Third<C>(C);

struct AsThird(BoxEndpoint);

impl<C: Channel> Channel for Third<C> {
    fn endpoint(&self, method: &'static Method) -> BoxEndpoint {
        BoxEndpoint::new(AsThird(self.0.endpoint(method)))
    }

    fn codec(&self) -> kitfox::message::Codec {
        self.0.codec()
    }
}

impl Endpoint for AsThird {
    async fn call(&self, mut request: Request) -> Result<Reply, Error> {
        request.context = request.context.with_attempt(3);
        self.0.call(request).await
    }
}

#[tokio::test(start_paused = true)]
async fn which_attempt_it_is() {
    for protocol in [kitfox::Protocol::Connect, kitfox::Protocol::Grpc, kitfox::Protocol::GrpcWeb] {
        let platform = Memory::default().platform();
        let rig = Rig::witnessed(Way::all()[1], &platform, |host| host).await;
        rig.puppet.behave(async |_, items| Ok(items));
        let channel = kitfox::HttpChannel::builder(format!("http://{}", rig.address()))
            .protocol(protocol)
            .platform(platform.clone());
        let client = SuiteClient::new(&Third(channel.build().unwrap()));
        let caller = Caller::default();
        client.one(&caller.cx, Item::numbered(1)).await.unwrap();
        let told = caller.told(&rig).await;
        assert_eq!((told.served.side, told.served.attempt), (Side::Server, 3), "{protocol:?}");
        assert_eq!(told.made.attempt, 1, "{protocol:?}: the call itself is one");
    }
}

#[tokio::test(start_paused = true)]
async fn a_call_that_a_method_makes_is_a_record_of_the_same_host() {
    let platform = Memory::default().platform();
    let callee = Puppet::default();
    callee.behave(async |_, items| Ok(items));
    let inner = SuiteClient::local(callee);
    let rig = Rig::witnessed(Way::all()[1], &platform, |host| host).await;
    rig.puppet.behave(move |cx, _| {
        let inner = inner.clone();
        async move { Ok(Streaming::of([inner.one(&cx, Item::numbered(2)).await?])) }
    });
    rig.ask(Shape::Unary, &Context::background(), three()).await.good();
    let sides: Vec<_> = rig.served.take().iter().map(|seen| seen.side).collect();
    assert_eq!(sides, [Side::Client, Side::Server], "the inner call is over first");
}
