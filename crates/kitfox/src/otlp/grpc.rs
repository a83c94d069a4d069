//! OTLP over gRPC: a service with one method for each signal, called with what is encoded already.

use bytes::Bytes;
use futures_core::future::BoxFuture;
use kitfox_core::message::{Codec, MessageSchema};
use kitfox_core::{
    Body, BoxEndpoint, Channel, Code, Context, Endpoint, Error, Metadata, Method, Payload,
    Recovery, Request,
};
use kitfox_telemetry::otlp::{Refused, Sender, Signal};
use kitfox_transport::client::HttpChannel;

/// What goes through here is nobody's business but the collector's.
static BYTES: MessageSchema = MessageSchema::BLANK;

static TRACES: Method = method(
    "opentelemetry.proto.collector.trace.v1.TraceService",
    "/opentelemetry.proto.collector.trace.v1.TraceService/Export",
);
static LOGS: Method = method(
    "opentelemetry.proto.collector.logs.v1.LogsService",
    "/opentelemetry.proto.collector.logs.v1.LogsService/Export",
);
static METRICS: Method = method(
    "opentelemetry.proto.collector.metrics.v1.MetricsService",
    "/opentelemetry.proto.collector.metrics.v1.MetricsService/Export",
);

const fn method(service: &'static str, path: &'static str) -> Method {
    Method { input: || &BYTES, output: || &BYTES, ..Method::unary(service, "Export", path) }
}

/// The way to a collector over gRPC. Its calls leave no record: they are about records.
pub(super) struct OverGrpc {
    traces: BoxEndpoint,
    logs: BoxEndpoint,
    metrics: BoxEndpoint,
    headers: Metadata,
}

impl OverGrpc {
    pub(super) fn new(channel: &HttpChannel, headers: Metadata) -> Self {
        OverGrpc {
            traces: channel.endpoint(&TRACES),
            logs: channel.endpoint(&LOGS),
            metrics: channel.endpoint(&METRICS),
            headers,
        }
    }

    async fn call(&self, signal: Signal, request: Bytes) -> Result<Bytes, Refused> {
        let endpoint = match signal {
            Signal::Traces => &self.traces,
            Signal::Logs => &self.logs,
            Signal::Metrics => &self.metrics,
        };
        let cx = Context::background().with_metadata(self.headers.clone()).outgoing();
        let payload = Payload::unary(Codec::Protobuf, request);
        let reply = endpoint.call(Request::new(cx, payload)).await.map_err(|it| refused(&it))?;
        Ok(match reply.into_parts().0.into_body() {
            Body::Unary(answer) => answer,
            Body::Stream(_) => Bytes::new(),
        })
    }
}

impl Sender for OverGrpc {
    fn send(&self, signal: Signal, request: Bytes) -> BoxFuture<'_, Result<Bytes, Refused>> {
        Box::pin(self.call(signal, request))
    }
}

/// As OTLP over gRPC has it: these codes may be tried again, and `ResourceExhausted` where the
/// collector says when.
fn refused(error: &Error) -> Refused {
    let why = format!("{}: {}", error.code().name(), error.message());
    let after = match error.recovery() {
        Recovery::After(pause) => Some(pause),
        _ => None,
    };
    match error.code() {
        Code::Canceled
        | Code::DeadlineExceeded
        | Code::Aborted
        | Code::OutOfRange
        | Code::Unavailable
        | Code::DataLoss => Refused::for_now(why).after(after),
        Code::ResourceExhausted if after.is_some() => Refused::for_now(why).after(after),
        _ => Refused::for_good(why),
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn what_may_be_tried_again_is_what_otlp_says() {
        let again = [
            Code::Canceled,
            Code::DeadlineExceeded,
            Code::Aborted,
            Code::OutOfRange,
            Code::Unavailable,
            Code::DataLoss,
        ];
        for code in Code::ALL {
            let said = refused(&Error::new(code, "busy"));
            assert_eq!((said.retry, said.after), (again.contains(&code), None), "{code}");
        }
        let pause = Duration::from_secs(3);
        let full = Error::new(Code::ResourceExhausted, "full");
        let said = refused(&full.with_recovery(Recovery::After(pause)));
        assert_eq!((said.retry, said.after), (true, Some(pause)));
    }
}
