//! A row of the price list.

use std::fmt;

use crate::loops::Loop;
use crate::servers::Server;
use crate::subject::Subject;

/// What costs something.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Row {
    /// A call of a server.
    Call(Subject),
    /// A part of one, in a loop.
    Part(Loop),
}

/// What it costs.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Price {
    pub(super) instructions: f64,
    pub(super) allocations: f64,
    /// That are allocated.
    pub(super) bytes: f64,
}

/// All rows in order.
#[derive(Debug, Default)]
pub(super) struct Rows(Vec<(Row, Price)>);

impl Row {
    /// Whether it is Kitfox's.
    pub(super) fn is_own(self) -> bool {
        match self {
            Row::Call(subject) => matches!(subject.server, Server::Kitfox(_)),
            Row::Part(_) => true,
        }
    }
}

impl Price {
    /// What it costs more than `base`.
    pub(super) fn over(self, base: Price) -> Price {
        Price {
            instructions: self.instructions - base.instructions,
            allocations: self.allocations - base.allocations,
            bytes: self.bytes - base.bytes,
        }
    }
}

impl Rows {
    pub(super) fn add(&mut self, row: Row, price: Price) {
        self.0.push((row, price));
    }

    pub(super) fn all(&self) -> &[(Row, Price)] {
        &self.0
    }

    pub(super) fn of(&self, row: Row) -> Option<Price> {
        self.0.iter().find(|(known, _)| *known == row).map(|(_, price)| *price)
    }
}

/// As the table has it: `kitfox-record json`, `part counter`.
impl fmt::Display for Row {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Row::Call(Subject { server, call }) => write!(formatter, "{server} {}", call.wire),
            Row::Part(looped) => write!(formatter, "part {looped}"),
        }
    }
}
