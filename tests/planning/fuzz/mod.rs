//! Random cases against the clock (`make fuzz`): whatever comes in, nothing panics and what goes out is right.
//!
//! A case is made from its seed alone, so that `FUZZ_SEED` repeats it.

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::time::{Duration, Instant};

use fastrand::Rng;
use serde_json::Value;

pub(super) mod json;
mod requests;
mod streams;

fn number(variable: &str) -> Option<u64> {
    let value = std::env::var(variable).ok()?;
    Some(value.parse().expect("a number"))
}

/// Runs cases for `FUZZ_SECONDS` (600), or the one that `FUZZ_SEED` names. `case` gets its own source of chance.
pub(super) fn run(what: &str, mut case: impl FnMut(&mut Rng)) {
    let seed = number("FUZZ_SEED");
    let limit = Duration::from_secs(number("FUZZ_SECONDS").unwrap_or(600));
    let first = seed.unwrap_or_else(|| fastrand::u64(..1 << 48));
    let begun = Instant::now();
    let mut cases = 0;
    while cases == 0 || seed.is_none() && begun.elapsed() < limit {
        let seed = first + cases;
        let outcome = catch_unwind(AssertUnwindSafe(|| case(&mut Rng::with_seed(seed))));
        if let Err(panic) = outcome {
            println!("{what}: replay with FUZZ_SEED={seed}");
            resume_unwind(panic);
        }
        cases += 1;
    }
    let seconds = begun.elapsed().as_secs_f64();
    println!(
        "{what}: {cases} cases in {seconds:.0} s, {:.0} a second, seeds from {first}",
        cases as f64 / seconds
    );
}

/// One of them.
pub(super) fn one<'a, T>(rng: &mut Rng, of: &'a [T]) -> &'a T {
    &of[rng.usize(..of.len())]
}

/// Bytes with some of them changed, left out, doubled, or cut off.
pub(super) fn garbled(rng: &mut Rng, mut bytes: Vec<u8>) -> Vec<u8> {
    for _ in 0..rng.usize(1..4) {
        if bytes.is_empty() {
            break;
        }
        let at = rng.usize(..bytes.len());
        match rng.u8(..5) {
            0 => bytes[at] ^= 1 << rng.u8(..8),
            1 => bytes[at] = rng.u8(..),
            2 => bytes.truncate(at),
            3 => {
                let end = bytes.len().min(at + rng.usize(1..40));
                bytes.drain(at..end);
            }
            _ => {
                let end = bytes.len().min(at + rng.usize(1..40));
                let again = bytes[at..end].to_vec();
                bytes.splice(at..at, again);
            }
        }
    }
    bytes
}

/// Every object of a JSON Lines file's text.
pub(super) fn lines(text: &str) -> Vec<Value> {
    text.lines()
        .filter_map(|line| serde_json::from_str(line).ok())
        .collect()
}
