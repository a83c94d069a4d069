//! Messages as protobuf and as JSON: the first byte says which message, the second which form.
//!
//! What is decoded is written and decoded again, in both forms, and is the same.

use std::fmt::Debug;

use kitfox::message::{Codec, Message};
use kitfox::types::Any;
use kitfox::types::rpc::Status;

use crate::model::{Choices, Circle, Lists, Maps, Options, Scalars, Shape, Tree, WellKnown};
use crate::outcome;

pub(super) const WORDS: &[&str] = &[
    "{",
    "}",
    "[",
    "]",
    ":",
    ",",
    "\"",
    "null",
    "true",
    "NaN",
    "\"-Infinity\"",
    "1e400",
    "-0",
    "0.1",
    "18446744073709551615",
    "-9223372036854775808",
    "\\u0000",
    "\\ud83d\\ude00",
    "\\ud800",
    "\"strings\":",
    "\"messages\":",
    "\"left\":{",
    "\"others\":[{",
    "\"double\":",
    "\"uint64\":",
    "\"bytes\":\"AAA=\"",
    "\"color\":\"FARBE\"",
    "\"otherName\":",
    "\"@type\":",
    "\"@type\":\"type.googleapis.com/kitfox.test.v1.Circle\"",
    "\"value\":",
    "\"1.5s\"",
    "\"1970-01-01T00:00:00.000000001Z\"",
    "\"timestamp\":",
    "\"duration\":",
    "\"struct\":{",
    "\"circle\":{\"radius\":1}",
    "\u{a}\u{0}",
    "\u{12}\u{2}\u{8}\u{1}",
    "\u{b}",
    "\u{c}",
];

pub(super) fn run(input: &[u8]) -> u64 {
    Any::register::<Choices>();
    Any::register::<Circle>();
    let [which, form, bytes @ ..] = input else { return 0 };
    let codec = if form % 2 == 0 { Codec::Protobuf } else { Codec::Json };
    match which % 9 {
        0 => decode::<Scalars>(codec, bytes),
        1 => decode::<Options>(codec, bytes),
        2 => decode::<Lists>(codec, bytes),
        3 => decode::<Maps>(codec, bytes),
        4 => decode::<Tree>(codec, bytes),
        5 => decode::<Shape>(codec, bytes),
        6 => decode::<Choices>(codec, bytes),
        7 => decode::<WellKnown>(codec, bytes),
        _ => decode::<Status>(codec, bytes),
    }
}

fn decode<M: Message + PartialEq + Debug>(codec: Codec, bytes: &[u8]) -> u64 {
    match M::decode(codec, bytes) {
        Ok(message) => 1 + same_again(&message),
        Err(error) => outcome::of(&error.to_string()),
    }
}

/// Writes and reads `message`. How long it is stands for what it holds.
pub(super) fn same_again<M: Message + PartialEq + Debug>(message: &M) -> u64 {
    let protobuf = message.encode(Codec::Protobuf).expect("protobuf has a form for everything");
    let again = M::decode(Codec::Protobuf, &protobuf).expect("what we write we read");
    same(message, &again, Codec::Protobuf);
    let Ok(json) = message.encode(Codec::Json) else { return u64::MAX / 2 };
    let again = M::decode(Codec::Json, &json);
    let again = again.unwrap_or_else(|error| panic!("{error}: {}", json.escape_ascii()));
    // A null is a null in JSON, whatever its number was.
    let debug = format!("{message:?}");
    if !["Nothing(Unknown", "null: Unknown"].iter().any(|null| debug.contains(null)) {
        same(message, &again, Codec::Json);
    }
    protobuf.len().checked_ilog2().unwrap_or(0).into()
}

fn same<M: PartialEq + Debug>(one: &M, other: &M, codec: Codec) {
    // What is not a number is not even the same as itself.
    #[expect(clippy::eq_op, reason = "that is what it asks")]
    let comparable = one == one;
    assert!(!comparable || one == other, "{codec:?}: {one:?} became {other:?}");
}
