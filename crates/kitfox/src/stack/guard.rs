//! A [`Guard`](kitfox_resilience::Guard) as a stack that is shown and set like any other.

use std::sync::Arc;

use kitfox_core::Method;
use kitfox_resilience::{GuardHandle, GuardSettings};

use super::control::Resolved;
use super::{Control, LayerSettings, StackSettings, Tunable};

/// The settings of a guard, which says itself whether it can be set so.
#[derive(Clone)]
struct Guarded {
    settings: GuardSettings,
    guard: GuardHandle,
}

impl StackSettings for Guarded {
    fn layers(&mut self) -> Vec<(&'static str, &mut dyn LayerSettings)> {
        let settings = &mut self.settings;
        vec![
            ("switch", &mut settings.switch),
            ("deadline", &mut settings.deadline),
            ("budget", &mut settings.budget),
            ("retry", &mut settings.retry),
            ("hedge", &mut settings.hedge),
            ("breaker", &mut settings.breaker),
            ("rate_limit", &mut settings.rate_limit),
            ("concurrency", &mut settings.concurrency),
            ("shedding", &mut settings.shedding),
        ]
    }

    fn of_method(&self) -> Self {
        self.clone()
    }

    fn check(&self) -> Result<(), String> {
        self.guard.check(&self.settings)
    }

    fn check_own(&self, _: &Method, _: &Self) -> Result<(), String> {
        Ok(())
    }
}

/// The guard of `handle`, which has no methods.
pub(crate) fn tunable(handle: &GuardHandle) -> Arc<dyn Tunable> {
    let (told, asked) = (handle.clone(), handle.clone());
    let apply = move |resolved: &Resolved<Guarded>| {
        // They were judged before they came here.
        let _ = told.replace(resolved.base.settings.clone());
    };
    let describe = move |place: &str, _: Option<usize>| {
        let layers = asked.describe();
        let found = layers.into_iter().find(|(known, _)| *known == place);
        found.map_or_else(String::new, |(_, what)| what)
    };
    let guarded = Guarded { settings: handle.settings(), guard: handle.clone() };
    Arc::new(Control::new(Vec::new(), guarded, Box::new(apply), Box::new(describe)))
}
