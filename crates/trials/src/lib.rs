//! Chance in tests: which seed it has, and how much of it there is. For tests alone.
//!
//! | variable | meaning |
//! |---|---|
//! | `SMSFACTORY_SEED` | a number; `random` for another one in each process; 1 without it, the same for each gate |
//! | `SMSFACTORY_EFFORT` | how many times as many cases a property is tried with; 1 without it |
//!
//! A property that fails shows the line that repeats it.
#![allow(clippy::print_stderr, reason = "the harness shows what a test printed when it fails")]

use std::env;
use std::hash::{BuildHasher, RandomState};
use std::sync::OnceLock;

use proptest::test_runner::{Config, RngSeed};

/// The variable with the seed.
pub const SEED: &str = "SMSFACTORY_SEED";

/// The variable with the factor of cases.
pub const EFFORT: &str = "SMSFACTORY_EFFORT";

/// The seed of this process.
pub fn seed() -> u64 {
    static CHOSEN: OnceLock<u64> = OnceLock::new();
    *CHOSEN.get_or_init(|| seed_of(env::var(SEED).ok().as_deref(), || RandomState::new().hash_one(0)))
}

/// How a property is tried: with `cases` cases, or a multiple of them, from the seed of this process. Prints the seed,
/// which the harness shows where the property fails.
pub fn config(cases: u32) -> Config {
    let seed = seed();
    eprintln!("repeat this with {SEED}={seed}");
    let cases = cases.saturating_mul(effort());
    Config { cases, rng_seed: RngSeed::Fixed(seed), ..Config::default() }
}

/// How many times as many cases there are as by default.
pub fn effort() -> u32 {
    effort_of(env::var(EFFORT).ok().as_deref())
}

fn seed_of(text: Option<&str>, random: impl FnOnce() -> u64) -> u64 {
    match text {
        None => 1,
        Some("random") => random(),
        // A seed that is not what was asked for would find something else.
        Some(text) => text.parse().unwrap_or_else(|_| panic!("{SEED} is `{text}`: neither a number nor `random`")),
    }
}

fn effort_of(text: Option<&str>) -> u32 {
    text.map_or(1, |text| text.parse().unwrap_or_else(|_| panic!("{EFFORT} is `{text}`, and no number")))
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use proptest::prelude::*;
    use proptest::test_runner::TestRunner;

    use super::*;

    #[test]
    fn a_seed_is_fixed_unless_another_is_asked_for() {
        let random = || 7;
        for (text, seed) in [(None, 1), (Some("0"), 0), (Some("18446744073709551615"), u64::MAX), (Some("random"), 7)] {
            assert_eq!(seed_of(text, random), seed);
        }
        assert_eq!((effort_of(None), effort_of(Some("10"))), (1, 10));
    }

    #[test]
    fn one_seed_makes_the_same_cases_again() {
        let cases = |seed| {
            let sum = Cell::new(0u64);
            let config = Config { failure_persistence: None, rng_seed: RngSeed::Fixed(seed), ..config(16) };
            let add = |number| {
                sum.set(sum.get().wrapping_add(number));
                Ok(())
            };
            TestRunner::new(config).run(&any::<u64>(), add).map(|()| sum.get()).map_err(|error| error.to_string())
        };
        assert_eq!(cases(3), cases(3));
        assert_ne!(cases(3), cases(4));
    }
}
