//! Garbage for every decoder of ours.
//!
//! ```text
//! cargo run --release -p fuzz -- [--runs 20000] [--seed 1] [--target message]
//! ```
//!
//! Each target is a function over bytes that panics where something that must hold does not. It is
//! fed with its corpus first (`fuzz/corpus/<target>/`: examples by hand, and whatever was ever
//! found), then with mutations of it. What a target says of an input (its outcome) stands for
//! coverage: an input with a new outcome is mutated further. The same seed makes the same inputs.
//!
//! An input that fails is shortened, printed, and written to the corpus as `found-<hash>`, where
//! the next run begins with it.

#![expect(clippy::print_stdout, reason = "it is a tool for a terminal")]

mod corpus;
mod memory;
#[path = "../../crates/kitfox/tests/messages/model.rs"]
mod model;
mod mutate;
mod outcome;
mod runtime;
mod targets;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::ExitCode;

use corpus::Corpus;
use mutate::Mutator;
use targets::{TARGETS, Target};

/// The most inputs that a target remembers for their outcome.
const POOL: usize = 4096;
/// The most bytes of an input.
const LONGEST: usize = 4096;
/// The most address space that a target may take, for all its inputs together.
const MEMORY: u64 = 256 * 1024 * 1024;
/// What an input may leave behind: contracts live for as long as the process.
const LEFT: u64 = 1024;

struct Arguments {
    runs: u64,
    seed: u64,
    target: Option<String>,
}

fn main() -> ExitCode {
    let arguments = match arguments() {
        Ok(arguments) => arguments,
        Err(why) => {
            println!("{why}\nusage: fuzz [--runs 20000] [--seed 1] [--target <name>]");
            return ExitCode::FAILURE;
        }
    };
    let chosen =
        |target: &&Target| arguments.target.as_deref().is_none_or(|name| name == target.name);
    let chosen: Vec<_> = TARGETS.iter().filter(chosen).collect();
    if chosen.is_empty() {
        println!("there is no such target: {:?}", TARGETS.map(|target| target.name));
        return ExitCode::FAILURE;
    }
    // A panic is an input's failure, and is told with the input.
    std::panic::set_hook(Box::new(|_| {}));
    let sound = chosen.iter().filter(|target| fuzz(target, &arguments)).count();
    if sound == chosen.len() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn arguments() -> Result<Arguments, String> {
    let mut arguments = Arguments { runs: 20_000, seed: 1, target: None };
    let mut words = std::env::args().skip(1);
    while let Some(word) = words.next() {
        let value = words.next().ok_or(format!("{word} needs a value"))?;
        let number = || value.parse().map_err(|_| format!("{word} {value}: it must be a number"));
        match word.as_str() {
            "--runs" => arguments.runs = number()?,
            "--seed" => arguments.seed = number()?,
            "--target" => arguments.target = Some(value),
            _ => return Err(format!("{word} is unknown")),
        }
    }
    Ok(arguments)
}

/// Feeds `target`; whether nothing failed.
fn fuzz(target: &Target, arguments: &Arguments) -> bool {
    let corpus = Corpus::of(target.name);
    let mut mutator = Mutator::new(arguments.seed, target.words);
    let mut pool = corpus.inputs();
    let (kept, before) = (pool.len(), memory::reserved());
    let mut outcomes = std::collections::HashSet::new();
    for input in &pool {
        match outcome(target, input) {
            Ok(outcome) => drop(outcomes.insert(outcome)),
            Err(why) => return failed(target, &corpus, input, &why),
        }
    }
    for _ in 0..arguments.runs {
        let input = mutator.next(&pool, LONGEST);
        match outcome(target, &input) {
            Ok(outcome) if pool.len() < POOL && outcomes.insert(outcome) => pool.push(input),
            Ok(_) => {}
            Err(why) => return failed(target, &corpus, &input, &why),
        }
    }
    let grown = memory::reserved().saturating_sub(before);
    let (name, runs) = (target.name, arguments.runs);
    println!("{name:>8}: {kept} kept and {runs} new inputs, {} outcomes", outcomes.len());
    let most = MEMORY + LEFT * arguments.runs;
    if grown > most {
        println!("{name:>8}: FAILED: {} MiB were reserved for small inputs", grown >> 20);
    }
    grown <= most
}

/// What `target` says of `input`, or why it panicked.
fn outcome(target: &Target, input: &[u8]) -> Result<u64, String> {
    catch_unwind(AssertUnwindSafe(|| (target.run)(input))).map_err(|panic| {
        let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
        text.or_else(|| panic.downcast_ref::<String>().cloned()).unwrap_or_default()
    })
}

/// Tells of `input`, in as few bytes as fail, too.
fn failed(target: &Target, corpus: &Corpus, input: &[u8], why: &str) -> bool {
    let short = mutate::shorten(input, |input| outcome(target, input).is_err());
    let why = outcome(target, &short).err().unwrap_or_else(|| why.to_owned());
    println!("{:>8}: FAILED: {why}\n  {}", target.name, short.escape_ascii());
    match corpus.keep(&short) {
        Ok(path) => println!("  kept as {}", path.display()),
        Err(error) => println!("  it cannot be kept: {error}"),
    }
    false
}
