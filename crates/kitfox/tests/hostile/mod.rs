//! Hostile input: what must not cost a host more than it costs whoever sends it.
//!
//! Raw bytes over a network within the process, in paused time. `docs/LIMITS.md` says which limit
//! stops which attack.

mod authorities;
mod bodies;
mod bombs;
mod floods;
mod frames;
mod headers;
mod limits;
mod port;
mod readers;
mod service;
mod slow;
mod smuggling;
