//! How long calls and attempts may take.

use std::time::Duration;

use kitfox_core::setting::{DURATION, Key, Keyed, key};

use crate::Mode;
use crate::mode::MODE;

/// How long calls and attempts may take. A duration of zero is none.
///
/// ```
/// use kitfox_core::setting::Keyed;
/// use kitfox_resilience::DeadlineSettings;
///
/// let mut settings = DeadlineSettings::default();
/// settings.set("total", "2s").unwrap();
/// settings.set("attempt", "3s").unwrap();
/// assert!(settings.check().unwrap_err().contains("longer"));
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct DeadlineSettings {
    /// On by default.
    pub mode: Mode,
    /// How long a call may take with all its attempts: 30 s by default. A caller's deadline that is
    /// earlier counts.
    pub total: Duration,
    /// How long one attempt may take: as long as the call by default, for nobody but you knows how
    /// long a good answer takes.
    pub attempt: Duration,
    /// An attempt is not sent where less time than this is left: 1 ms by default.
    pub least: Duration,
}

impl Default for DeadlineSettings {
    fn default() -> Self {
        DeadlineSettings {
            mode: Mode::On,
            total: Duration::from_secs(30),
            attempt: Duration::ZERO,
            least: Duration::from_millis(1),
        }
    }
}

impl Keyed for DeadlineSettings {
    const NAME: &'static str = "deadline";

    #[rustfmt::skip]
    const KEYS: &'static [Key<Self>] = &[
        key!(MODE, mode, "Whether calls are held to their deadlines."),
        key!(DURATION, total, "How long a call may take with all its attempts; 0s is as long as its caller waits."),
        key!(DURATION, attempt, "How long one attempt may take; 0s is as long as the call."),
        key!(DURATION, least, "An attempt is not sent where less time than this is left."),
    ];

    fn check(&self) -> Result<(), String> {
        let DeadlineSettings { total, attempt, least, .. } = *self;
        let given = |duration: Duration| !duration.is_zero();
        let why = if given(total) && attempt > total {
            "an `attempt` may take longer than the `total`, and would never reach its own limit: \
             give a shorter one, or 0s for none"
        } else if given(total) && least >= total || given(attempt) && least >= attempt {
            "with `least` as long as `total` or `attempt`, no attempt would ever be sent"
        } else {
            return Ok(());
        };
        Err(why.to_owned())
    }
}
