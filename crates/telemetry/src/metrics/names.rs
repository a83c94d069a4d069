//! The metrics of Kitfox's own, by the semantic conventions of OpenTelemetry where those have one.

/// A metric's name, what it means, and its unit.
#[derive(Clone, Copy, Debug)]
pub struct Name<'a> {
    /// Its name.
    pub name: &'a str,
    /// What it means.
    pub help: &'a str,
    /// Its unit.
    pub unit: &'static str,
}

/// Upper boundaries of durations in seconds, as the conventions for HTTP have them.
pub const DURATIONS: &[f64] =
    &[0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0];

macro_rules! names {
    ($($constant:ident = $name:literal $unit:literal $help:literal;)*) => {
        $(
            #[doc = concat!("`", $name, "`: ", $help)]
            pub const $constant: Name<'static> = Name { name: $name, help: $help, unit: $unit };
        )*

        /// All of them.
        pub const ALL: &[Name<'static>] = &[$($constant),*];
    };
}

names! {
    HTTP_SERVER = "http.server.request.duration" "s" "How long calls over REST took.";
    HTTP_CLIENT = "http.client.request.duration" "s" "How long calls over REST took, as their callers see it.";
    RPC_SERVER = "rpc.server.call.duration" "s" "How long calls took.";
    RPC_CLIENT = "rpc.client.call.duration" "s" "How long calls took, as their callers see it, all attempts together.";
    RPC_ATTEMPT = "rpc.client.attempt.duration" "s" "How long attempts at calls took.";
    SERVER_ACTIVE = "kitfox.server.active_calls" "" "Calls that are being served, open streams among them.";
    CLIENT_ACTIVE = "kitfox.client.active_calls" "" "Calls that are being made, open streams among them.";
    MESSAGES = "kitfox.call.messages" "" "Messages of calls.";
    BYTES = "kitfox.call.bytes" "By" "Bytes of messages of calls, encoded, without what wires add.";
    REFUSED = "kitfox.call.refused" "" "Calls that a layer refused or ended, by the layer.";
    OVERFLOWED = "kitfox.metrics.overflowed" "" "Series that had no room in their family and share one.";
    LOGS_DROPPED = "kitfox.logs.dropped" "" "Log lines that had no room, or that their sink did not take.";
    LOGS_BUFFERED = "kitfox.logs.buffered_bytes" "By" "Memory that log lines take up which wait to be written.";
    SPANS_DROPPED = "kitfox.export.dropped" "" "Spans, log records and points of metrics that were not exported.";
}
