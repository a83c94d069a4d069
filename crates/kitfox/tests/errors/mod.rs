//! What `#[kitfox::error]` makes of an enum.

mod roundtrip;
mod said;
mod versions;
mod wires;
