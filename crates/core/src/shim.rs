//! Between encoded payloads and a user's trait: the two ends of every stack.
//!
//! One function for each shape and side; the macro only names them.

mod checks;
mod client;
mod receiving;
mod server;
mod streams;

pub use checks::{IsContext, IsError, IsFailure, IsMessage, has_field, is_context, is_error};
pub use client::{call_both_stream, call_client_stream, call_server_stream, call_unary};
pub use server::{both_stream, client_stream, server_stream, unary};
