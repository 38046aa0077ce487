//! Two thousand seeds, each with its faults: what was promised is kept.

use sim::scenario;
use sim::seeds::run_all;

/// How many seeds the gate runs.
const SEEDS: u64 = 2_000;

/// Seeds that follow each other may begin anywhere below this.
const FIRST_MAX: u64 = 1 << 48;

#[test]
fn every_seed_keeps_what_was_promised() {
    let first = trials::seed() % FIRST_MAX;
    let summary = run_all(first..first + SEEDS * u64::from(trials::effort()), 5, |_| {});
    println!("from seed {first}: {}", summary.to_words());
    assert!(summary.failed.is_empty(), "{}", summary.to_words());
}

#[test]
fn a_seed_decides_everything() {
    for seed in 0..50 {
        let (first, second) = (scenario::run(seed, false), scenario::run(seed, false));
        assert_eq!(first, second, "seed {seed}");
    }
}
