//! How many calls in a time, and whose.

use std::borrow::Cow;
use std::time::Duration;

use kitfox_core::Metadata;
use kitfox_core::setting::{DURATION, Form, Key, Keyed, NUMBER, NUMBER_32, REAL, key};

use crate::Mode;
use crate::mode::MODE;

/// Not more than `rate` calls in a second, and `burst` at once.
///
/// ```
/// use kitfox_core::setting::Keyed;
/// use kitfox_resilience::{Mode, RateLimitKey, RateLimitSettings};
///
/// let mut settings = RateLimitSettings { rate: 50.0, key: RateLimitKey::Peer, ..Default::default() };
/// settings.set("mode", "on").unwrap();
/// assert_eq!(settings.mode, Mode::On);
/// assert!(settings.check().is_ok());
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct RateLimitSettings {
    /// Off by default: nobody but you knows the number.
    pub mode: Mode,
    /// Calls in a second. 100 by default.
    pub rate: f64,
    /// Calls at once, when there were none for a while. 20 by default.
    pub burst: u32,
    /// Whose calls are counted together: everybody's by default.
    pub key: RateLimitKey,
    /// How many keys are told apart, 10,000 by default. Where more are busy at the same time, those
    /// that come later share one limit.
    pub keys: usize,
    /// How long a call may wait for its turn instead of being refused: not at all by default. It
    /// never waits past its deadline.
    pub wait: Duration,
    /// Which answers say what is left, in the headers `RateLimit` and `RateLimit-Policy` (IETF draft
    /// `httpapi-ratelimit-headers`): refusals by default.
    pub headers: RateLimitHeaders,
}

/// Whose calls are counted together.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum RateLimitKey {
    /// Everybody's.
    #[default]
    All,
    /// Those of one IP address; of IPv6 those of one network of 64 bits, which one caller has all of.
    Peer,
    /// Those of one principal; those without one by their IP address.
    Principal,
    /// Those of one method.
    Method,
    /// Those with one value of this header; those without it are one.
    Header(Cow<'static, str>),
}

/// Which answers say what is left.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum RateLimitHeaders {
    /// None.
    Never,
    /// Those that refuse.
    #[default]
    Refusals,
    /// All.
    Always,
}

impl Default for RateLimitSettings {
    fn default() -> Self {
        RateLimitSettings {
            mode: Mode::Off,
            rate: 100.0,
            burst: 20,
            key: RateLimitKey::All,
            keys: 10_000,
            wait: Duration::ZERO,
            headers: RateLimitHeaders::Refusals,
        }
    }
}

const KEY: Form<RateLimitKey> = Form {
    expects: "`all`, `peer`, `principal`, `method`, or `header:` and the name of a header",
    parse: |text| match text {
        "all" => Some(RateLimitKey::All),
        "peer" => Some(RateLimitKey::Peer),
        "principal" => Some(RateLimitKey::Principal),
        "method" => Some(RateLimitKey::Method),
        _ => {
            let name = text.strip_prefix("header:")?.trim().to_ascii_lowercase();
            Metadata::is_name(&name).then_some(RateLimitKey::Header(Cow::Owned(name)))
        }
    },
    show: |key| match key {
        RateLimitKey::All => "all".to_owned(),
        RateLimitKey::Peer => "peer".to_owned(),
        RateLimitKey::Principal => "principal".to_owned(),
        RateLimitKey::Method => "method".to_owned(),
        RateLimitKey::Header(name) => format!("header:{name}"),
    },
};

const HEADERS: Form<RateLimitHeaders> = Form {
    expects: "`never`, `refusals` or `always`",
    parse: |text| match text {
        "never" => Some(RateLimitHeaders::Never),
        "refusals" => Some(RateLimitHeaders::Refusals),
        "always" => Some(RateLimitHeaders::Always),
        _ => None,
    },
    show: |headers| format!("{headers:?}").to_lowercase(),
};

impl Keyed for RateLimitSettings {
    const NAME: &'static str = "rate_limit";

    #[rustfmt::skip]
    const KEYS: &'static [Key<Self>] = &[
        key!(MODE, mode, "Whether calls are held to the rate."),
        key!(REAL, rate, "Calls in a second."),
        key!(NUMBER_32, burst, "Calls at once, when there were none for a while."),
        key!(KEY, key, "Whose calls are counted together."),
        key!(NUMBER, keys, "How many keys are told apart. Where more are busy at the same time, those that come later share one limit."),
        key!(DURATION, wait, "How long a call may wait for its turn instead of being refused."),
        key!(HEADERS, headers, "Which answers say what is left, in the headers `RateLimit` and `RateLimit-Policy`."),
    ];

    fn check(&self) -> Result<(), String> {
        let why = if !self.rate.is_finite() || self.rate <= 0.0 {
            "`rate` must be more than zero calls in a second"
        } else if self.burst == 0 {
            "a `burst` of 0 would let nothing through: give 1 or more"
        } else if self.keys == 0 && self.key != RateLimitKey::All {
            "with 0 `keys` nobody is told apart: give more, or the key `all`"
        } else {
            return Ok(());
        };
        Err(why.to_owned())
    }
}
