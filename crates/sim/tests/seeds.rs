//! Some hundred seeds, each with its faults: what was promised is kept.

use sim::plan::SEVERAL_NODES;
use sim::scenario;
use sim::seeds::run_all;

/// How many seeds with one node the gate runs.
const ALONE: u64 = 300;

/// How many with several, each of which takes twice as long.
const TOGETHER: u64 = 60;

/// Seeds that follow each other may begin anywhere below this.
const FIRST_MAX: u64 = 1 << 48;

/// Runs so many seeds, or a multiple of them, from the one of this process on. `base` is the first of their kind.
fn run(base: u64, seeds: u64) {
    let first = base + trials::seed() % FIRST_MAX;
    let summary = run_all(first..first + seeds * u64::from(trials::effort()), 5, |_| {});
    assert!(summary.failed.is_empty(), "{}", summary.to_words());
}

#[test]
fn every_seed_keeps_what_was_promised() {
    run(0, ALONE);
}

#[test]
fn every_seed_with_several_nodes_keeps_what_was_promised() {
    run(SEVERAL_NODES, TOGETHER);
}

#[test]
fn a_seed_decides_everything() {
    for seed in (0..20).chain(SEVERAL_NODES..SEVERAL_NODES + 10) {
        let (first, second) = (scenario::run(seed, false), scenario::run(seed, false));
        assert_eq!(first, second, "seed {seed}");
    }
}
