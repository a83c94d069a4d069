//! What tests stand on.

pub(crate) mod http;
pub(crate) mod memory;
pub(crate) mod probe;
pub(crate) mod witness;
