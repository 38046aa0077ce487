//! Trains the classifier: `train FILE… [--without PREFIX] [--seed N] [--data DIRECTORY] [--out PATH]`.
//!
//! FILE is JSON lines of labelled texts. Rows whose source begins with PREFIX are left out. The texts of the crate are
//! added.

#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a command for the terminal")]

mod common;
#[path = "common/own.rs"]
mod own;

use screening::training::train;
use std::error::Error;

fn main() -> Result<(), Box<dyn Error>> {
    let mut settings = train::Settings::default();
    let mut out = "crates/screening/data/weights.bin".to_owned();
    let (mut files, mut without, mut data) = (Vec::new(), Vec::new(), None);
    let mut arguments = std::env::args().skip(1);
    while let Some(argument) = arguments.next() {
        let mut value = || arguments.next().ok_or("a value is missing");
        match argument.as_str() {
            "--without" => without.push(value()?),
            "--data" => data = Some(value()?),
            "--seed" => settings.seed = value()?.parse()?,
            "--out" => out = value()?,
            _ => files.push(argument),
        }
    }
    let screen = common::screen(data.as_deref(), false)?;
    let mut examples: Vec<_> =
        own::own_texts(data.as_deref(), settings.seed)?.into_iter().map(|row| row.example).collect();
    let from_corpus = examples.len();
    for file in &files {
        let rows = common::read(file)?;
        examples.extend(
            rows.into_iter()
                .filter(|row| !without.iter().any(|prefix| row.source.starts_with(prefix.as_str())))
                .map(|row| row.example),
        );
    }
    let weights = train::train(&screen, &examples, &settings);
    std::fs::write(&out, &weights)?;
    println!(
        "{} texts of the crate and {} of {} file(s); seed {}; {} octets to {out}",
        from_corpus,
        examples.len() - from_corpus,
        files.len(),
        settings.seed,
        weights.len()
    );
    Ok(())
}
