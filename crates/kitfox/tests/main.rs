//! What Kitfox does as a whole.

mod client;
mod errors;
mod fail;
mod foreign;
mod host;
mod messages;
mod service;
mod support;
mod wires;
