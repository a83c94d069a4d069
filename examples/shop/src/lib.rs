//! The beginning of a fleet: a shop of four services, several replicas of each, and its customers.
//!
//! - [`role`]: which services there are, and how each is put together. Look here first.
//! - [`registry`]: how one finds the other.
//! - [`rest`]: how customers call a gateway whose clients are not Kitfox's.
//! - [`replica`], [`fleet`]: replicas as processes of their own.
//! - [`customers`], [`tally`]: who calls, and what they see.

pub mod arguments;
pub mod customers;
pub mod fleet;
pub mod registry;
pub mod replica;
pub mod rest;
pub mod role;
pub mod tally;
