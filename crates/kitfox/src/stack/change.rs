//! A change of a stack's settings, and who wants it.

pub use kitfox_core::setting::{Change, ChangeError};

use crate::config::Origin;

/// Who said so.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Source {
    pub(crate) change: Change,
    pub(crate) origin: Origin,
}
