//! What a page says, apart from how it is shown: as HTML, as text, or as JSON.

use http::StatusCode;
use serde_json::Value;

/// A page, before it is known what it is read with.
pub(super) struct Page {
    pub(super) status: StatusCode,
    pub(super) title: &'static str,
    pub(super) blocks: Vec<Block>,
    /// The same for programs.
    pub(super) json: Value,
}

/// A part of a page.
pub(super) enum Block {
    /// A sentence.
    Note(String),
    /// Names with a value each.
    Facts(Vec<(&'static str, Cell)>),
    /// Things that are alike.
    Table {
        heads: &'static [&'static str],
        rows: Vec<Vec<Cell>>,
        /// What stands in place of no rows.
        empty: &'static str,
    },
    /// Layers around methods, from outside in.
    Onion { rings: Vec<Ring>, methods: Vec<String> },
    /// The fields of `POST /log`: what a browser fills in, and what somebody at a terminal types.
    FilterForm { filter: String, example: String },
}

/// A layer: its name, and what it does here.
#[derive(Clone)]
pub(super) struct Ring {
    pub(super) name: String,
    pub(super) what: String,
}

/// A value and its look.
pub(super) struct Cell {
    pub(super) text: String,
    pub(super) tone: Tone,
    /// The page that it leads to.
    pub(super) link: Option<&'static str>,
}

/// How a value looks where there are colours.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Tone {
    Plain,
    /// As it should be.
    Good,
    /// Somebody has to look.
    Bad,
    /// Not what one looks for first.
    Faint,
    /// What a machine reads.
    Code,
}

impl Cell {
    fn of(text: impl Into<String>, tone: Tone) -> Self {
        Cell { text: text.into(), tone, link: None }
    }

    pub(super) fn plain(text: impl Into<String>) -> Self {
        Cell::of(text, Tone::Plain)
    }

    pub(super) fn good(text: impl Into<String>) -> Self {
        Cell::of(text, Tone::Good)
    }

    pub(super) fn bad(text: impl Into<String>) -> Self {
        Cell::of(text, Tone::Bad)
    }

    pub(super) fn faint(text: impl Into<String>) -> Self {
        Cell::of(text, Tone::Faint)
    }

    pub(super) fn code(text: impl Into<String>) -> Self {
        Cell::of(text, Tone::Code)
    }

    pub(super) fn leading_to(mut self, page: &'static str) -> Self {
        self.link = Some(page);
        self
    }
}

impl Page {
    pub(super) fn new(title: &'static str, blocks: Vec<Block>, json: Value) -> Self {
        Page { status: StatusCode::OK, title, blocks, json }
    }

    /// A page that says why there is no other.
    pub(super) fn refusal(status: StatusCode, why: impl Into<String>) -> Self {
        let why = why.into();
        let json = serde_json::json!({ "error": why });
        let title = status.canonical_reason().unwrap_or("refused");
        Page { status, title, blocks: vec![Block::Note(why)], json }
    }
}
