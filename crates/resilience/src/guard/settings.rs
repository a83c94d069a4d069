//! What a guard is set to: the settings of its layers, and one switch for all of them.

use kitfox_core::setting::{Key, Keyed, Layers, key};

use crate::mode::MODE;
use crate::{
    BreakerSettings, BudgetSettings, ConcurrencySettings, DeadlineSettings, HedgeSettings, Mode,
    RateLimitSettings, RetrySettings, SheddingSettings,
};

/// What a [`Guard`](super::Guard) is set to. The layers have the settings that they have around a
/// method.
///
/// ```
/// use kitfox_resilience::{BreakerSettings, GuardSettings};
///
/// let breaker = BreakerSettings { consecutive: 5, ..Default::default() };
/// let settings = GuardSettings { breaker, ..Default::default() };
/// assert!(settings.check().is_ok());
/// ```
#[derive(Clone, Debug, Default, PartialEq)]
pub struct GuardSettings {
    /// One switch for all of it.
    pub switch: SwitchSettings,
    /// How long a call and an attempt may take.
    pub deadline: DeadlineSettings,
    /// When a call is made again.
    pub retry: RetrySettings,
    /// How many are.
    pub budget: BudgetSettings,
    /// When the function is called once more while it runs: of guards that are
    /// [idempotent](super::Guard::idempotent), whatever its own `idempotent` says, which is of methods.
    /// Off by default.
    pub hedge: HedgeSettings,
    /// When it is left alone.
    pub breaker: BreakerSettings,
    /// How many calls in a time; off by default.
    pub rate_limit: RateLimitSettings,
    /// How many at the same time; off by default.
    pub concurrency: ConcurrencySettings,
    /// Which of them go first where too many wait.
    pub shedding: SheddingSettings,
}

/// One switch for several layers.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct SwitchSettings {
    /// Off, no layer does anything; dark, none does more than count; on, each does what its own
    /// mode says.
    pub mode: Mode,
}

impl Keyed for SwitchSettings {
    const NAME: &'static str = "switch";

    const KEYS: &'static [Key<Self>] =
        &[key!(MODE, mode, "Whether all layers are off, dark, or each as it says.")];

    fn check(&self) -> Result<(), String> {
        Ok(())
    }
}

impl GuardSettings {
    /// The layers by their places, as keys begin, from outside in.
    pub fn layers(&mut self) -> Layers<'_> {
        vec![
            ("switch", &mut self.switch),
            ("deadline", &mut self.deadline),
            ("budget", &mut self.budget),
            ("retry", &mut self.retry),
            ("hedge", &mut self.hedge),
            ("breaker", &mut self.breaker),
            ("rate_limit", &mut self.rate_limit),
            ("concurrency", &mut self.concurrency),
            ("shedding", &mut self.shedding),
        ]
    }

    /// Whether they make sense.
    ///
    /// # Errors
    /// A sentence that says what does not, and how to mend it.
    pub fn check(&self) -> Result<(), String> {
        fn layer<S: Keyed>(settings: &S) -> Result<(), String> {
            settings.check().map_err(|why| format!("{}: {why}", S::NAME))
        }
        layer(&self.deadline)?;
        layer(&self.retry)?;
        layer(&self.budget)?;
        layer(&self.hedge)?;
        layer(&self.breaker)?;
        layer(&self.rate_limit)?;
        layer(&self.concurrency)?;
        layer(&self.shedding)
    }

    /// Each layer as the switch lets it be.
    pub(super) fn switched(&self) -> Self {
        let switch = self.switch.mode;
        let mut settings = self.clone();
        for mode in [
            &mut settings.deadline.mode,
            &mut settings.retry.mode,
            &mut settings.budget.mode,
            &mut settings.hedge.mode,
            &mut settings.breaker.mode,
            &mut settings.rate_limit.mode,
            &mut settings.concurrency.mode,
            &mut settings.shedding.mode,
        ] {
            *mode = match (switch, *mode) {
                (Mode::Off, _) | (_, Mode::Off) => Mode::Off,
                (Mode::Dark, _) | (_, Mode::Dark) => Mode::Dark,
                (Mode::On, Mode::On) => Mode::On,
            };
        }
        settings
    }
}
