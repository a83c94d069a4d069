//! Every call leaves one record on either side, whatever becomes of it and on whatever wire.
//!
//! `endings.rs` ends a call in each way, with each shape, on every [way](crate::suite::ways) of the
//! suite, and looks at what both ends were told; `fields.rs` looks at what a record says; `edge.rs`
//! has what reaches no method.

mod edge;
mod endings;
mod fields;
mod rig;
