//! Counts.
use kitfox_core::contract::*;
use kitfox_core::message::Message;
use kitfox_core::record::*;
use kitfox_core::*;
use kitfox_telemetry::logs::*;
use std::time::Duration;
use tokio::time::Instant;

static METHOD: Method = Method {
    service: "strings.v1.Strings",
    name: "Uppercase",
    path: "/strings.v1.Strings/Uppercase",
    docs: "",
    shape: Shape::Unary,
    idempotency: Idempotency::None,
    detached: false,
    deprecated: false,
    routes: &[],
    input: <() as Message>::schema,
    output: <() as Message>::schema,
    errors: <Error as DomainError>::SCHEMA,
};

fn main() {
    let n: usize = std::env::args().nth(1).unwrap().parse().unwrap();
    let what = std::env::args().nth(2).unwrap();
    let format = if what == "pretty" {
        Format::Pretty
    } else if what == "logfmt" {
        Format::Logfmt
    } else {
        Format::Json
    };
    let logs = Logs::new(LogSettings { format, buffer_bytes: 64 << 20, ..LogSettings::default() });
    if what == "export" {
        logs.export(|r| {
            std::hint::black_box(r.attributes().count());
        });
    }
    let trace: TraceContext =
        "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01".parse().unwrap();
    let cx = Context::incoming(Incoming {
        peer: Some(Peer::new("127.0.0.1:50412".parse().unwrap())),
        wire: Wire::Rest,
        trace: Some(trace),
        ..Incoming::default()
    });
    let started = Instant::now();
    let ended = started + Duration::from_micros(1234);
    let lines = logs.calls(Side::Server, &METHOD);
    for i in 0..n {
        let record = Record {
            context: &cx,
            ticket: Ticket(0),
            started,
            ended,
            outcome: Outcome::Answered(None),
            received: Volume::one(17),
            sent: Volume::one(29),
        };
        let access = Access::of(Side::Server, &record);
        lines.write(&access, &record, &[], 1_795_508_704_123_456_789 + i as u64 * 1000);
        if what == "print" {
            println!("{logs:?}");
        }
    }
    if what.starts_with("p") {
        logs.write_at_once(std::io::stdout()).unwrap();
    }
}
