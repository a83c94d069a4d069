//! The client's stack, between hosts on a network in memory.

mod configured;
mod credentials;
mod gateway;
mod measured;
mod replicas;
mod rolling;
pub(crate) mod service;
