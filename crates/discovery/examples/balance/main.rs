//! How well calls are spread over ten replicas when one of them is in trouble, beside round robin and
//! tower's balancer. In paused time and from seeds, so that every machine prints the same.
//!
//! `cargo run --release -p bench -- balance` runs it; `--check` fails where an aim is missed.
//! `docs/BALANCE.md` holds the tables.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a program for the terminal")]

mod clients;
mod fleet;
mod outcome;
mod simulation;

use std::process::ExitCode;

use clients::Balancer;
use fleet::Trouble;
use outcome::Outcomes;
use simulation::{Case, simulate};

const SEEDS: [u64; 5] = [1, 2, 3, 4, 5];

fn main() -> ExitCode {
    let check = std::env::args().skip(1).any(|argument| argument == "--check");
    let missed: Vec<String> = [1, 16].into_iter().flat_map(print).collect();
    for aim in &missed {
        eprintln!("missed: {aim}");
    }
    if check && !missed.is_empty() { ExitCode::FAILURE } else { ExitCode::SUCCESS }
}

/// Prints the table for so many clients, and gives the aims that were missed.
fn print(clients: usize) -> Vec<String> {
    println!("\n## {clients} client{}\n", if clients == 1 { "" } else { "s" });
    println!(
        "| one of ten | balancer | success % | p50 ms | p99 ms | p99.9 ms | p99 / well | p99.9 / well | aim |"
    );
    println!("|---|---|---:|---:|---:|---:|---:|---:|---|");
    let mut well: Vec<(Balancer, Outcomes)> = Vec::new();
    let mut missed = Vec::new();
    for trouble in Trouble::ALL {
        for balancer in trouble.balancers() {
            let outcomes = measure(Case { trouble, clients, balancer });
            if trouble == Trouble::None {
                well.push((balancer, outcomes.clone()));
            }
            // What retries and hedges bring is measured by what there is without.
            let base = well.iter().find(|(it, _)| *it == balancer.plain());
            let row = Row::new(&outcomes, &base.expect("that all are well comes first").1);
            let aims = aims(trouble, balancer, &row);
            let shown: Vec<&str> = aims.iter().map(|aim| aim.says).collect();
            println!("| {trouble} | {balancer} | {row} | {} |", shown.join(", "));
            let failed = aims.iter().filter(|aim| !aim.holds);
            missed.extend(failed.map(|aim| {
                format!("clients: {clients}, one {trouble}, {balancer}: {}; {row}", aim.says)
            }));
        }
    }
    missed
}

/// The calls of all seeds together.
fn measure(case: Case) -> Outcomes {
    let mut all = Outcomes::default();
    for seed in SEEDS {
        let runtime = tokio::runtime::Builder::new_current_thread();
        let runtime = { runtime }.enable_time().start_paused(true).build();
        all.join(&runtime.expect("it needs no file").block_on(simulate(case, seed)));
    }
    all
}

/// What a row says.
struct Row {
    /// In percent.
    success: f64,
    latencies: [f64; 3],
    /// 99th and 99.9th percentile beside those where all are well.
    ratios: [f64; 2],
}

impl Row {
    fn new(outcomes: &Outcomes, well: &Outcomes) -> Self {
        Row {
            success: 100.0 * outcomes.success(),
            latencies: [0.5, 0.99, 0.999].map(|share| outcomes.percentile(share)),
            ratios: [0.99, 0.999].map(|share| outcomes.percentile(share) / well.percentile(share)),
        }
    }
}

impl std::fmt::Display for Row {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Row { success, latencies: [p50, p99, p999], ratios: [tail, far] } = self;
        write!(f, "{success:.3} | {p50:.0} | {p99:.0} | {p999:.0} | {tail:.2} | {far:.2}")
    }
}

/// Something that is promised.
struct Aim {
    says: &'static str,
    holds: bool,
}

fn aims(trouble: Trouble, balancer: Balancer, row: &Row) -> Vec<Aim> {
    let Row { success, ratios: [tail, far], .. } = *row;
    let aim = |says, holds| vec![Aim { says, holds }];
    match (trouble, balancer) {
        (Trouble::Slow, Balancer::Kitfox) => vec![
            Aim { says: "p99 at most 1.25", holds: tail <= 1.25 },
            Aim { says: "success above 99.99", holds: success > 99.99 },
        ],
        (Trouble::Failing, Balancer::Kitfox) => aim("success above 99", success > 99.0),
        (Trouble::Failing, Balancer::Retries) => aim("success above 99.9", success > 99.9),
        (Trouble::Pausing, Balancer::Kitfox) => aim("p99.9 at most 1.5", far <= 1.5),
        (Trouble::Pausing, Balancer::Hedges) => aim("p99.9 at most 1.2", far <= 1.2),
        _ => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_aim_that_is_missed_is_found() {
        let row = |success, tail| Row { success, latencies: [1.0; 3], ratios: [tail; 2] };
        let holds =
            |row: &Row| aims(Trouble::Slow, Balancer::Kitfox, row).iter().all(|it| it.holds);
        assert!(holds(&row(100.0, 1.25)));
        assert!(!holds(&row(99.98, 1.0)) && !holds(&row(100.0, 1.26)));
        assert!(!holds(&row(f64::NAN, f64::NAN)));
    }

    #[test]
    fn a_seed_repeats() {
        let case = Case { trouble: Trouble::Failing, clients: 2, balancer: Balancer::Retries };
        let run = || {
            let runtime = tokio::runtime::Builder::new_current_thread();
            let runtime = { runtime }.enable_time().start_paused(true).build().unwrap();
            let outcomes = runtime.block_on(simulate(case, 7));
            (outcomes.success(), outcomes.percentile(0.99), outcomes.percentile(0.999))
        };
        assert_eq!(run(), run());
    }
}
