//! A place among the calls that run, until it is dropped.

use std::ops::Deref;

use tokio::time::Instant;

use super::gate::Gate;

/// A place, by a reference to the gate that a call has for nothing, or by one that outlives it.
#[derive(Debug)]
pub(super) struct Permit<G: Deref<Target = Gate>> {
    /// None where the place went on to another permit.
    gate: Option<G>,
    measured: Option<Measured>,
}

/// A call of which it is to be found out how long it takes.
#[derive(Clone, Copy, Debug)]
pub(super) struct Measured {
    pub(super) started: Instant,
    pub(super) in_flight: usize,
}

impl<G: Deref<Target = Gate>> Permit<G> {
    pub(super) fn new(gate: G, measured: Option<Measured>) -> Self {
        Permit { gate: Some(gate), measured }
    }

    /// The same place by another reference. How long the call takes says nothing any more: its answer
    /// is a stream, which takes as long as there is something to say.
    pub(super) fn of_stream<O: Deref<Target = Gate>>(mut self, gate: O) -> Permit<O> {
        self.gate = None;
        Permit::new(gate, None)
    }

    /// The call is answered. What is not is given up.
    pub(super) fn answered(mut self) {
        if let (Some(gate), Some(measured)) = (&self.gate, self.measured.take()) {
            gate.answered(measured);
        }
    }
}

impl<G: Deref<Target = Gate>> Drop for Permit<G> {
    fn drop(&mut self) {
        let Some(gate) = &self.gate else { return };
        if let Some(measured) = self.measured.take() {
            gate.given_up(measured);
        }
        gate.leave();
    }
}
