//! The types that protobuf brings along: `google.protobuf` and a few of `google.rpc`.

mod empty;
