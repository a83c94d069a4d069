//! The contract as others read it.

mod everything;
mod lock;
mod openapi;
mod pages;
mod proto;
