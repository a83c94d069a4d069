//! Types that the macros cannot know by their names, checked by the compiler at the user's token.

use crate::{Context, Error};

/// The context of a call, under whatever name it was imported.
#[diagnostic::on_unimplemented(
    message = "the first parameter of a method is the context of the call, and `{Self}` is none",
    label = "write `&kitfox::Context`"
)]
pub trait IsContext {}

impl IsContext for Context {}

/// A call's own failure, under whatever name it was imported.
#[diagnostic::on_unimplemented(
    message = "a call's own failure is a `kitfox::Error`, and `{Self}` is none",
    label = "write `kitfox::Error`"
)]
pub trait IsError {}

impl IsError for Error {}

/// Compiles for the context of a call only.
pub const fn is_context<T: IsContext + ?Sized>() {}

/// Compiles for a call's own failure only.
pub const fn is_error<T: IsError + ?Sized>() {}
