//! What a person sees.

use std::time::Duration;

use kitfox_core::record::{Edge, Outcome, Record, Side, Ticket, Volume, Wire};
use kitfox_core::{Code, Context, Error, Incoming, Method, Origin, Peer, RecordField};

use super::tests::written;
use super::*;

static METHOD: Method =
    Method::unary("strings.v1.Strings", "Uppercase", "/strings.v1.Strings/Uppercase");

/// A short life of a service, as its log tells it.
struct Life {
    logs: Logs,
    /// 2026-11-24T08:25:04.123456Z, and on.
    now: u64,
}

impl Life {
    fn say(
        &mut self,
        level: Level,
        target: &'static str,
        message: &str,
        fields: impl Fn(&mut Line<'_>),
    ) {
        self.now += 1_370_000;
        self.logs.line(level, self.now, target, |line| {
            line.message(message);
            fields(line);
        });
    }

    fn call(&mut self, side: Side, wire: Wire, took: Duration, outcome: Outcome<'_>) {
        self.now += 2_110_000;
        let cx = Context::incoming(Incoming {
            peer: (side == Side::Server).then(|| Peer::new("10.1.2.3:50412".parse().unwrap())),
            wire,
            trace: Some(trace()),
            ..Incoming::default()
        });
        let record = Record {
            context: &cx,
            ticket: Ticket(0),
            started: Instant::now(),
            nanos: u64::try_from(took.as_nanos()).unwrap(),
            sampled: cx.is_sampled(),
            outcome,
            received: Volume::one(17),
            sent: Volume { messages: if wire == Wire::GrpcWeb { 3 } else { 1 }, bytes: 29 },
        };
        let fields = [RecordField { name: "order", value: "4711".into() }];
        let access = Access::of(side, &record);
        self.logs.calls(side, &METHOD).write(&access, &record, &fields, self.now);
    }
}

/// Requests that reach no method: one of a route that there is not, one that is none, and one whose
/// caller went away after a while.
fn edges(life: &mut Life) {
    let peer = Peer::new("10.1.2.3:50412".parse().unwrap());
    let nothing = Error::by_layer("wire", Code::NotFound, "there is no route `GET /nope`");
    let garbage = Error::by_layer("wire", Code::InvalidArgument, "the bytes are no request");
    for (wire, verb, status, error, took) in [
        (Some(Wire::Rest), "GET", Some(404), Some(&nothing), None),
        (None, "_OTHER", Some(400), Some(&garbage), None),
        (Some(Wire::Grpc), "POST", None, None, Some(Duration::from_millis(20))),
    ] {
        life.now += 1_000_000;
        let (started, peer) = (None, Some(&peer));
        life.logs.edge(&Edge { wire, peer, verb, status, error, started }, took, life.now);
    }
}

fn trace() -> kitfox_core::TraceContext {
    "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01".parse().unwrap()
}

fn life(form: Form) -> String {
    let now = 1_795_508_704_123_456_789;
    let mut life = Life { logs: Logs::in_form(form, LogSettings::default()), now };
    let millis = Duration::from_millis;
    life.say(Level::INFO, "kitfox::host", "the host is ready", |line| {
        line.text("listen", "0.0.0.0:8080");
        line.text("admin", "127.0.0.1:9090");
    });
    life.say(Level::DEBUG, "shop::db::pool", "a connection was opened", |line| {
        line.number("connections", 3);
    });
    let answered = Outcome::Answered(None);
    life.call(Side::Server, Wire::Rest, Duration::from_micros(843), answered);
    life.say(Level::INFO, "shop::cart", "the cart is full", |line| {
        line.number("items", 100);
        line.text("customer", "Ada Lovelace");
        line.trace(&trace());
    });
    life.call(Side::Server, Wire::Grpc, millis(12), answered);
    let missing = Error::new(Code::NotFound, "there is no order 4711");
    life.call(Side::Server, Wire::Connect, millis(3), Outcome::Failed(&missing));
    let late = Error::by_layer("deadline", Code::DeadlineExceeded, "the deadline has passed");
    life.call(Side::Server, Wire::Grpc, millis(250), Outcome::Failed(&late));
    let refused = Error::by_layer("rate limit", Code::ResourceExhausted, "100 calls a second");
    life.call(Side::Client, Wire::Grpc, millis(1), Outcome::Failed(&refused));
    let panic = Error::by_layer("panic barrier", Code::Internal, "index out of bounds");
    life.call(Side::Server, Wire::Rest, millis(1), Outcome::Failed(&panic));
    life.call(Side::Server, Wire::GrpcWeb, millis(1_503), Outcome::Dropped);
    life.say(
        Level::WARN,
        "shop::db::pool",
        "the pool is nearly empty, and everybody waits for it",
        |line| {
            line.number("left", 2);
            line.debug("error", &"no route\n\u{1b}[2Jto host");
        },
    );
    life.say(Level::TRACE, "shop::cart", "", |_| {});
    edges(&mut life);
    let refused = Error::new(Code::Unavailable, "card declined").with_origin(Origin::Peer);
    life.call(Side::Server, Wire::Rest, millis(1), Outcome::Failed(&refused.into_answer()));
    written(&life.logs)
}

#[test]
fn a_person_finds_columns() {
    assert_eq!(life(Form::Pretty { colour: false }), include_str!("looks.txt"));
}

#[test]
fn colour_changes_nothing_else() {
    let coloured = life(Form::Pretty { colour: true });
    assert!(coloured.contains("\u{1b}[32mok\u{1b}[0m"));
    let plain: String = coloured
        .split('\u{1b}')
        .enumerate()
        .map(|(n, part)| if n == 0 { part } else { part.split_once('m').unwrap().1 })
        .collect();
    assert_eq!(plain, include_str!("looks.txt"));
}

#[test]
fn a_machine_finds_the_same_names_in_each_line_of_a_call() {
    let json = life(Form::Json);
    let lines: Vec<_> = json.lines().collect();
    assert_eq!(
        lines[2],
        concat!(
            r#"{"time":"2026-11-24T08:25:04.128306Z","level":"info","#,
            r#""target":"kitfox::call","message":"answered","#,
            r#""method":"strings.v1.Strings/Uppercase","side":"server","wire":"rest","#,
            r#""code":"ok","duration":0.000843,"order":"4711","peer":"10.1.2.3:50412","#,
            r#""received_bytes":17,"sent_bytes":29,"#,
            r#""trace_id":"4bf92f3577b34da6a3ce929d0e0e4736","#,
            r#""span_id":"00f067aa0ba902b7"}"#,
        )
    );
    assert_eq!(
        lines[6],
        concat!(
            r#"{"time":"2026-11-24T08:25:04.136006Z","level":"warn","#,
            r#""target":"kitfox::call","message":"expired","#,
            r#""method":"strings.v1.Strings/Uppercase","side":"server","wire":"grpc","#,
            r#""code":"deadline_exceeded","duration":0.250000,"layer":"deadline","#,
            r#""error":"the deadline has passed","order":"4711","#,
            r#""peer":"10.1.2.3:50412","received_bytes":17,"sent_bytes":29,"#,
            r#""trace_id":"4bf92f3577b34da6a3ce929d0e0e4736","#,
            r#""span_id":"00f067aa0ba902b7"}"#,
        )
    );
    assert_eq!(
        life(Form::Logfmt).lines().nth(2).unwrap(),
        concat!(
            "time=2026-11-24T08:25:04.128306Z level=info target=kitfox::call ",
            "message=answered method=strings.v1.Strings/Uppercase side=server ",
            "wire=rest code=ok duration=0.000843s order=4711 peer=10.1.2.3:50412 ",
            "received_bytes=17 sent_bytes=29 ",
            "trace_id=4bf92f3577b34da6a3ce929d0e0e4736 span_id=00f067aa0ba902b7",
        )
    );
}

#[test]
fn a_machine_finds_what_reached_no_method_and_what_the_caller_was_not_told() {
    let json = life(Form::Json);
    let lines: Vec<serde_json::Value> =
        json.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let [.., nothing, garbage, left, masked] = &lines[..] else { panic!("{json}") };
    assert_eq!(nothing["message"], "refused");
    assert_eq!((&nothing["method"], &nothing["code"]), (&"_OTHER".into(), &"not_found".into()));
    assert_eq!((&nothing["verb"], &nothing["status"]), (&"GET".into(), &404.into()));
    assert_eq!(garbage["error"], "the bytes are no request");
    assert_eq!(
        (&left["message"], &left["code"]),
        (&"dropped by its caller".into(), &"canceled".into())
    );
    assert_eq!(left["duration"], 0.02);
    assert_eq!(masked["error"], "a service needed for the answer is unavailable");
    assert_eq!(masked["cause"], "unavailable: card declined");
}
