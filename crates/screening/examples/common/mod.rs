//! What the examples share: labelled texts from JSON lines.

use screening::training::train::Example;
use screening::{Category, Data, Screen};
use std::error::Error;

/// Where the data of the crate is.
pub(crate) const DATA: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/data");

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

/// One row of a labelled file.
pub(crate) struct Row {
    /// The text and its labels.
    pub(crate) example: Example,
    /// Where it comes from, without the row number behind the colon.
    pub(crate) source: String,
}

/// Reads `{"text", "label", "source"?, "also"?}` a line; the label of legitimate traffic is `ok`. A file that ends in
/// `.txt` has sections as those of `train/data`.
pub(crate) fn read(path: &str) -> Result<Vec<Row>, Box<dyn Error>> {
    let file = std::fs::read_to_string(path)?;
    if std::path::Path::new(path).extension().is_some_and(|kind| kind == "txt") {
        return sections(&file);
    }
    let mut rows = Vec::new();
    for line in file.lines().filter(|line| !line.trim().is_empty()) {
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

/// Reads sections that begin with `## label` or `## label obfuscated`, with a text on each line.
fn sections(file: &str) -> Result<Vec<Row>, Box<dyn Error>> {
    let (mut label, mut source) = (None, String::new());
    let mut rows = Vec::new();
    for line in file.lines().map(str::trim).filter(|line| !line.is_empty()) {
        if let Some(section) = line.strip_prefix("## ") {
            let (name, kind) = section.split_once(' ').unwrap_or((section, ""));
            label = if name == "ok" { None } else { Some(name.parse::<Category>()?) };
            kind.clone_into(&mut source);
            continue;
        }
        let example = Example { text: line.replace("\\n", "\n"), label, also: Vec::new(), weight: 1.0 };
        rows.push(Row { example, source: source.clone() });
    }
    Ok(rows)
}
