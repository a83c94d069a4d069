//! Not to call a service that fails anyway.

/// The name of this layer in errors.
pub const BREAKER: &str = "breaker";
