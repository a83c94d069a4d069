//! How long a replica is expected to take for one more call.
//!
//! Peak EWMA (Finagle, linkerd): an average of latencies in which one that is above it counts at
//! once and is forgotten slowly, times the calls that are there already. Three things are added.
//! Failures count as slowness (linkerd's load biaser), or a replica that fails at once would draw
//! all calls; here by their share, so that one failure of thousands is no verdict. A replica that
//! says nothing while calls wait for it counts as slow as that silence is long, before any of them
//! is over. And a call that its caller gave up has taken at least as long as that.
//!
//! Each number is an atomic of its own, so that readers may see one call more in one than in
//! another: of an estimate that is good enough.

use std::sync::atomic::{AtomicU64, Ordering};

use crate::BalanceSettings;

/// What a load is computed by, as computing needs it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct LoadRules {
    pub(crate) forgetting: Forgetting,
    /// What is assumed of a replica that has answered nothing yet, in nanoseconds.
    first: f64,
    /// How much slower than it is a replica counts that fails all its calls, in nanoseconds.
    penalty: f64,
}

impl LoadRules {
    pub(crate) fn new(settings: &BalanceSettings) -> Self {
        let memory = settings.memory.as_nanos() as f64;
        LoadRules {
            forgetting: Forgetting(1.0 / memory),
            first: settings.first_latency.as_nanos() as f64,
            penalty: settings.penalty.as_nanos() as f64,
        }
    }
}

/// How fast averages are forgotten: one, by the nanoseconds after which a third is left.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Forgetting(f64);

impl Forgetting {
    /// What is left of an average after a time.
    fn left(self, then: u64, now: u64) -> f64 {
        let x = float(now.saturating_sub(then)) * self.0;
        // Between two calls next to nothing is forgotten, and that is quickly said: the first terms
        // of the exponential, right to a millionth.
        if x < 1.0 / 1024.0 { 1.0 - x } else { Forgetting::rest(x) }
    }

    #[inline(never)]
    fn rest(x: f64) -> f64 {
        if x < 1.0 / 64.0 { 1.0 - x * (1.0 - x * 0.5) } else { (-x).exp() }
    }

    pub(crate) fn to_bits(self) -> u64 {
        self.0.to_bits()
    }

    pub(crate) fn from_bits(bits: u64) -> Self {
        Forgetting(f64::from_bits(bits))
    }
}

/// The load of one replica. Times are in nanoseconds since its balancer began.
#[derive(Debug)]
pub(crate) struct Load {
    /// Calls whose answer has not begun, and above them calls that are not over.
    calls: AtomicU64,
    /// When an answer came last, or the first of those began that wait.
    heard: AtomicU64,
    /// The average latency, as the bits of a number of nanoseconds.
    latency: AtomicU64,
    /// The average share of failures, as bits.
    failures: AtomicU64,
    /// When the averages were changed last.
    changed: AtomicU64,
}

const OPEN: u64 = 1 << 32;
const WAITING: u64 = OPEN - 1;

impl Load {
    pub(crate) fn new(now: u64, rules: &LoadRules) -> Self {
        let latency = rules.first;
        Load {
            calls: AtomicU64::new(0),
            heard: AtomicU64::new(now),
            latency: AtomicU64::new(latency.to_bits()),
            failures: AtomicU64::new(0.0_f64.to_bits()),
            changed: AtomicU64::new(now),
        }
    }

    /// A call is sent.
    pub(crate) fn begin(&self, now: u64) {
        let before = self.calls.fetch_add(OPEN | 1, Ordering::Relaxed);
        if before & WAITING == 0 {
            self.heard.store(now, Ordering::Relaxed);
        }
    }

    /// Its answer has come, `latency` after it was sent. It is over only with [`Load::end`].
    pub(crate) fn answer(&self, now: u64, latency: u64, failed: bool, forgetting: Forgetting) {
        self.calls.fetch_sub(1, Ordering::Relaxed);
        self.heard.store(now, Ordering::Relaxed);
        let weight = forgetting.left(self.changed.swap(now, Ordering::Relaxed), now);
        let latency = float(latency);
        update(&self.latency, |average| match failed {
            _ if latency > average => latency,
            // How fast it fails says nothing about how fast it is.
            true => average,
            false => latency * (1.0 - weight) + average * weight,
        });
        let sample = if failed { 1.0 } else { 0.0 };
        if failed || f64::from_bits(self.failures.load(Ordering::Relaxed)) > 0.0 {
            update(&self.failures, |share| sample * (1.0 - weight) + share * weight);
        }
    }

    /// Its caller gave it up before there was an answer.
    pub(crate) fn give_up(&self, latency: u64) {
        self.calls.fetch_sub(1, Ordering::Relaxed);
        let latency = float(latency);
        if latency > f64::from_bits(self.latency.load(Ordering::Relaxed)) {
            update(&self.latency, |average| average.max(latency));
        }
    }

    /// A call is over.
    pub(crate) fn end(&self) {
        self.calls.fetch_sub(OPEN, Ordering::Relaxed);
    }

    /// How many calls are not over.
    pub(crate) fn open(&self) -> u32 {
        (self.calls.load(Ordering::Relaxed) >> 32) as u32
    }

    /// The average latency in nanoseconds, as it is now.
    pub(crate) fn latency(&self, now: u64, rules: &LoadRules) -> f64 {
        f64::from_bits(self.latency.load(Ordering::Relaxed)) * self.left(now, rules)
    }

    /// How long a call takes there, in nanoseconds: the average, or the silence where that is longer.
    /// Of who is hardly ever called no less is assumed than of who was never called.
    pub(crate) fn pace(&self, now: u64, rules: &LoadRules) -> f64 {
        let calls = self.calls.load(Ordering::Relaxed);
        let known = f64::from_bits(self.latency.load(Ordering::Relaxed));
        let average = self.latency(now, rules).max(known.min(rules.first));
        self.silence(calls, now).map_or(average, |silence| average.max(silence))
    }

    /// How long it has said nothing, where somebody waits for an answer.
    fn silence(&self, calls: u64, now: u64) -> Option<f64> {
        (calls & WAITING > 0).then(|| now.saturating_sub(self.heard.load(Ordering::Relaxed)) as f64)
    }

    /// How long one more call is expected to take, in nanoseconds: only to be compared.
    #[inline]
    pub(crate) fn score(&self, now: u64, rules: &LoadRules) -> f64 {
        let calls = self.calls.load(Ordering::Relaxed);
        let left = self.left(now, rules);
        let average = f64::from_bits(self.latency.load(Ordering::Relaxed)) * left;
        let latency = self.silence(calls, now).map_or(average, |silence| average.max(silence));
        let failures = f64::from_bits(self.failures.load(Ordering::Relaxed));
        let score = latency * f64::from((calls >> 32) as u32 + 1);
        if failures == 0.0 {
            return score;
        }
        score + failures * left * rules.penalty
    }

    /// What is left of the averages.
    fn left(&self, now: u64, rules: &LoadRules) -> f64 {
        rules.forgetting.left(self.changed.load(Ordering::Relaxed), now)
    }
}

/// Of a time in nanoseconds. A signed number becomes a float by one instruction, and is long enough.
#[expect(clippy::cast_possible_wrap, reason = "nobody waits for 292 years")]
fn float(nanoseconds: u64) -> f64 {
    nanoseconds as i64 as f64
}

fn update(number: &AtomicU64, change: impl Fn(f64) -> f64) {
    let bits = |bits| Some(change(f64::from_bits(bits)).to_bits());
    let changed = number.fetch_update(Ordering::Relaxed, Ordering::Relaxed, bits);
    changed.expect("the change is never none");
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: u64 = 1_000_000;

    fn load() -> (Load, LoadRules) {
        let rules = LoadRules::new(&BalanceSettings::default());
        (Load::new(0, &rules), rules)
    }

    #[test]
    fn little_is_forgotten_as_the_exponential_has_it() {
        let forgetting = Forgetting(1e-9);
        for nanoseconds in
            [0, 1, 976_000, 977_000, 10 * MS, 15_624_999, 15_625_001, 126 * MS, 5_000 * MS]
        {
            let exact = (-(nanoseconds as f64) * 1e-9).exp();
            let left = forgetting.left(7, 7 + nanoseconds);
            assert!((left - exact).abs() < 1e-6, "{left} {exact}");
        }
        assert_eq!(forgetting.left(7, 5), 1.0, "a clock that another thread read");
    }

    fn call(load: &Load, at: u64, took: u64, failed: bool, rules: &LoadRules) {
        load.begin(at);
        load.answer(at + took, took, failed, rules.forgetting);
        load.end();
    }

    #[test]
    fn a_latency_above_the_average_counts_at_once_and_one_below_by_and_by() {
        let (load, rules) = load();
        call(&load, 0, 90 * MS, false, &rules);
        assert_eq!(load.latency(90 * MS, &rules).round(), 90e6);
        call(&load, 5_000 * MS, MS, false, &rules);
        let latency = load.latency(5_001 * MS, &rules);
        let weight = (-0.4911_f64).exp();
        let expected = 90e6 * weight + 1e6 * (1.0 - weight);
        assert!((latency / expected - 1.0).abs() < 0.01, "{latency} {expected}");
    }

    #[test]
    fn an_open_stream_counts_until_it_is_over() {
        let (load, rules) = load();
        let alone = load.score(0, &rules);
        load.begin(0);
        load.answer(0, 0, false, rules.forgetting);
        assert_eq!(load.score(0, &rules), alone * 2.0);
        assert_eq!(load.open(), 1);
        load.end();
        assert_eq!(load.score(0, &rules), alone);
    }

    #[test]
    fn silence_counts_while_somebody_waits_for_an_answer() {
        let (load, rules) = load();
        load.begin(0);
        assert_eq!(load.score(500 * MS, &rules), 1_000e6);
        load.answer(500 * MS, MS, false, rules.forgetting);
        assert!(load.score(900 * MS, &rules) < 60e6, "a stream may be silent");
    }

    #[test]
    fn who_fails_at_once_is_no_better_for_it() {
        let (bad, rules) = load();
        let (good, _) = load();
        for second in 0..5 {
            call(&bad, second * 1_000 * MS, 0, true, &rules);
            call(&good, second * 1_000 * MS, 20 * MS, false, &rules);
        }
        let now = 5_000 * MS;
        assert!(bad.score(now, &rules) > 20.0 * good.score(now, &rules));
    }

    #[test]
    fn one_failure_among_thousands_is_no_verdict() {
        let (load, rules) = load();
        for number in 0..5_000_u64 {
            call(&load, number * MS, MS, number == 4_000, &rules);
        }
        let without = load.latency(5_000 * MS, &rules);
        assert!(load.score(5_000 * MS, &rules) < without * 1.1);
    }

    #[test]
    fn a_call_that_was_given_up_took_at_least_as_long() {
        let (load, rules) = load();
        load.begin(0);
        load.give_up(400 * MS);
        load.end();
        assert_eq!(load.score(0, &rules), 400e6);
    }
}
