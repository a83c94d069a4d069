//! When a breaker opens, and for how long.

use std::time::Duration;

use kitfox_core::setting::{
    DURATION, Form, Key, Keyed, NUMBER_32, REAL, SHARE, key, parse_duration, show_duration,
};

use crate::Mode;
use crate::mode::MODE;

/// When a breaker opens, and for how long. The defaults are Hystrix': half of at least 20 calls in
/// ten seconds, open for five.
///
/// ```
/// use kitfox_core::setting::Keyed;
/// use kitfox_resilience::{BreakerSettings, BreakerWindow};
///
/// let mut settings = BreakerSettings::default();
/// settings.set("window", "100 calls").unwrap();
/// assert_eq!(settings.window, BreakerWindow::Calls(100));
/// settings.set("least", "101").unwrap();
/// assert!(settings.check().unwrap_err().contains("never"));
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct BreakerSettings {
    /// On by default.
    pub mode: Mode,
    /// What fails together: the service by default.
    pub scope: BreakerScope,
    /// It opens after so many failures in a row; 0, the default, is never.
    pub consecutive: u32,
    /// It opens when this share of the calls in the window failed: 0.5 by default; 0 is never.
    pub rate: f64,
    /// Which calls are looked at: those of the last ten seconds by default.
    pub window: BreakerWindow,
    /// With fewer calls in the window their shares say nothing: 20 by default. A window of calls that holds
    /// fewer is refused; of a window of time nobody can say before how many calls it will see, so that
    /// [`Breaker::describe`](crate::Breaker::describe), and a host's `/stack`, tell how many it saw.
    pub least: u32,
    /// A call that takes this long is slow. Zero, the default, is never: nobody but you knows.
    pub slow: Duration,
    /// It opens when this share of the calls in the window was slow: 0.5 by default.
    pub slow_rate: f64,
    /// How long it stays open before it lets a probe through: 5 s by default.
    pub open: Duration,
    /// Each time that a probe fails, it stays open for so many times as long: 1 by default.
    pub growth: f64,
    /// And never for longer than this: 60 s by default.
    pub longest: Duration,
    /// So many probes at the same time, and so many must succeed until it closes: 1 by default.
    pub probes: u32,
    /// Held open or closed by hand; its outcomes are not counted meanwhile.
    pub force: Option<BreakerForce>,
}

/// What fails together.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum BreakerScope {
    /// All methods of the service: one breaker.
    #[default]
    Service,
    /// Each method for itself.
    Method,
}

/// Which calls a breaker looks at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BreakerWindow {
    /// Those of this time.
    Time(Duration),
    /// The last so many, at most 100,000.
    Calls(u32),
}

/// What a breaker is held by hand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BreakerForce {
    /// Open: nothing passes.
    Open,
    /// Closed: everything does.
    Closed,
}

impl Default for BreakerSettings {
    fn default() -> Self {
        BreakerSettings {
            mode: Mode::On,
            scope: BreakerScope::Service,
            consecutive: 0,
            rate: 0.5,
            window: BreakerWindow::Time(Duration::from_secs(10)),
            least: 20,
            slow: Duration::ZERO,
            slow_rate: 0.5,
            open: Duration::from_secs(5),
            growth: 1.0,
            longest: Duration::from_secs(60),
            probes: 1,
            force: None,
        }
    }
}

const SCOPE: Form<BreakerScope> = Form {
    expects: "`service` or `method`",
    parse: |text| match text {
        "service" => Some(BreakerScope::Service),
        "method" => Some(BreakerScope::Method),
        _ => None,
    },
    show: |scope| format!("{scope:?}").to_lowercase(),
};

const WINDOW: Form<BreakerWindow> = Form {
    expects: "a time such as `10s`, or a number of calls such as `100 calls`",
    parse: |text| match text.strip_suffix("calls") {
        Some(number) => number.trim().parse().ok().map(BreakerWindow::Calls),
        None => parse_duration(text).map(BreakerWindow::Time),
    },
    show: |window| match window {
        BreakerWindow::Time(time) => show_duration(time),
        BreakerWindow::Calls(calls) => format!("{calls} calls"),
    },
};

const FORCE: Form<Option<BreakerForce>> = Form {
    expects: "`open`, `closed` or `none`",
    parse: |text| match text {
        "open" => Some(Some(BreakerForce::Open)),
        "closed" => Some(Some(BreakerForce::Closed)),
        "none" => Some(None),
        _ => None,
    },
    show: |force| force.map_or("none".to_owned(), |force| format!("{force:?}").to_lowercase()),
};

impl Keyed for BreakerSettings {
    const NAME: &'static str = "breaker";

    #[rustfmt::skip]
    const KEYS: &'static [Key<Self>] = &[
        key!(MODE, mode, "Whether calls of a service that fails are refused."),
        key!(SCOPE, scope, "What fails together: the service, or each method for itself."),
        key!(NUMBER_32, consecutive, "It opens after so many failures in a row; 0 is never."),
        key!(SHARE, rate, "It opens when this share of the calls in the window failed; 0 is never."),
        key!(WINDOW, window, "Which calls are looked at: those of a time, or the last so many."),
        key!(NUMBER_32, least, "With fewer calls in the window their shares say nothing."),
        key!(DURATION, slow, "A call that takes this long is slow; 0s is never."),
        key!(SHARE, slow_rate, "It opens when this share of the calls in the window was slow."),
        key!(DURATION, open, "How long it stays open before it lets a probe through."),
        key!(REAL, growth, "Each time that a probe fails, it stays open for so many times as long."),
        key!(DURATION, longest, "And never for longer than this."),
        key!(NUMBER_32, probes, "So many probes at the same time, and so many must succeed until it closes."),
        key!(FORCE, force, "Held open or closed by hand."),
    ];

    fn check(&self) -> Result<(), String> {
        self.check_window()?;
        let shares = self.rate > 0.0 || !self.slow.is_zero();
        let why = if self.consecutive == 0 && !shares {
            "nothing would ever open it: give `consecutive`, `rate` or `slow`, or `mode` off"
        } else if !(0.0..=1.0).contains(&self.rate) || !(0.0..=1.0).contains(&self.slow_rate) {
            "`rate` and `slow_rate` are shares from 0 to 1: 0.5 is every second call"
        } else if !self.slow.is_zero() && self.slow_rate <= 0.0 {
            "with a `slow_rate` of 0 one slow call would open it: give more"
        } else if self.open.is_zero() {
            "open for no time it would refuse nothing: give `open` some"
        } else if !self.growth.is_finite() || self.growth < 1.0 {
            "with a `growth` below 1 it would be open for less time the longer a service fails"
        } else if self.longest < self.open {
            "`longest` is the most it is ever open, and cannot be shorter than `open`"
        } else if self.probes == 0 {
            "without `probes` it would never close again: give 1 or more"
        } else {
            return Ok(());
        };
        Err(why.to_owned())
    }
}

impl BreakerSettings {
    fn check_window(&self) -> Result<(), String> {
        let why = match self.window {
            _ if self.least == 0 => {
                "with a `least` of 0 the first failure would open it: give more"
            }
            BreakerWindow::Calls(calls) if calls > 100_000 => {
                "a `window` of more than 100,000 calls is kept in no memory: give a time"
            }
            BreakerWindow::Calls(calls) if calls < self.least => {
                return Err(format!(
                    "its minimum would never be reached: the window holds {calls} calls, and \
                     `least` asks for {}",
                    self.least
                ));
            }
            BreakerWindow::Time(time) if time < Duration::from_millis(10) => {
                "a `window` of less than 10 ms sees nothing: give more"
            }
            _ => return Ok(()),
        };
        Err(why.to_owned())
    }
}
