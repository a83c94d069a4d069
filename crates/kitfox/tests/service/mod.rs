//! What `#[kitfox::service]` makes of a trait, without a wire.

mod cancelling;
mod contract;
mod decorators;
mod protection;
mod shapes;
mod texts;
