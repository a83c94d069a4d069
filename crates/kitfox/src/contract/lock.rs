//! `kitfox.lock`: what peers of a service know of it, so that nothing of it changes by accident.
//!
//! The text has a section for each service, and in it a block for each thing:
//!
//! ```text
//! service strings.v1.Strings
//!
//! method Uppercase
//!   takes strings.v1.UppercaseRequest
//!   gives strings.v1.UppercaseResponse
//!   fails StringsError
//!   idempotent
//!   route POST /v1/uppercase
//!
//! errors StringsError
//!   EMPTY invalid_argument
//!
//! message strings.v1.UppercaseRequest
//!   1 text string
//! ```

mod check;
mod compare;
mod describe;
mod section;
mod sentences;

pub use check::check;

pub(crate) use describe::describe;
pub(crate) use section::Section;

/// What stands at the top of the file.
pub(crate) const HEAD: &str = "\
# What the peers of these services know: numbers, routes, codes. Every `cargo test` holds it against
# the code. Written by `KITFOX_LOCK=write cargo test kitfox_lock`; it belongs into version control.
";

/// The whole file of these sections.
pub(crate) fn file(sections: &mut [Section]) -> String {
    sections.sort_by(|one, other| one.service.cmp(&other.service));
    let sections: String = sections.iter().map(|section| format!("\n{section}")).collect();
    HEAD.to_owned() + &sections
}
