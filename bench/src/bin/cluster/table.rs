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

const WHAT: [(&str, &str); 4] = [
    ("accept", "accepting"),
    ("keys", "accepting, each with an idempotency key"),
    ("submit", "submitting what was accepted before"),
    ("both", "accepting and submitting"),
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

    /// How large the groups of one node were in the last round.
    pub(crate) fn group_of(&self, what: &str) -> Option<usize> {
        let last = self.nodes.get(what)?.get(&1)?.last()?;
        Some((last.group.round() as usize).max(1))
    }

    pub(crate) fn print(&self) {
        say("| what | median | of the ceiling | of one node | calls a commit |\n|---|---:|---:|---:|---:|");
        for (what, name) in WHAT {
            let with_keys = what == "keys";
            let Some(ceilings) = self.ceilings.get(if with_keys { what } else { "accept" }) else { continue };
            // The best of each round.
            let rounds = ceilings.values().map(Vec::len).min().unwrap_or_default();
            let best = |round: usize| ceilings.values().map(|runs| runs[round].per_second).fold(0.0, f64::max);
            let best: Vec<f64> = (0..rounds).map(best).collect();
            if what == "accept" || with_keys {
                print_ceiling(&best, ceilings, with_keys);
            }
            for (count, runs) in self.nodes.get(what).into_iter().flatten() {
                let of_best = median(runs.iter().zip(&best).map(|(run, best)| run.per_second / best));
                let one = self.nodes.get(what).and_then(|nodes| nodes.get(&1)).unwrap_or(runs);
                let of_one = median(runs.iter().zip(one).map(|(run, one)| run.per_second / one.per_second));
                let plural = if *count == 1 { "node" } else { "nodes" };
                say(&format!(
                    "| {name}: {count} {plural} | {:.0}/s | {of_best:.2} | {of_one:.2} | {:.0} |",
                    median(runs.iter().map(|run| run.per_second)),
                    median(runs.iter().map(|run| run.group))
                ));
            }
        }
    }
}

fn print_ceiling(best: &[f64], runs: &BTreeMap<usize, Vec<Measured>>, with_keys: bool) {
    let (least, most) =
        best.iter().fold((f64::MAX, 0.0_f64), |(least, most), rate| (least.min(*rate), most.max(*rate)));
    let keys = if with_keys { ", with keys" } else { "" };
    say(&format!(
        "| the same rows by a bare client{keys} | {:.0}/s | 1 (best round {:.2} of the worst) | | {:.0} |",
        median(best.iter().copied()),
        most / least,
        median(runs.values().flatten().map(|run| run.group))
    ));
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
fn say_now(line: &str) {
    eprintln!("{line}");
}
