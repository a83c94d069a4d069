//! A [`Guard`](kitfox_resilience::Guard) as a stack that is shown and set like any other.

use std::sync::Arc;

use kitfox_core::Method;
use kitfox_core::setting::Layers;
use kitfox_resilience::{GuardControl, GuardHandle, GuardSetter, GuardSettings};

use super::control::Resolved;
use super::{Change, ChangeError, Control, StackSettings, Tunable};

/// The settings of a guard, which says itself whether it can be set so.
#[derive(Clone)]
struct Guarded {
    settings: GuardSettings,
    guard: GuardSetter,
}

impl StackSettings for Guarded {
    fn layers(&mut self) -> Layers<'_> {
        self.settings.layers()
    }

    fn of_method(&self) -> Self {
        self.clone()
    }

    fn check(&self) -> Result<(), String> {
        self.guard.check(&self.settings)
    }

    fn check_own(&self, _: &Method, _: &[&Change]) -> Result<(), String> {
        Ok(())
    }
}

impl GuardControl for Control<Guarded> {
    fn change(&self, changes: Vec<Change>) -> Result<(), ChangeError> {
        Tunable::change(self, changes)
    }
}

/// The guard of `handle`, which has no methods, and is set by this from now on. None where somebody else sets
/// it.
pub(crate) fn tunable(handle: &GuardHandle) -> Option<Arc<dyn Tunable>> {
    let control = handle.control(|guard, settings| {
        let (told, asked) = (guard.clone(), guard.clone());
        // They were judged before they came here.
        let apply =
            move |resolved: &Resolved<Guarded>| told.replace(resolved.base.settings.clone());
        let describe = move |place: &str, _: Option<usize>| {
            let layers = asked.describe();
            let found = layers.into_iter().find(|(known, _)| *known == place);
            found.map_or_else(String::new, |(_, what)| what)
        };
        let guarded = Guarded { settings, guard };
        Arc::new(Control::new(Vec::new(), guarded, Box::new(apply), Box::new(describe)))
    });
    Some(control? as _)
}
