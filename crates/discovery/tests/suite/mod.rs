//! The registries of this crate in the suite of all; DNS is beside its own tests, and has no registrar.

mod directory;
mod memory;
mod static_list;
