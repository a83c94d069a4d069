//! What a call costs, counted and not timed.
//!
//! Everything is counted twice, in a short run and in a long one; the difference divided by the
//! difference in messages is the price of one. So start-up, the opening of connections and warm-up
//! cancel.

pub(crate) mod callgrind;
pub(crate) mod dhat;
pub(crate) mod strace;

use crate::failure::Failure;
use crate::load::Call;

/// The price of one message, from a count that a run of so many calls yields.
fn per_message<const N: usize>(
    call: Call,
    mut count: impl FnMut(usize) -> Result<[u64; N], Failure>,
) -> Result<[f64; N], Failure> {
    let runs = call.runs();
    Ok(each(call, [count(runs[0])?, count(runs[1])?]))
}

/// The same of counts of the short and of the long run.
fn each<const N: usize>(call: Call, [short, long]: [[u64; N]; 2]) -> [f64; N] {
    let runs = call.runs();
    let messages = (runs[1] - runs[0]) * call.messages();
    std::array::from_fn(|index| difference(short[index], long[index], messages))
}

fn difference(short: u64, long: u64, messages: usize) -> f64 {
    // Exact: counts of a run of seconds stay far below 2^53.
    (long as f64 - short as f64) / messages as f64
}
