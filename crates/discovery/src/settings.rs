//! What can be set about the pick among replicas.

use std::time::Duration;

use kitfox_core::Metadata;
use kitfox_core::setting::{
    DURATION, Form, Key, Keyed, NUMBER, NUMBER_32, REAL, SHARE, SWITCH, key,
};

/// How one of many replicas is picked, and when one of them is left out.
///
/// ```
/// use kitfox_core::setting::Keyed;
/// use kitfox_discovery::{BalanceSettings, Policy};
///
/// let mut settings = BalanceSettings::default();
/// settings.set("policy", "round_robin").unwrap();
/// assert_eq!(settings.policy, Policy::RoundRobin);
/// assert!(settings.check().is_ok());
/// ```
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct BalanceSettings {
    /// How the pick is made: the better of two by default.
    pub policy: Policy,
    /// Where the key of a call comes from, for [`Policy::Hash`].
    pub hash_by: HashBy,
    /// How many times the mean load a replica may have before [`Policy::Hash`] passes it by; 1.25 by
    /// default (Mirrokni, Thorup, Zadimoghaddam: "Consistent hashing with bounded loads", 2016).
    pub hash_bound: f64,
    /// How long a latency is remembered: after so long its weight is a third. 10 s by default
    /// (Finagle).
    pub memory: Duration,
    /// What is assumed of a replica that has answered nothing yet: 30 ms by default (linkerd).
    pub first_latency: Duration,
    /// How much slower than it is a replica counts that fails all its calls; less where it fails some
    /// of them. Otherwise one that fails fast would draw calls. 5 s by default (linkerd).
    pub penalty: Duration,
    /// How long a replica that has joined takes fewer calls, beginning with a tenth: 10 s by default.
    /// Those who are there at the start take all at once.
    pub slow_start: Duration,
    /// Where this process runs: replicas of this zone are preferred. Nowhere by default.
    pub zone: String,
    /// How many times faster a replica of another zone must be expected to answer to be taken
    /// instead of one of this zone: 2 by default.
    pub zone_worth: f64,
    /// Below which share of healthy replicas it does not matter any more who is: 0.5 by default
    /// (Envoy). What is wrong then is not the replicas, or all of them.
    pub panic: f64,
    /// How many of the replicas this process uses; all (0) by default. Each process takes others: see
    /// [`client`](BalanceSettings::client).
    pub subset: usize,
    /// Which of its peers this process is, from 0, such as the ordinal of a stateful set: then the
    /// [subsets](BalanceSettings::subset) of all are spread evenly, and each has the same one after a
    /// restart. None by default: subsets are spread by chance, and stay the same as long as
    /// [`identify`](crate::Balanced::identify) is told the same.
    pub client: Option<u32>,
    /// How long a call waits for the first list of replicas, never past its deadline: 1 s by default.
    pub first_list: Duration,
    /// When a replica is left out.
    pub health: HealthSettings,
}

/// When a replica is left out, and for how long (Envoy's outlier ejection).
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct HealthSettings {
    /// Whether any is: by default.
    pub eject: bool,
    /// After so many failures with no success between them: 5 by default.
    pub consecutive: u32,
    /// For so long at first, each time as much longer, and up to half longer by chance: 30 s by
    /// default.
    pub time: Duration,
    /// At most for so long: 5 min by default.
    pub longest: Duration,
    /// At most this share of the replicas at the same time, though always one and never the last:
    /// half by default, since with fewer [healthy ones](BalanceSettings::panic) it would not matter.
    pub share: f64,
    /// How often rates of success are compared: every 10 s by default.
    pub interval: Duration,
    /// Among at least so many replicas: 5 by default.
    pub least_replicas: u32,
    /// That had at least so many calls in the interval: 100 by default.
    pub least_calls: u32,
    /// Left out is who succeeds less often than the mean by so many standard deviations: 1.9 by
    /// default.
    pub deviations: f64,
}

/// How one of many replicas is picked.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Policy {
    /// The better of two that are drawn by chance ("power of two choices"): the one that is expected
    /// to answer sooner, by its peak latency, its calls in flight and its failures.
    #[default]
    P2c,
    /// One after the other.
    RoundRobin,
    /// The same one for calls with the same key, as long as it has not much more to do than the
    /// others. A call without a key goes as by `P2c`.
    Hash,
}

/// Where the key of a call comes from.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum HashBy {
    /// The [`HashKey`](crate::HashKey) in the call's context.
    #[default]
    Value,
    /// The header of this name that goes out with the call.
    Header(String),
}

impl Default for BalanceSettings {
    fn default() -> Self {
        BalanceSettings {
            policy: Policy::P2c,
            hash_by: HashBy::Value,
            hash_bound: 1.25,
            memory: Duration::from_secs(10),
            first_latency: Duration::from_millis(30),
            penalty: Duration::from_secs(5),
            slow_start: Duration::from_secs(10),
            zone: String::new(),
            zone_worth: 2.0,
            panic: 0.5,
            subset: 0,
            client: None,
            first_list: Duration::from_secs(1),
            health: HealthSettings::default(),
        }
    }
}

impl Default for HealthSettings {
    fn default() -> Self {
        HealthSettings {
            eject: true,
            consecutive: 5,
            time: Duration::from_secs(30),
            longest: Duration::from_secs(300),
            share: 0.5,
            interval: Duration::from_secs(10),
            least_replicas: 5,
            least_calls: 100,
            deviations: 1.9,
        }
    }
}

const POLICY: Form<Policy> = Form {
    expects: "`p2c`, `round_robin` or `hash`",
    parse: |text| match text {
        "p2c" => Some(Policy::P2c),
        "round_robin" => Some(Policy::RoundRobin),
        "hash" => Some(Policy::Hash),
        _ => None,
    },
    show: |policy| policy.name().to_owned(),
};

const HASH_BY: Form<HashBy> = Form {
    expects: "`value`, or `header:` and the name of a header",
    parse: |text| match text.strip_prefix("header:").map(str::trim) {
        None => (text == "value").then_some(HashBy::Value),
        Some(name) => Metadata::is_name(name).then(|| HashBy::Header(name.to_ascii_lowercase())),
    },
    show: |by| match by {
        HashBy::Value => "value".to_owned(),
        HashBy::Header(name) => format!("header:{name}"),
    },
};

const ZONE: Form<String> = Form {
    expects: "the name of a zone, or `none`",
    parse: |text| Some(if text == "none" { String::new() } else { text.to_owned() }),
    show: |zone| if zone.is_empty() { "none".to_owned() } else { zone.clone() },
};

const CLIENT: Form<Option<u32>> = Form {
    expects: "`none`, or a whole number below 2^32, such as `0`",
    parse: |text| if text == "none" { Some(None) } else { text.parse().ok().map(Some) },
    show: |client| client.map_or_else(|| "none".to_owned(), |client| client.to_string()),
};

impl Policy {
    /// As it is written.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Policy::P2c => "p2c",
            Policy::RoundRobin => "round_robin",
            Policy::Hash => "hash",
        }
    }
}

impl Keyed for BalanceSettings {
    const NAME: &'static str = "balance";

    #[rustfmt::skip]
    const KEYS: &'static [Key<Self>] = &[
        key!(POLICY, policy, "How a replica is picked: the better of two, in turn, or by a key."),
        key!(HASH_BY, hash_by, "Where the key of a call comes from, for `hash`."),
        key!(REAL, hash_bound, "How many times the mean load a replica may have before `hash` passes it by."),
        key!(DURATION, memory, "How long latencies and failures are remembered."),
        key!(DURATION, first_latency, "What is assumed of a replica that has answered nothing yet."),
        key!(DURATION, penalty, "How much slower a replica counts that fails all its calls."),
        key!(DURATION, slow_start, "How long a replica that has joined takes fewer calls."),
        key!(ZONE, zone, "Where this process runs: replicas of this zone are preferred."),
        key!(REAL, zone_worth, "How many times faster a replica of another zone must be to be taken instead."),
        key!(SHARE, panic, "Below which share of healthy replicas health is ignored."),
        key!(NUMBER, subset, "How many of the replicas this process uses; 0 are all."),
        key!(CLIENT, client, "Which of its peers this process is, from 0, so that subsets are spread evenly."),
        key!(DURATION, first_list, "How long a call waits for the first list of replicas."),
        key!(SWITCH, health.eject, "Whether replicas that fail are left out for a time."),
        key!(NUMBER_32, health.consecutive, "After how many failures in a row."),
        key!(DURATION, health.time, "For how long at first."),
        key!(DURATION, health.longest, "For how long at most."),
        key!(SHARE, health.share, "Which share of the replicas at most; always one, never the last."),
        key!(DURATION, health.interval, "How often rates of success are compared."),
        key!(NUMBER_32, health.least_replicas, "Among how many replicas at least."),
        key!(NUMBER_32, health.least_calls, "That had at least so many calls in the interval."),
        key!(REAL, health.deviations, "How many standard deviations below the mean is too few."),
    ];

    fn check(&self) -> Result<(), String> {
        let health = &self.health;
        let why = if self.memory.is_zero() {
            "a `memory` of 0s would forget every latency at once: give more"
        } else if self.hash_bound <= 1.0 {
            "`hash_bound` must be more than 1, or the replicas together could not take all calls"
        } else if self.zone_worth < 1.0 {
            "a `zone_worth` below 1 would prefer other zones to this one: give 1 or more"
        } else if health.consecutive == 0 {
            "`health.consecutive` of 0 would leave out who never failed: give 1 or more"
        } else if health.time.is_zero() || health.interval.is_zero() {
            "`health.time` and `health.interval` must be more than 0s"
        } else if health.longest < health.time {
            "`health.longest` is shorter than `health.time`: give at least that"
        } else {
            return Ok(());
        };
        Err(why.to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_defaults_make_sense_and_are_read_as_they_are_shown() {
        let defaults = BalanceSettings::default();
        assert_eq!(defaults.check(), Ok(()));
        let mut read = defaults.clone();
        for key in BalanceSettings::KEYS {
            read.set(key.name, &(key.show)(&defaults)).unwrap();
        }
        assert_eq!(read, defaults);
    }

    #[test]
    fn what_makes_no_sense_is_refused_with_a_way_out() {
        for (key, text) in [
            ("memory", "0s"),
            ("hash_bound", "1"),
            ("zone_worth", "0.5"),
            ("health.consecutive", "0"),
            ("health.longest", "1s"),
        ] {
            let mut settings = BalanceSettings::default();
            settings.set(key, text).unwrap();
            assert!(settings.check().unwrap_err().contains(key), "{key}");
        }
    }
}
