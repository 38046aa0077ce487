//! `smsfactory text`: what SMS makes of a text.

use std::io::BufRead;

use serde::Deserialize;
use serde_json::{Value, json};

use super::{Failed, output};

#[derive(Debug, clap::Args)]
pub(super) struct Text {
    /// The text
    #[arg(required_unless_present = "jsonl")]
    text: Option<String>,
    /// Reads {"body"} a line from standard input and answers each with a line of JSON
    #[arg(long, conflicts_with = "text")]
    jsonl: bool,
    /// JSON for programs
    #[arg(long)]
    json: bool,
}

#[derive(Deserialize)]
struct Line {
    body: String,
}

impl Text {
    pub(super) fn run(self) -> Result<(), Failed> {
        let Some(text) = self.text else { return lines() };
        let measured = measured(&text);
        output::one(&measured, self.json);
        if !self.json {
            for invalid in measured["invalid"].as_array().into_iter().flatten() {
                let code = invalid["character"].as_str().and_then(|text| text.chars().next()).map_or(0, u32::from);
                output::say(format!("invalid character U+{code:04X} at position {}", invalid["position"]));
            }
        }
        Ok(())
    }
}

fn lines() -> Result<(), Failed> {
    let mut unreadable = 0;
    for (index, line) in std::io::stdin().lock().lines().enumerate() {
        let line = line.map_err(Failed::new)?;
        match serde_json::from_str::<Line>(&line) {
            Ok(line) => output::say(measured(&line.body)),
            Err(error) => {
                unreadable += 1;
                output::say(json!({ "error": error.to_string(), "line": index + 1 }));
            }
        }
    }
    if unreadable == 0 { Ok(()) } else { Err(Failed::new(format!("{unreadable} lines could not be read"))) }
}

fn measured(text: &str) -> Value {
    let measure = wire::gsm::measure(text);
    let invalid = wire::text::invalid_characters(text);
    let invalid: Vec<Value> = invalid.iter().map(|invalid| json!({ "character": invalid.character, "position": invalid.position })).collect();
    json!({ "encoding": measure.encoding.name(), "segments": measure.segments, "characters": measure.characters, "invalid": invalid })
}
