//! OTLP: what leaves, in the protobuf of OpenTelemetry, written by us.
