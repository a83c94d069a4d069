//! A [`Guard`](kitfox_resilience::Guard) as a stack that is shown and set like any other.

use std::sync::Arc;

use kitfox_core::Method;
use kitfox_resilience::{GuardHandle, GuardSettings};

use super::control::Resolved;
use super::{Control, LayerSettings, StackSettings, Tunable};

impl StackSettings for GuardSettings {
    fn layers(&mut self) -> Vec<(&'static str, &mut dyn LayerSettings)> {
        vec![
            ("switch", &mut self.switch),
            ("deadline", &mut self.deadline),
            ("budget", &mut self.budget),
            ("retry", &mut self.retry),
            ("breaker", &mut self.breaker),
            ("rate_limit", &mut self.rate_limit),
            ("concurrency", &mut self.concurrency),
            ("shedding", &mut self.shedding),
        ]
    }

    fn of_method(&self) -> Self {
        self.clone()
    }

    fn check(&self) -> Result<(), String> {
        Ok(())
    }

    fn check_own(&self, _: &Method, _: &Self) -> Result<(), String> {
        Ok(())
    }
}

/// The guard of `handle`, which has no methods.
pub(crate) fn tunable(handle: &GuardHandle) -> Arc<dyn Tunable> {
    let (told, asked) = (handle.clone(), handle.clone());
    let apply = move |resolved: &Resolved<GuardSettings>| {
        // Each layer was judged before it came here.
        let _ = told.replace(resolved.base.clone());
    };
    let describe = move |place: &str, _: Option<usize>| {
        let layers = asked.describe();
        let found = layers.into_iter().find(|(known, _)| *known == place);
        found.map_or_else(String::new, |(_, what)| what)
    };
    let settings = handle.settings();
    Arc::new(Control::new(Vec::new(), settings, Box::new(apply), Box::new(describe)))
}
