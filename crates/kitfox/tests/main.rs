//! What Kitfox does as a whole.

mod foreign;
mod host;
mod support;
