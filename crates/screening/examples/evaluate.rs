//! Measures the screen as it is: `evaluate [--data DIRECTORY] [--mistakes] FILE…`.
//!
//! FILE is JSON lines of labelled texts, or a file of `train/data`. For each file and both points of the screen: how
//! many of the violating texts are found, how many of the innocent ones, each with the interval that 95 of 100 such
//! sets would give; the share of each category; and how well the named category is the right one.

#![allow(clippy::print_stdout, reason = "a command for the terminal")]

mod common;

use common::Row;
use screening::{Category, Certainty, Verdict};
use std::error::Error;

/// Half the width of an interval of 95 %, in standard deviations.
const DEVIATIONS: f64 = 1.96;

fn main() -> Result<(), Box<dyn Error>> {
    let (mut data, mut files, mut show) = (None, Vec::new(), false);
    let mut arguments = std::env::args().skip(1);
    while let Some(argument) = arguments.next() {
        match argument.as_str() {
            "--data" => data = Some(arguments.next().ok_or("--data needs a directory")?),
            "--mistakes" => show = true,
            _ => files.push(argument),
        }
    }
    let screen = common::screen(data.as_deref(), true)?;
    for file in &files {
        let rows = common::read(file)?;
        let judged: Vec<(Row, Verdict)> = rows
            .into_iter()
            .map(|row| (screen.screen(&row.example.text), row))
            .map(|(verdict, row)| (row, verdict))
            .collect();
        println!("{file}");
        for (name, certainty) in [("block", Certainty::Sure), ("block and review", Certainty::Unsure)] {
            report(name, certainty, &judged);
        }
        if show {
            mistakes(&judged);
        }
    }
    Ok(())
}

fn found(verdict: &Verdict, certainty: Certainty) -> bool {
    verdict.certainty() >= Some(certainty)
}

fn report(name: &str, certainty: Certainty, judged: &[(Row, Verdict)]) {
    let share = |of: &dyn Fn(&Row) -> bool| {
        let those: Vec<&Verdict> = judged.iter().filter(|(row, _)| of(row)).map(|(_, verdict)| verdict).collect();
        (those.iter().filter(|verdict| found(verdict, certainty)).count(), those.len())
    };
    let violating = share(&|row| row.example.label.is_some());
    let innocent = share(&|row| row.example.label.is_none());
    println!("  {name:<17} found {}, of the innocent {}", interval(violating), interval(innocent));
    if violating.1 == 0 {
        return;
    }
    let hidden = share(&|row| row.source.ends_with("obfuscated"));
    let mut shares: Vec<String> = Category::ALL
        .into_iter()
        .map(|category| (category.name(), share(&|row| row.example.label == Some(category))))
        .chain([("obfuscated", hidden)])
        .filter(|(_, (_, of))| *of > 0)
        .map(|(name, counts)| format!("{name} {:.2}", ratio(counts)))
        .collect();
    shares.push(format!("macro-F1 of the name {:.3}", named(certainty, judged)));
    println!("    {}", shares.join(", "));
}

/// The mean over the categories of the F1 of the strongest category.
fn named(certainty: Certainty, judged: &[(Row, Verdict)]) -> f64 {
    let first = |verdict: &Verdict| verdict.categories().next().filter(|_| found(verdict, certainty));
    let scores: Vec<f64> = Category::ALL
        .into_iter()
        .filter_map(|category| {
            let (mut hits, mut meant, mut wrong) = (0, 0, 0);
            for (row, verdict) in judged {
                let right = |named: Category| {
                    row.example.label == Some(named)
                        || row.example.also.contains(&named)
                        || row
                            .example
                            .label
                            .is_some_and(|label| screening::training::corpus::akin(label).contains(&named))
                };
                let named = first(verdict);
                if row.example.label == Some(category) {
                    meant += 1;
                    hits += usize::from(named.is_some_and(right));
                } else if named == Some(category) && !right(category) {
                    wrong += 1;
                }
            }
            (meant > 0).then(|| 2.0 * float(hits) / float(2 * hits + wrong + meant - hits).max(1.0))
        })
        .collect();
    scores.iter().sum::<f64>() / float(scores.len()).max(1.0)
}

/// A share with its interval (Wilson).
fn interval((count, of): (usize, usize)) -> String {
    if of == 0 {
        return "none of 0".to_owned();
    }
    let (share, n, square) = (ratio((count, of)), float(of), DEVIATIONS * DEVIATIONS);
    let middle = share + square / (2.0 * n);
    let spread = DEVIATIONS * (share * (1.0 - share) / n + square / (4.0 * n * n)).sqrt();
    let end = |value: f64| (value / (1.0 + square / n)).max(0.0);
    format!("{count} of {of} = {share:.4} ({:.4} to {:.4})", end(middle - spread), end(middle + spread))
}

fn ratio((count, of): (usize, usize)) -> f64 {
    if of == 0 { 0.0 } else { float(count) / float(of) }
}

fn float(count: usize) -> f64 {
    f64::from(u32::try_from(count).unwrap_or(u32::MAX))
}

fn mistakes(judged: &[(Row, Verdict)]) {
    for (row, verdict) in judged {
        let name = row.example.label.map_or("ok", Category::name);
        if row.example.label.is_none() != verdict.findings.is_empty() {
            let word = match verdict.certainty() {
                Some(Certainty::Sure) => "blocked",
                Some(Certainty::Unsure) => "reviewed",
                None => "passed",
            };
            println!("  {word} {name}: {}", row.example.text);
        }
        for finding in verdict.findings.iter().filter(|_| row.example.label.is_none()) {
            let reasons: Vec<String> = finding.reasons.iter().map(ToString::to_string).collect();
            println!("    {} {:.3} {}", finding.category, finding.score, reasons.join("; "));
        }
    }
}
