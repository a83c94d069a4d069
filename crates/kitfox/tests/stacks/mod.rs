//! The client's stack, between hosts on a network in memory.

mod configured;
mod replicas;
mod service;
