//! What protects a server from its callers, as they see it on every wire, and what keeps callers from
//! making an outage worse.

mod chain;
mod concurrency;
mod guards;
mod idempotency;
mod places;
mod rate_limit;
mod refusals;
mod till;
