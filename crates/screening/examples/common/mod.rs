//! What the examples share: labelled texts from JSON lines.

use screening::Category;
use screening::model::train::Example;
use std::error::Error;

/// One row of a labelled file.
pub struct Row {
    /// The text and its labels.
    pub example: Example,
    /// Where it comes from, without the row number behind the colon.
    pub source: String,
}

/// Reads `{"text", "label", "source"?, "also"?}` a line; the label of legitimate traffic is `ok`.
pub fn read(path: &str) -> Result<Vec<Row>, Box<dyn Error>> {
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
