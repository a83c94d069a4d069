//! Texts of a path or a query that are set into a message: a line each, `field=text`.

use kitfox::message::Message;

use super::message::same_again;
use crate::model::{Choices, Lists, Options, Scalars, Tree, WellKnown};
use crate::outcome;

pub(super) const WORDS: &[&str] = &[
    "=",
    "\n",
    ".",
    "double",
    "int32",
    "uint64",
    "sint64",
    "fixed32",
    "bool",
    "string",
    "bytes",
    "color",
    "renamed_field",
    "otherName",
    "scalars",
    "scalars.",
    "left.",
    "left.left.",
    "label",
    "leaf.int64",
    "others",
    "timestamp",
    "duration",
    "struct",
    "value",
    "list",
    "any",
    "empty",
    "null",
    "bool_value",
    "int64_value",
    "bytesValue",
    "always",
    "voucher",
    "coin.radius",
    "loose",
    "shape.circle.radius",
    "true",
    "NaN",
    "Infinity",
    "1e3",
    "-1",
    "DARK_GREEN",
    "FARBE",
    "AAA=",
    "1970-01-01T00:00:00Z",
    "1.5s",
    "18446744073709551616",
];

pub(super) fn run(input: &[u8]) -> u64 {
    let [which, lines @ ..] = input else { return 0 };
    let Ok(lines) = std::str::from_utf8(lines) else { return 0 };
    match which % 6 {
        0 => bind::<Scalars>(lines),
        1 => bind::<Options>(lines),
        2 => bind::<Lists>(lines),
        3 => bind::<Tree>(lines),
        4 => bind::<Choices>(lines),
        _ => bind::<WellKnown>(lines),
    }
}

fn bind<M: Message + PartialEq + std::fmt::Debug>(lines: &str) -> u64 {
    let mut message = M::empty().expect("none of these must have a variant");
    let mut outcome = 0;
    for line in lines.lines() {
        let (path, text) = line.split_once('=').unwrap_or((line, ""));
        // What could be bound before it is of no use to anybody.
        if let Err(error) = message.bind(path, text) {
            return outcome::of(&error.to_string());
        }
        outcome += 1;
    }
    outcome::both(outcome, same_again(&message))
}
