//! Texts as the network reads them: `prepare [--data DIRECTORY] [--own] FILE…`, JSON lines to JSON lines.
//!
//! FILE is labelled texts; `--own` puts those of the crate before them. Each line has the `text`, its `label` and
//! `source`, `prepared`, the text for the network, and `rules`, the log-odds of each category by the rules and their
//! classifier, in the order of `Category::ALL`.

#![allow(clippy::print_stdout, reason = "a command for the terminal")]

mod common;
#[path = "common/own.rs"]
mod own;

use screening::Category;
use std::error::Error;
use std::io::Write;

/// The seed of the crate's own texts.
const SEED: u64 = 20_260_301;

fn main() -> Result<(), Box<dyn Error>> {
    let (mut data, mut own, mut files) = (None, false, Vec::new());
    let mut arguments = std::env::args().skip(1);
    while let Some(argument) = arguments.next() {
        match argument.as_str() {
            "--data" => data = Some(arguments.next().ok_or("--data needs a directory")?),
            "--own" => own = true,
            _ => files.push(argument),
        }
    }
    let screen = common::screen(data.as_deref(), true)?;
    let mut rows = Vec::new();
    if own {
        rows.extend(own::own_texts(data.as_deref(), SEED)?);
    }
    for file in &files {
        rows.extend(common::read(file)?);
    }
    let mut out = std::io::BufWriter::new(std::io::stdout().lock());
    for common::Row { example, source } in rows {
        let (prepared, rules) = screen.prepared(&example.text);
        let rules: Vec<f64> = rules.iter().map(|odds| (f64::from(*odds) * 1000.0).round() / 1000.0).collect();
        let line = serde_json::json!({
            "text": example.text, "label": example.label.map_or("ok", Category::name), "source": source,
            "prepared": prepared, "rules": rules,
        });
        writeln!(out, "{line}")?;
    }
    Ok(())
}
