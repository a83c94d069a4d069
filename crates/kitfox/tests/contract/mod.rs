//! The contract as others read it.

mod everything;
mod openapi;
mod pages;
mod proto;
