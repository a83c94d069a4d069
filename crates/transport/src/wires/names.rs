//! The names that the wires share with their clients.

pub(crate) use crate::names::{CONNECT_TIMEOUT, CRITICALITY, GRPC_STATUS, GRPC_TIMEOUT};
