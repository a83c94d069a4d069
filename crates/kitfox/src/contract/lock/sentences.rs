//! What a change means to peers, and how to mend it.

use super::section::{Block, Kind, Line};

pub(super) fn is_new(block: &Block) -> String {
    format!("{block} is new")
}

pub(super) fn is_unused(block: &Block) -> String {
    format!("{block} is no longer mentioned")
}

pub(super) fn method_gone(name: &str) -> String {
    format!("method {name} is gone: who calls it is answered `unimplemented`")
}

pub(super) fn method_renamed(old: &str, new: &str) -> String {
    format!(
        "method {old} is called {new} now: callers know the old name. Keep it on the wire: #[endpoint(name = \"{old}\")]"
    )
}

pub(super) fn method_differs(
    name: &str,
    word: &str,
    was: Option<String>,
    is: Option<String>,
) -> String {
    let (past, present) = match word {
        "takes" => ("took", "takes"),
        "gives" => ("gave", "gives"),
        _ => ("failed with the errors of", "fails with those of"),
    };
    let nothing = || "no domain".to_owned();
    let (was, is) = (was.unwrap_or_else(nothing), is.unwrap_or_else(nothing));
    format!(
        "method {name} {past} {was} and {present} {is}: callers of the old one are not understood. Make it another method, or a field of the old message"
    )
}

/// What a method may promise of repeated calls, and how its peers then call it; each more than the
/// one before.
pub(super) const PROMISES: [(&str, &str); 3] = [
    ("idempotency_key", "again after a failure, with the same key"),
    ("idempotent", "again after a failure"),
    ("safe", "with GET and answer from a cache"),
];

pub(super) fn promises_less(name: &str, was: usize) -> String {
    let (word, what) = PROMISES[was];
    format!("method {name} was `{word}` and is no longer: there are peers that call it {what}")
}

pub(super) fn promises_more(name: &str, is: usize) -> String {
    format!("method {name} is `{}` now", PROMISES[is].0)
}

pub(super) fn route_gone(method: &str, route: &str) -> String {
    format!(
        "method {method} has lost its route {route}: who calls it gets a 404. A method may have several routes, keep the old one beside the new"
    )
}

pub(super) fn route_new(method: &str, route: &str) -> String {
    format!("method {method} has a new route, {route}")
}

pub(super) fn error_gone(domain: &str, reason: &str) -> String {
    format!(
        "errors {domain}: {reason} is gone, and there are callers that wait for it. Keep the variant, under #[deprecated] if it is no longer given; a renamed one keeps its name by #[code(.., reason = \"{reason}\")]"
    )
}

pub(super) fn error_code(domain: &str, reason: &str, (was, is): (&str, &str)) -> String {
    format!(
        "errors {domain}: the code of {reason} was {was} and is {is}, and callers decide by the code. Make it a variant of its own"
    )
}

pub(super) fn error_detail(domain: &str, reason: &str, (was, is): (&str, &str)) -> String {
    match (was, is) {
        ("", _) => format!(
            "errors {domain}: {reason} has fields now, which older services do not send, so that their {reason} is not known any more. Make it a variant of its own"
        ),
        (_, "") => format!(
            "errors {domain}: {reason} has lost its fields, without which older callers do not know it. Make it a variant of its own"
        ),
        _ => format!(
            "errors {domain}: the fields of {reason} were in {was} and are in {is}. Leave the domain and the variant their names"
        ),
    }
}

pub(super) fn error_new(domain: &str, reason: &str) -> String {
    format!("errors {domain}: {reason} is new")
}

pub(super) fn renumbered(block: &Block, old: &Line, new: &Line) -> String {
    let (name, was, is) = (old.word(1), old.word(0), new.word(0));
    let mend = match block.kind {
        Kind::Enum => format!("put it back, or write its number behind it: `= {was}`"),
        _ => format!("put it back, or before it #[field({was})]"),
    };
    format!(
        "{block}: {name} was number {was} and is {is}, and peers know it by the number. Numbers follow the order of declaration: {mend}",
    )
}

pub(super) fn renamed(block: &Block, old: &Line, new: &Line) -> String {
    let (was, is) = (old.word(1), new.word(1));
    let mend = match block.kind {
        Kind::Enum => format!("#[value(name = \"{was}\")]"),
        _ => format!("#[field(name = \"{was}\")]"),
    };
    format!(
        "{block}: {was} is called {is} now, and JSON knows it by the name. Keep it on the wire: {mend}",
    )
}

pub(super) fn removed(block: &Block, line: &Line) -> String {
    let (number, name) = (line.word(0), line.word(1));
    format!(
        "{block}: {name} (number {number}) is gone, and something else may get its number. Keep number and name from that: #[kitfox::message(reserved({number}, \"{name}\"))]",
    )
}

pub(super) fn removed_and_reserved(block: &Block, line: &Line) -> String {
    format!("{block}: {} is gone, and its number and name are reserved", line.word(1))
}

pub(super) fn no_longer_reserved(block: &Block, what: &str) -> String {
    format!(
        "{block}: {what} is no longer reserved, and peers may still know what it was. Leave it reserved",
    )
}

pub(super) fn member_new(block: &Block, line: &Line) -> String {
    match line.word(0) {
        "reserved" => format!("{block}: {} is reserved now", line.word(1)),
        number => format!("{block}: {} (number {number}) is new", line.word(1)),
    }
}

pub(super) fn holds_other(block: &Block, old: &Line, new: &Line) -> String {
    format!(
        "{block}: {} was `{}` and is `{}`, which peers read wrongly or not at all. Leave it as it was, and give what is new a field of its own",
        old.word(1),
        old.rest(2),
        new.rest(2),
    )
}

pub(super) fn presence(block: &Block, old: &Line, new: &Line) -> String {
    format!("{block}: {} was `{}` and is `{}`", old.word(1), old.rest(2), new.rest(2),)
}
