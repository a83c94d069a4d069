//! Types that the macros cannot know by their names, checked by the compiler at the user's token.

use crate::message::{FieldSchema, Member, Message};
use crate::{Context, DomainError, Error};

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

/// A message. The macros write `<T as IsMessage>::Itself` for it: where a type is no message, every
/// mention of it is the same complaint at the same token, and the compiler says that once.
pub trait IsMessage {
    /// The type itself.
    type Itself: Message;
}

impl<T: Message> IsMessage for T {
    type Itself = T;
}

/// A service's errors, as [`IsMessage`] is a message.
pub trait IsFailure {
    /// The type itself.
    type Itself: DomainError;
}

impl<T: DomainError> IsFailure for T {
    type Itself = T;
}

/// Compiles for the context of a call only.
pub const fn is_context<T: IsContext + ?Sized>() {}

/// Compiles for a call's own failure only.
pub const fn is_error<T: IsError + ?Sized>() {}

/// Compiles where `M` has the field only, whose name is that of protobuf or JSON.
///
/// # Panics
/// With `why`, at compile time.
#[track_caller]
pub const fn has_field<M: Message>(name: &str, why: &str) {
    let Some(members) = M::MEMBERS else { return };
    let mut index = 0;
    while index < members.len() {
        let fields = match &members[index] {
            Member::Field(field) => std::slice::from_ref(field),
            Member::Oneof(oneof) => oneof.fields,
        };
        if any_is(fields, name) {
            return;
        }
        index += 1;
    }
    panic!("{}", why);
}

const fn any_is(fields: &[FieldSchema], name: &str) -> bool {
    let mut index = 0;
    while index < fields.len() {
        if equal(fields[index].name, name) || equal(fields[index].json_name, name) {
            return true;
        }
        index += 1;
    }
    false
}

/// `==`, which the compiler cannot run on texts yet.
const fn equal(one: &str, other: &str) -> bool {
    let (one, other) = (one.as_bytes(), other.as_bytes());
    if one.len() != other.len() {
        return false;
    }
    let mut index = 0;
    while index < one.len() {
        if one[index] != other[index] {
            return false;
        }
        index += 1;
    }
    true
}
