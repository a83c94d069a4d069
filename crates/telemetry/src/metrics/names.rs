//! The metrics of Kitfox's own, by the semantic conventions of OpenTelemetry where those have one.

use super::snapshot::Kind;

/// A metric's name, what it means, and its unit.
#[derive(Clone, Copy, Debug)]
pub struct Name<'a> {
    /// What it is.
    pub kind: Kind,
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
    ($($constant:ident = $kind:ident $name:literal $unit:literal $help:literal;)*) => {
        $(
            #[doc = concat!("`", $name, "`: ", $help)]
            pub const $constant: Name<'static> =
                Name { kind: Kind::$kind, name: $name, help: $help, unit: $unit };
        )*

        /// All of them.
        pub const ALL: &[Name<'static>] = &[$($constant),*];
    };
}

names! {
    HTTP_SERVER = Histogram "http.server.request.duration" "s" "How long calls over REST took.";
    HTTP_CLIENT = Histogram "http.client.request.duration" "s" "How long calls over REST took, as their callers see it.";
    RPC_SERVER = Histogram "rpc.server.call.duration" "s" "How long calls took.";
    RPC_CLIENT = Histogram "rpc.client.call.duration" "s" "How long calls took, as their callers see it, all attempts together.";
    RPC_ATTEMPT = Histogram "rpc.client.attempt.duration" "s" "How long attempts at calls took.";
    SERVER_ACTIVE = Gauge "kitfox.server.active_calls" "" "Calls that are being served, open streams among them.";
    CLIENT_ACTIVE = Gauge "kitfox.client.active_calls" "" "Calls that are being made, open streams among them.";
    MESSAGES = Counter "kitfox.call.messages" "" "Messages of calls.";
    BYTES = Counter "kitfox.call.bytes" "By" "Bytes of messages of calls, encoded, without what wires add.";
    REFUSED = Counter "kitfox.call.refused" "" "Calls that a layer refused or ended, by the layer.";
    OVERFLOWED = Counter "kitfox.metrics.overflowed" "" "Series that had no room in their family and share one.";
    LOGS_DROPPED = Counter "kitfox.logs.dropped" "" "Log lines that had no room, or that their sink did not take.";
    LOGS_BUFFERED = Gauge "kitfox.logs.buffered" "By" "Memory that log lines take up which wait to be written.";
    SPANS_DROPPED = Counter "kitfox.export.dropped" "" "Spans, log records and points of metrics that were not exported.";
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metrics::naming;

    #[test]
    fn every_name_is_one_and_is_there_once() {
        let mut taken = std::collections::BTreeSet::new();
        for name in ALL {
            assert!(naming::is_name(name.name), "{name:?}");
            assert!(name.help.ends_with('.'), "{name:?}");
            let shown = naming::family(name.kind, name.name, name.unit);
            for sample in naming::taken(name.kind, &shown) {
                assert!(taken.insert(sample), "{name:?}");
            }
        }
    }
}
