//! The texts of the crate to train on.

use super::common::{DATA, Row};
use screening::Category;
use screening::training::corpus;
use screening::training::train::Example;
use std::error::Error;

/// How much more a hand-written text of the regression files counts than one of the corpus.
const REGRESSION: f32 = 3.0;

/// The texts of the crate to train on, with the file that each is of: `pairs`, `fresh` and `corpus`. Where two files
/// have a text, that of the regression files comes first.
pub(crate) fn own_texts(directory: Option<&str>, seed: u64) -> Result<Vec<Row>, Box<dyn Error>> {
    let directory = directory.unwrap_or(DATA);
    let read = |name: &str| std::fs::read_to_string(format!("{directory}/{name}"));
    let mut rows = Vec::new();
    let mut add = |source: &str, text: String, label: Option<Category>| {
        let also = label.map(corpus::akin).unwrap_or_default();
        rows.push(Row { example: Example { text, label, also, weight: REGRESSION }, source: source.to_owned() });
    };
    for (category, violating, innocent) in corpus::pairs(&read("pairs.txt")?)? {
        add("pairs", violating, Some(category));
        add("pairs", innocent, None);
    }
    for example in corpus::expand(&read("fresh.txt")?, seed)? {
        add("fresh", example.text, example.label);
    }
    let corpus = corpus::expand(&read("corpus.txt")?, seed)?;
    rows.extend(corpus.into_iter().map(|example| Row { example, source: "corpus".to_owned() }));
    Ok(rows)
}
