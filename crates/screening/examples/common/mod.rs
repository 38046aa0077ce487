//! What the examples share: labelled texts from JSON lines.

use screening::{BUILTIN, CORPUS, Category, Data, DataError, Screen};
use screening::model::train::Example;
use std::error::Error;

/// Data read from a directory laid out like `crates/screening/data`, or that of the crate.
pub(crate) struct Files {
    lexicon: Vec<Vec<u8>>,
    others: Vec<Vec<u8>>,
}

impl Files {
    /// Reads `directory`.
    pub(crate) fn read(directory: &str) -> Result<Self, Box<dyn Error>> {
        let mut lists: Vec<_> = std::fs::read_dir(format!("{directory}/lexicon"))?.collect::<Result<Vec<_>, _>>()?.into_iter().map(|entry| entry.path()).collect();
        lists.sort();
        let lexicon = lists.into_iter().map(std::fs::read).collect::<Result<_, _>>()?;
        let names = ["brands.txt", "domains.txt", "rules.txt", "weights.bin", "corpus.txt"];
        let others = names.iter().map(|name| std::fs::read(format!("{directory}/{name}"))).collect::<Result<_, _>>()?;
        Ok(Self { lexicon, others })
    }

    /// The screen, with or without the weights.
    pub(crate) fn screen(&self, weights: bool) -> Result<Screen, DataError> {
        let lists: Vec<&[u8]> = self.lexicon.iter().map(Vec::as_slice).collect();
        let [brands, domains, rules, learned, _] = &self.others[..] else { return Err(DataError::NotUtf8("data")) };
        Screen::load(&Data { lexicon: &lists, brands, domains, rules, weights: weights.then_some(learned.as_slice()) })
    }

    /// The texts to train on.
    pub(crate) fn corpus(&self) -> Result<String, Box<dyn Error>> {
        Ok(String::from_utf8(self.others[4].clone())?)
    }
}

/// A screen and its corpus, from `directory` if there is one.
pub(crate) fn load(directory: Option<&str>, weights: bool) -> Result<(Screen, String), Box<dyn Error>> {
    match directory {
        Some(directory) => {
            let files = Files::read(directory)?;
            Ok((files.screen(weights)?, files.corpus()?))
        }
        None => Ok((Screen::load(&Data { weights: if weights { BUILTIN.weights } else { None }, ..BUILTIN })?, CORPUS.to_owned())),
    }
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
        let also = value["also"].as_array().map(|names| names.iter().filter_map(|name| name.as_str()?.parse().ok()).collect()).unwrap_or_default();
        let source = text("source").split(':').next().unwrap_or_default().to_owned();
        rows.push(Row { example: Example { text: text("text"), label, also, weight: 1.0 }, source });
    }
    Ok(rows)
}
