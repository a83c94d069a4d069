//! Where in its stack a call is: for whoever shows the calls in flight.

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{PoisonError, RwLock};

use super::Context;
use crate::record::Stage;

/// The names of all layers, in the order in which they were made. As many as the code has: none is
/// ever given back.
static NAMES: RwLock<Vec<&'static str>> = RwLock::new(Vec::new());

/// The most names there may be; further ones are none.
const MOST: usize = 4096;

/// A stage in the lowest eight bits, and a layer above them. One store says both.
#[derive(Debug, Default)]
pub(super) struct Place(AtomicU32);

/// The name of a layer, as a call can carry it. Made when the layer is, at start; a call that enters
/// the layer says so for the price of one store ([`Context::enter_layer`]).
///
/// ```
/// use kitfox_core::{Context, LayerName};
///
/// let name = LayerName::of("quota");
/// let cx = Context::background();
/// cx.enter_layer(name);
/// assert_eq!(cx.layer(), Some("quota"));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LayerName(u32);

impl LayerName {
    /// The layer called so.
    #[must_use]
    pub fn of(name: &str) -> Self {
        let names = NAMES.read().unwrap_or_else(PoisonError::into_inner);
        let known = names.iter().position(|known| *known == name);
        drop(names);
        known.map_or_else(|| LayerName::new(name), |index| LayerName::numbered(index + 1))
    }

    fn new(name: &str) -> Self {
        let mut names = NAMES.write().unwrap_or_else(PoisonError::into_inner);
        let number = match names.iter().position(|known| *known == name) {
            Some(index) => index + 1,
            None if names.len() < MOST => {
                names.push(Box::leak(name.into()));
                names.len()
            }
            None => 0,
        };
        LayerName::numbered(number)
    }

    fn numbered(number: usize) -> Self {
        LayerName(u32::try_from(number).expect("no more than there may be"))
    }

    /// Its name; none for the layer of a process that has too many.
    #[must_use]
    pub fn name(self) -> Option<&'static str> {
        let index = usize::try_from(self.0).ok()?.checked_sub(1)?;
        NAMES.read().unwrap_or_else(PoisonError::into_inner).get(index).copied()
    }
}

impl Context {
    /// Where in its stack the call is.
    #[must_use]
    pub fn stage(&self) -> Stage {
        let [stage, ..] = self.place().to_le_bytes();
        Stage::of(stage)
    }

    /// The layer that the call is in, where it is among the layers and one has said so.
    #[must_use]
    pub fn layer(&self) -> Option<&'static str> {
        LayerName(self.place() >> 8).name()
    }

    /// Says where in its stack the call is.
    pub fn enter_stage(&self, stage: Stage) {
        self.call().place.0.store(stage as u32, Ordering::Relaxed);
    }

    /// Says that the call is in a layer from now on. A layer that waits after what is inside of it
    /// has answered, as a retry does between two attempts, says so again.
    pub fn enter_layer(&self, layer: LayerName) {
        let place = layer.0 << 8 | Stage::Layers as u32;
        self.call().place.0.store(place, Ordering::Relaxed);
    }

    fn place(&self) -> u32 {
        self.call().place.0.load(Ordering::Relaxed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_call_is_in_one_place_and_a_context_of_it_knows_where() {
        let (outer, inner) = (LayerName::of("outer"), LayerName::of("inner"));
        let cx = Context::background();
        assert_eq!((cx.stage(), cx.layer()), (Stage::Wire, None));
        cx.enter_layer(outer);
        cx.with_attempt(2).enter_layer(inner);
        assert_eq!((cx.stage(), cx.layer()), (Stage::Layers, Some("inner")));
        cx.enter_stage(Stage::Method);
        assert_eq!((cx.stage(), cx.layer()), (Stage::Method, None));
        assert_eq!(cx.outgoing().stage(), Stage::Wire, "that is another call");
    }

    #[test]
    fn a_name_is_kept_once() {
        assert_eq!(LayerName::of("twice"), LayerName::of("twice"));
        assert_ne!(LayerName::of("twice"), LayerName::of("once"));
        assert_eq!(LayerName::of("twice").name(), Some("twice"));
    }
}
