//! What the examples share: labelled texts from JSON lines.

use screening::training::corpus;
use screening::training::train::Example;
use screening::{Category, Data, Screen};
use std::error::Error;

/// Where the data of the crate is.
const DATA: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/data");
/// How much more a hand-written text of the regression files counts than one of the corpus.
const REGRESSION: f32 = 3.0;

/// The screen whose data is in `directory`, with or without the weights.
pub(crate) fn screen(directory: Option<&str>, weights: bool) -> Result<Screen, Box<dyn Error>> {
    let directory = directory.unwrap_or(DATA);
    let mut lists: Vec<_> = std::fs::read_dir(format!("{directory}/lexicon"))?
        .collect::<Result<Vec<_>, _>>()?
        .into_iter()
        .map(|entry| entry.path())
        .collect();
    lists.sort();
    let lists: Vec<Vec<u8>> = lists.into_iter().map(std::fs::read).collect::<Result<_, _>>()?;
    let lexicon: Vec<&[u8]> = lists.iter().map(Vec::as_slice).collect();
    let read = |name: &str| std::fs::read(format!("{directory}/{name}"));
    let (brands, domains, rules) = (read("brands.txt")?, read("domains.txt")?, read("rules.txt")?);
    let learned = if weights { Some(read("weights.bin")?) } else { None };
    let network = read("network.bin")?;
    Ok(Screen::load(&Data {
        lexicon: &lexicon,
        brands: &brands,
        domains: &domains,
        rules: &rules,
        weights: learned.as_deref(),
        network: &network,
    })?)
}

/// The texts of the crate to train on: the corpus and, unless `corpus_only`, the regression files.
pub(crate) fn own_texts(directory: Option<&str>, seed: u64, corpus_only: bool) -> Result<Vec<Example>, Box<dyn Error>> {
    let directory = directory.unwrap_or(DATA);
    let read = |name: &str| std::fs::read_to_string(format!("{directory}/{name}"));
    let mut examples = corpus::expand(&read("corpus.txt")?, seed)?;
    if corpus_only {
        return Ok(examples);
    }
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

/// One row of a labelled file.
pub(crate) struct Row {
    /// The text and its labels.
    pub(crate) example: Example,
    /// Where it comes from, without the row number behind the colon.
    pub(crate) source: String,
}

/// Reads `{"text", "label", "source"?, "also"?}` a line; the label of legitimate traffic is `ok`.
pub(crate) fn read(path: &str) -> Result<Vec<Row>, Box<dyn Error>> {
    let mut rows = Vec::new();
    for line in std::fs::read_to_string(path)?.lines().filter(|line| !line.trim().is_empty()) {
        let value: serde_json::Value = serde_json::from_str(line)?;
        let text = |key: &str| value[key].as_str().unwrap_or_default().to_owned();
        let label = match text("label").as_str() {
            "ok" => None,
            name => Some(name.parse::<Category>()?),
        };
        let also = value["also"]
            .as_array()
            .map(|names| names.iter().filter_map(|name| name.as_str()?.parse().ok()).collect())
            .unwrap_or_default();
        let source = text("source").split(':').next().unwrap_or_default().to_owned();
        rows.push(Row { example: Example { text: text("text"), label, also, weight: 1.0 }, source });
    }
    Ok(rows)
}
