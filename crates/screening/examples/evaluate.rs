//! Measures the screen: `evaluate FILE [--cross-validate K]
//! [--rules-only] [--source PREFIX] [--hold-out PREFIX] [--mistakes] [--data DIRECTORY] [--corpus-only] [--train FILE
//! [--without PREFIX]…]`.
//!
//! FILE is JSON lines of labelled texts. Without options the weights of the crate are measured as they are.
//! `--cross-validate K` trains K times on the rest and measures what was left out; `--hold-out PREFIX` trains without
//! the sources that begin with PREFIX and measures those.

#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a command for the terminal")]

mod common;

use common::Row;
use screening::training::train::{self, Example, Random};
use screening::{Category, Screen, Verdict};
use std::collections::BTreeMap;
use std::error::Error;

#[derive(Default)]
struct Options {
    file: String,
    folds: Option<usize>,
    rules_only: bool,
    source: Option<String>,
    hold_out: Option<String>,
    mistakes: bool,
    data: Option<String>,
    add: Option<String>,
    without: Vec<String>,
    corpus_only: bool,
}

fn main() -> Result<(), Box<dyn Error>> {
    let mut options = Options::default();
    let mut arguments = std::env::args().skip(1);
    while let Some(argument) = arguments.next() {
        match argument.as_str() {
            "--cross-validate" => options.folds = Some(arguments.next().ok_or("a number is missing")?.parse()?),
            "--rules-only" => options.rules_only = true,
            "--source" => options.source = arguments.next(),
            "--hold-out" => options.hold_out = arguments.next(),
            "--data" => options.data = arguments.next(),
            "--corpus-only" => options.corpus_only = true,
            "--without" => options.without.extend(arguments.next()),
            "--train" => options.add = arguments.next(),
            "--mistakes" => options.mistakes = true,
            _ => options.file = argument,
        }
    }
    let rows = common::read(&options.file)?;
    let verdicts = verdicts(&rows, &options)?;
    let chosen: Vec<(&Row, &Verdict)> = rows
        .iter()
        .zip(&verdicts)
        .filter_map(|(row, verdict)| Some((row, verdict.as_ref()?)))
        .filter(|(row, _)| options.source.as_ref().is_none_or(|prefix| row.source.starts_with(prefix.as_str())))
        .collect();
    report(&chosen);
    if options.mistakes {
        mistakes(&chosen);
    }
    Ok(())
}

fn verdicts(rows: &[Row], options: &Options) -> Result<Vec<Option<Verdict>>, Box<dyn Error>> {
    let settings = train::Settings::default();
    let added = options.add.as_ref().map_or_else(|| Ok(Vec::new()), |file| common::read(file))?;
    let bare = || -> Result<Screen, Box<dyn Error>> { common::screen(options.data.as_deref(), false) };
    let fitted = |keep: &dyn Fn(usize) -> bool| -> Result<Screen, Box<dyn Error>> {
        let mut examples = common::own_texts(options.data.as_deref(), settings.seed, options.corpus_only)?;
        examples.extend(
            added
                .iter()
                .filter(|row| !options.without.iter().any(|prefix| row.source.starts_with(prefix.as_str())))
                .map(|row| row.example.clone()),
        );
        examples.extend(
            rows.iter().enumerate().filter(|(at, _)| keep(*at)).map(|(_, row)| -> Example { row.example.clone() }),
        );
        let screen = bare()?;
        let weights = train::train(&screen, &examples, &settings);
        Ok(screen.with_weights(Some(&weights))?)
    };
    let mut verdicts: Vec<Option<Verdict>> = rows.iter().map(|_| None).collect();
    let mut measure = |screen: &Screen, those: &dyn Fn(usize) -> bool| {
        for (at, row) in rows.iter().enumerate().filter(|(at, _)| those(*at)) {
            verdicts[at] = Some(screen.screen(&row.example.text));
        }
    };
    if options.add.is_some() && options.folds.is_none() && options.hold_out.is_none() {
        measure(&fitted(&|_| false)?, &|_| true);
    } else if let Some(prefix) = &options.hold_out {
        let held = |at: usize| rows[at].source.starts_with(prefix.as_str());
        measure(&fitted(&|at| !held(at))?, &held);
    } else if let Some(folds) = options.folds {
        let mut order: Vec<usize> = (0..rows.len()).collect();
        Random::new(settings.seed).shuffle(&mut order);
        let mut fold = vec![0; rows.len()];
        order.iter().enumerate().for_each(|(place, at)| fold[*at] = place % folds);
        for number in 0..folds {
            measure(&fitted(&|at| fold[at] != number)?, &|at| fold[at] == number);
        }
    } else if options.rules_only {
        measure(&bare()?, &|_| true);
    } else {
        measure(&common::screen(options.data.as_deref(), true)?, &|_| true);
    }
    Ok(verdicts)
}

fn right(example: &Example, named: Category) -> bool {
    example.label == Some(named) || example.also.contains(&named)
}

fn report(chosen: &[(&Row, &Verdict)]) {
    let mut sources: BTreeMap<&str, [usize; 4]> = BTreeMap::new();
    let mut block = [0_usize; 4];
    for (row, verdict) in chosen {
        let slot = match (row.example.label.is_some(), verdict.is_violation()) {
            (true, true) => 0,
            (true, false) => 1,
            (false, true) => 2,
            (false, false) => 3,
        };
        block[slot] += 1;
        sources.entry(&row.source).or_default()[slot] += 1;
    }
    println!("{:<42} {:>6} {:>8} {:>6} {:>9}", "source", "bad", "recall", "ok", "refused");
    for (source, counts) in &sources {
        line(source, counts);
    }
    line("all", &block);
    operating_points(chosen);
    println!(
        "block: precision {:.3}, recall {:.3}, F1 {:.3}",
        ratio(block[0], block[2]),
        ratio(block[0], block[1]),
        f1(block[0], block[2], block[1])
    );

    println!("\n{:<20} {:>6} {:>9} {:>8} {:>6} {:>9}", "category", "rows", "precision", "recall", "F1", "blocked");
    let mut sum = 0.0;
    let mut counted = 0.0;
    for category in Category::ALL {
        let (mut hit, mut miss, mut wrong, mut blocked, mut total) = (0, 0, 0, 0, 0);
        for (row, verdict) in chosen {
            let named = verdict.categories().next();
            if row.example.label == Some(category) {
                total += 1;
                blocked += usize::from(verdict.is_violation());
                // Another category that would be right, too, is a hit for the label.
                if named.is_some_and(|named| right(&row.example, named)) { hit += 1 } else { miss += 1 }
            } else if named == Some(category) && !right(&row.example, category) {
                wrong += 1;
            }
        }
        if total > 0 {
            sum += f1(hit, wrong, miss);
            counted += 1.0;
            println!(
                "{:<20} {total:>6} {:>9.3} {:>8.3} {:>6.3} {:>9.3}",
                category.name(),
                ratio(hit, wrong),
                ratio(hit, miss),
                f1(hit, wrong, miss),
                ratio(blocked, total - blocked)
            );
        }
    }
    println!("macro-F1 of the named category: {:.3}", if counted > 0.0 { sum / counted } else { 0.0 });
}

/// The recall that other operating points would have.
fn operating_points(chosen: &[(&Row, &Verdict)]) {
    let top =
        |verdict: &Verdict| Category::ALL.into_iter().map(|category| verdict.score(category)).fold(0.0_f32, f32::max);
    let mut fine: Vec<f32> =
        chosen.iter().filter(|(row, _)| row.example.label.is_none()).map(|(_, verdict)| top(verdict)).collect();
    fine.sort_by(|left, right| right.total_cmp(left));
    let bad: Vec<f32> =
        chosen.iter().filter(|(row, _)| row.example.label.is_some()).map(|(_, verdict)| top(verdict)).collect();
    for per_mille in [2, 5, 10, 20, 50] {
        let allowed = fine.len() * per_mille / 1000;
        let Some(&threshold) = fine.get(allowed) else { continue };
        let hit = bad.iter().filter(|score| **score > threshold).count();
        println!(
            "  refusing {:.1} % of the legitimate: threshold {threshold:.3}, recall {:.3}",
            f64::from(u32::try_from(per_mille).unwrap_or(0)) / 10.0,
            ratio(hit, bad.len() - hit)
        );
    }
}

fn line(source: &str, counts: &[usize; 4]) {
    let [hit, miss, wrong, fine] = *counts;
    println!(
        "{source:<42} {:>6} {:>8.3} {:>6} {:>5} {:.2}%",
        hit + miss,
        ratio(hit, miss),
        wrong + fine,
        wrong,
        100.0 * ratio(wrong, fine)
    );
}

#[expect(clippy::cast_precision_loss, reason = "counts of rows are small")]
fn ratio(part: usize, rest: usize) -> f64 {
    if part + rest == 0 { 0.0 } else { part as f64 / (part + rest) as f64 }
}

fn f1(hit: usize, wrong: usize, miss: usize) -> f64 {
    let (precision, recall) = (ratio(hit, wrong), ratio(hit, miss));
    if precision + recall == 0.0 { 0.0 } else { 2.0 * precision * recall / (precision + recall) }
}

fn mistakes(chosen: &[(&Row, &Verdict)]) {
    for (row, verdict) in chosen {
        let named = verdict.categories().next();
        let wanted = row.example.label;
        if named == wanted || named.is_some_and(|named| right(&row.example, named)) {
            continue;
        }
        let top =
            Category::ALL.into_iter().max_by(|left, right| verdict.score(*left).total_cmp(&verdict.score(*right)));
        let top = top.map_or(String::new(), |top| format!("{top} {:.2}", verdict.score(top)));
        let why = verdict.findings.first().map_or(String::new(), |finding| format!("{:?}", finding.reasons));
        let kind = if wanted.is_none() {
            "REFUSED"
        } else if named.is_none() {
            "MISSED "
        } else {
            "NAMED  "
        };
        println!(
            "{kind} {} [{top}] {}\n        {why}",
            wanted.map_or("ok", Category::name),
            row.example.text.replace('\n', " / ")
        );
    }
}
