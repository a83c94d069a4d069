//! The contract as others read it.

mod everything;
mod pages;
mod proto;
