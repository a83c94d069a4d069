//! What becomes of a server that three times more is asked of than it can do: with the adaptive
//! concurrency limit and shedding, and without. In paused time, so that every machine prints the same.
//!
//! `cargo run -p bench -- overload` runs it; `--check` fails where an aim is missed.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a program for the terminal")]

mod model;

use std::process::ExitCode;
use std::time::Duration;

use kitfox_core::Criticality;
use model::{CAPACITY, Call, Phase, Run, goodput, run, success};

const SEEDS: [u64; 5] = [1, 2, 3, 4, 5];

/// The first seconds of a phase, in which the limit finds its place; they are not measured.
const SETTLING: u32 = 5;
/// The seconds that are.
const MEASURED: u32 = 15;

fn main() -> ExitCode {
    let check = std::env::args().skip(1).any(|argument| argument == "--check");
    let missed = print();
    for aim in &missed {
        eprintln!("missed: {aim}");
    }
    if check && !missed.is_empty() { ExitCode::FAILURE } else { ExitCode::SUCCESS }
}

/// Prints the table; gives the aims that are missed.
fn print() -> Vec<String> {
    println!("A server that can do {CAPACITY} calls a second; worst of seeds {SEEDS:?}.\n");
    println!("| load | limit | answered/s | of peak | critical | others | p50 | p99 |");
    println!("|---:|---|---:|---:|---:|---:|---:|---:|");
    let peak = peak();
    for protected in [true, false] {
        for load in [0.5, 0.8, 1.0, 1.5, 2.0, 3.0, 5.0] {
            let worst = SEEDS.map(|seed| Steady::of(seed, protected, load));
            let worst = worst.iter().min_by(|a, b| a.goodput.total_cmp(&b.goodput));
            println!("{}", worst.expect("there are seeds").row(load, protected, peak));
        }
    }
    let bursts = SEEDS.map(Burst::of);
    let slowest = bursts.iter().map(|burst| burst.recovered).fold(0.0, f64::max);
    println!("\nAfter three times its capacity for 20 s: all is well again within {slowest} s.");
    SEEDS.iter().zip(&bursts).flat_map(|(seed, burst)| burst.missed(*seed, peak)).collect()
}

/// The most calls a second that the protected server ever answers, on average over the seeds.
fn peak() -> f64 {
    let loads = [0.9, 1.0, 1.1, 1.2];
    let at = |load| SEEDS.map(|seed| Steady::of(seed, true, load).goodput).iter().sum::<f64>();
    loads.map(at).into_iter().fold(0.0, f64::max) / SEEDS.len() as f64
}

/// One load that lasts.
struct Steady {
    goodput: f64,
    critical: f64,
    others: f64,
    took: Vec<Duration>,
    limit: usize,
}

impl Steady {
    fn of(seed: u64, protected: bool, load: f64) -> Self {
        let run = run(seed, protected, &[Phase { load, seconds: SETTLING + MEASURED }]);
        let calls = run.between(f64::from(SETTLING), f64::from(SETTLING + MEASURED));
        let mut took: Vec<_> = calls.iter().filter_map(|call| call.answered).collect();
        took.sort();
        let others: Vec<Call> =
            calls.iter().filter(|call| call.criticality < Criticality::Critical).copied().collect();
        Steady {
            goodput: goodput(&calls, f64::from(MEASURED)),
            critical: success(&calls, Criticality::Critical),
            others: success(&others, Criticality::Sheddable),
            took,
            limit: run.limits.last().copied().unwrap_or_default(),
        }
    }

    fn row(&self, load: f64, protected: bool, peak: f64) -> String {
        let at = |share: f64| {
            #[expect(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                reason = "an index below the length"
            )]
            let index = (self.took.len() as f64 * share) as usize;
            self.took.get(index).map_or("-".to_owned(), |took| format!("{} ms", took.as_millis()))
        };
        let limit = if protected { self.limit.to_string() } else { "none".to_owned() };
        format!(
            "| {load} | {limit} | {:.0} | {:.1} % | {:.2} % | {:.1} % | {} | {} |",
            self.goodput,
            100.0 * self.goodput / peak,
            100.0 * self.critical,
            100.0 * self.others,
            at(0.5),
            at(0.99),
        )
    }
}

/// Three times the capacity, between times of seven tenths.
struct Burst {
    goodput: f64,
    critical: f64,
    /// Seconds after the end of the burst.
    recovered: f64,
}

impl Burst {
    const CALM: u32 = 20;
    const STORM: u32 = 20;

    fn of(seed: u64) -> Self {
        let calm = Phase { load: 0.7, seconds: Burst::CALM };
        let storm = Phase { load: 3.0, seconds: Burst::STORM };
        let run = run(seed, true, &[calm, storm, calm]);
        let (begin, end) = (f64::from(Burst::CALM), f64::from(Burst::CALM + Burst::STORM));
        let calls = run.between(begin, end);
        Burst {
            goodput: goodput(&calls, end - begin),
            critical: success(&calls, Criticality::Critical),
            recovered: Burst::recovered(&run, end),
        }
    }

    /// When of all calls 99 % are answered again, from then on for all seconds together.
    fn recovered(run: &Run, end: f64) -> f64 {
        let calm = f64::from(Burst::CALM);
        let well = |from: &f64| {
            success(&run.between(end + from, end + calm), Criticality::Sheddable) > 0.99
        };
        (0..Burst::CALM).map(f64::from).find(well).unwrap_or(f64::INFINITY)
    }

    fn missed(&self, seed: u64, peak: f64) -> Vec<String> {
        let share = self.goodput / peak;
        let mut missed = Vec::new();
        if share < 0.90 {
            missed.push(format!("seed {seed}: goodput is {share:.3} of the peak, not 0.90"));
        }
        if self.critical <= 0.99 {
            missed.push(format!("seed {seed}: {:.4} of critical calls, not 0.99", self.critical));
        }
        if self.recovered > 3.0 {
            missed.push(format!("seed {seed}: well again after {} s, not 3", self.recovered));
        }
        missed
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn at_three_times_its_load_a_server_keeps_its_goodput_and_its_critical_calls_and_recovers() {
        let peak = Steady::of(1, true, 1.1).goodput;
        assert!(peak > 0.9 * CAPACITY, "{peak}");
        let missed = Burst::of(1).missed(1, peak);
        assert!(missed.is_empty(), "{missed:?}");
    }

    #[test]
    fn without_the_limit_nobody_gets_an_answer_in_time() {
        let goodput = Steady::of(1, false, 3.0).goodput;
        assert!(goodput < 0.5 * CAPACITY, "{goodput}: it does not show what the limit is for");
    }

    #[test]
    fn a_seed_repeats() {
        let of = || Steady::of(7, true, 2.0);
        assert_eq!(of().took, of().took);
    }
}
