//! The texts of the crate to train on.

use super::common::DATA;
use screening::Category;
use screening::training::corpus;
use screening::training::train::Example;
use std::error::Error;

/// How much more a hand-written text of the regression files counts than one of the corpus.
const REGRESSION: f32 = 3.0;

/// The texts of the crate to train on: the corpus and the regression files.
pub(crate) fn own_texts(directory: Option<&str>, seed: u64) -> Result<Vec<Example>, Box<dyn Error>> {
    let directory = directory.unwrap_or(DATA);
    let read = |name: &str| std::fs::read_to_string(format!("{directory}/{name}"));
    let mut examples = corpus::expand(&read("corpus.txt")?, seed)?;
    let mut add = |text: String, label: Option<Category>| {
        let also = label.map(corpus::akin).unwrap_or_default();
        examples.push(Example { text, label, also, weight: REGRESSION });
    };
    for (category, violating, innocent) in corpus::pairs(&read("pairs.txt")?)? {
        add(violating, Some(category));
        add(innocent, None);
    }
    for example in corpus::expand(&read("fresh.txt")?, seed)? {
        add(example.text, example.label);
    }
    Ok(examples)
}
