//! What is fed.

mod address;
mod answer;
mod b3;
mod bind;
mod config;
mod frames;
mod headers;
mod message;
mod request;
mod template;
mod text;

/// One decoder, or several that belong together.
pub(crate) struct Target {
    /// The name of its folder in the corpus.
    pub(crate) name: &'static str,
    /// Feeds it. Says what came of it, and panics where something that must hold does not.
    pub(crate) run: fn(&[u8]) -> u64,
    /// What its inputs are made of.
    pub(crate) words: &'static [&'static str],
}

pub(crate) const TARGETS: [Target; 10] = [
    Target { name: "message", run: message::run, words: message::WORDS },
    Target { name: "bind", run: bind::run, words: bind::WORDS },
    Target { name: "frames", run: frames::run, words: frames::WORDS },
    Target { name: "headers", run: headers::run, words: headers::WORDS },
    Target { name: "b3", run: b3::run, words: b3::WORDS },
    Target { name: "request", run: request::run, words: request::WORDS },
    Target { name: "answer", run: answer::run, words: answer::WORDS },
    Target { name: "address", run: address::run, words: address::WORDS },
    Target { name: "template", run: template::run, words: template::WORDS },
    Target { name: "config", run: config::run, words: config::WORDS },
];
