//! What was measured, as a table.

use crate::BTreeMap;

/// One measurement.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Measured {
    pub(crate) per_second: f64,
    /// How many calls shared a commit.
    pub(crate) group: f64,
}

/// The measurements of all rounds.
#[derive(Default)]
pub(crate) struct Table {
    nodes: BTreeMap<&'static str, BTreeMap<usize, Vec<Measured>>>,
    ceilings: BTreeMap<&'static str, BTreeMap<usize, Vec<Measured>>>,
}

const WHAT: [(&str, &str); 5] = [
    ("accept", "accepting"),
    ("keys", "accepting, each with an idempotency key"),
    ("submit", "submitting what was accepted before"),
    ("both", "accepting and submitting"),
    ("each", "accepting and submitting, as many callers at each"),
];

impl Table {
    pub(crate) fn add(&mut self, what: &'static str, nodes: usize, measured: Measured) {
        say_now(&format!("  {what}, {nodes} nodes: {:.0}/s, {:.0} in a group", measured.per_second, measured.group));
        self.nodes.entry(what).or_default().entry(nodes).or_default().push(measured);
    }

    pub(crate) fn add_ceiling(&mut self, what: &'static str, connections: usize, measured: Measured) {
        say_now(&format!(
            "  {what}, bare client with {connections} connections: {:.0}/s in groups of {:.0}",
            measured.per_second, measured.group
        ));
        self.ceilings.entry(what).or_default().entry(connections).or_default().push(measured);
    }

    pub(crate) fn print(&self) {
        if self.nodes.is_empty() {
            return;
        }
        say("| | median | of the ceiling | of two connections | of one node | calls a commit |");
        say("|---|---:|---:|---:|---:|---:|");
        for (what, name) in WHAT {
            let with_keys = what == "keys";
            let Some(ceilings) = self.ceilings.get(if with_keys { what } else { "accept" }) else { continue };
            let (Some(one), Some(two)) = (ceilings.get(&1), ceilings.get(&2)) else { continue };
            if what == "accept" || with_keys {
                print_ceiling(one, two, with_keys);
            }
            for (count, runs) in self.nodes.get(what).into_iter().flatten() {
                // One node alone has as many callers as each of several.
                let by_one = if what == "each" { "both" } else { what };
                let alone = self.nodes.get(by_one).and_then(|nodes| nodes.get(&1)).unwrap_or(runs);
                let plural = if *count == 1 { "node" } else { "nodes" };
                say(&format!(
                    "| {name}: {count} {plural} | {:.0}/s | {:.2} | {:.2} | {:.2} | {:.0} |",
                    median(runs.iter().map(|run| run.per_second)),
                    ratio(runs, one),
                    ratio(runs, two),
                    ratio(runs, alone),
                    median(runs.iter().map(|run| run.group))
                ));
            }
        }
    }
}

/// The ceiling is one bare client with one connection; two of them show what PostgreSQL could do beyond that.
fn print_ceiling(one: &[Measured], two: &[Measured], with_keys: bool) {
    let keys = if with_keys { ", with keys" } else { "" };
    for (connections, runs) in [("one connection, the ceiling", one), ("two connections", two)] {
        say(&format!(
            "| the same rows by a bare client with {connections}{keys} | {:.0}/s | {:.2} | {:.2} | | {:.0} |",
            median(runs.iter().map(|run| run.per_second)),
            ratio(runs, one),
            ratio(runs, two),
            median(runs.iter().map(|run| run.group))
        ));
    }
}

/// The median of the ratios within the rounds.
fn ratio(runs: &[Measured], others: &[Measured]) -> f64 {
    median(runs.iter().zip(others).map(|(run, other)| run.per_second / other.per_second))
}

/// The value in the middle.
pub(crate) fn median(values: impl Iterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or_default()
}

#[expect(clippy::print_stdout, reason = "to print is what this is for")]
pub(crate) fn say(line: &str) {
    println!("{line}");
}

#[expect(clippy::print_stderr, reason = "it goes on for minutes")]
pub(crate) fn say_now(line: &str) {
    eprintln!("{line}");
}
