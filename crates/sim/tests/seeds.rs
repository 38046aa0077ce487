//! Two thousand seeds, each with its faults: what was promised is kept.

use std::ops::Range;

use sim::scenario;
use sim::seeds::run_all;

/// `SMSFACTORY_SEED` runs one seed alone, `SMSFACTORY_SEEDS` so many from 0.
fn seeds() -> Range<u64> {
    let number = |name: &str| std::env::var(name).ok().and_then(|text| text.parse::<u64>().ok());
    match number("SMSFACTORY_SEED") {
        Some(seed) => seed..seed + 1,
        None => 0..number("SMSFACTORY_SEEDS").unwrap_or(2_000),
    }
}

#[test]
fn every_seed_keeps_what_was_promised() {
    let summary = run_all(seeds(), 5, |_| {});
    println!("{}", summary.to_words());
    assert!(summary.failed.is_empty(), "{}", summary.to_words());
}

#[test]
fn a_seed_decides_everything() {
    for seed in 0..12 {
        let (first, second) = (scenario::run(seed, false), scenario::run(seed, false));
        assert_eq!(first, second, "seed {seed}");
    }
}
