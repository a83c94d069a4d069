//! The contract as others read it.

mod descriptor;
mod everything;
mod lock;
mod openapi;
mod pages;
mod proto;
mod versions;
