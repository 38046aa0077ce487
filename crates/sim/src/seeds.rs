//! Many runs, on all processors.

use std::ops::Range;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use crate::counts::Counts;
use crate::scenario::{Report, run};

/// What many runs came to.
#[derive(Debug, Default)]
pub struct Summary {
    /// How many there were.
    pub runs: u64,
    /// What happened in all of them.
    pub counts: Counts,
    /// Those with violations, by seed.
    pub failed: Vec<Report>,
}

/// Runs these seeds, until so many have failed.
pub fn run_all(seeds: Range<u64>, failures_max: usize, each: impl Fn(&Report) + Sync) -> Summary {
    let next = AtomicU64::new(seeds.start);
    let summary = Mutex::new(Summary::default());
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                loop {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    if seed >= seeds.end {
                        return;
                    }
                    let report = run(seed, false);
                    each(&report);
                    let mut summary = summary.lock().unwrap_or_else(PoisonError::into_inner);
                    summary.add(report);
                    if summary.failed.len() >= failures_max {
                        next.store(seeds.end, Ordering::Relaxed);
                    }
                }
            });
        }
    });
    let mut summary = summary.into_inner().unwrap_or_else(PoisonError::into_inner);
    summary.failed.sort_by_key(|report| report.seed);
    summary
}

impl Summary {
    fn add(&mut self, report: Report) {
        let (all, of_one) = (&mut self.counts, report.counts);
        self.runs += 1;
        all.messages += of_one.messages;
        all.submits += of_one.submits;
        all.duplicates += of_one.duplicates;
        all.unknown += of_one.unknown;
        all.kills += of_one.kills;
        all.events += of_one.events;
        if !report.violations.is_empty() {
            self.failed.push(report);
        }
    }

    /// What failed, in words, with the command that runs it again.
    pub fn to_words(&self) -> String {
        let Counts { messages, submits, duplicates, unknown, kills, events } = self.counts;
        let mut words = format!(
            "{} seeds: {messages} messages, {submits} submissions, {duplicates} duplicates, {unknown} unknown \
             outcomes, {kills} ends of processes, {events} requests to endpoints\n",
            self.runs
        );
        for report in &self.failed {
            words.push_str(&format!("seed {0} fails; again: cargo run -p sim -- --seed {0} --trace\n", report.seed));
            report.violations.iter().for_each(|what| words.push_str(&format!("  {what}\n")));
        }
        words
    }
}
