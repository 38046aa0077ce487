//! `smsfactory text`: encoding and segments of a text, and the characters that decide them.

use std::io::BufRead;

use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use wire::text::LooseText;

use super::{Failed, output};
use api::fields::text::Loose;
use api::view::ucs2_view;

#[derive(Debug, clap::Args)]
pub(super) struct Text {
    /// The text; `-` reads it from standard input, without the line break at its end
    #[arg(required_unless_present = "jsonl")]
    text: Option<String>,
    /// Read JSON lines {"body"} from standard input, and print a JSON line for each
    #[arg(long, conflicts_with = "text")]
    jsonl: bool,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

#[derive(Deserialize)]
struct Line {
    body: Loose,
}

impl Text {
    pub(super) fn run(self) -> Result<(), Failed> {
        let text = match self.text {
            None => return lines(),
            Some(text) if text == "-" => output::standard_input()?,
            Some(text) => text,
        };
        let measured = measured(&text.into());
        output::one(&measured, self.json);
        if !self.json {
            for invalid in measured["invalid"].as_array().into_iter().flatten() {
                output::say(format!(
                    "invalid character {} at position {}",
                    described(&invalid["character"]),
                    invalid["position"]
                ));
            }
            for foreign in measured["ucs2Characters"].as_array().into_iter().flatten() {
                output::say(format!(
                    "UCS-2 because of {} at position {}",
                    described(&foreign["character"]),
                    foreign["position"]
                ));
            }
        }
        Ok(())
    }
}

fn lines() -> Result<(), Failed> {
    output::prompt_for_lines("{\"body\"}");
    let mut unreadable = 0;
    for (index, line) in std::io::stdin().lock().split(b'\n').enumerate() {
        let line = line.map_err(Failed::new)?;
        match json_line::<Line>(&line) {
            Ok(line) => output::say(measured(&line.body.0)),
            Err(error) => {
                unreadable += 1;
                output::say(json!({ "error": error, "line": index + 1 }));
            }
        }
    }
    output::all_read(unreadable)
}

/// Reads a line of JSON, which ends with a line feed, perhaps after a carriage return. `Err` is the reason in a
/// sentence.
pub(super) fn json_line<T: DeserializeOwned>(line: &[u8]) -> Result<T, String> {
    let text = std::str::from_utf8(line.strip_suffix(b"\r").unwrap_or(line)).map_err(|error| error.to_string())?;
    serde_json::from_str(text).map_err(|error| error.to_string())
}

/// A lone surrogate, which no message may have, is measured as the one unit that it is.
fn measured(text: &LooseText) -> Value {
    let measure = wire::gsm::measure(text.as_str());
    let invalid = text.invalid_characters();
    let ucs2: Vec<_> = ucs2_view(text.as_str())
        .into_iter()
        .filter(|foreign| !invalid.iter().any(|invalid| invalid.position == foreign.position))
        .collect();
    let invalid: Vec<Value> = invalid
        .iter()
        .map(|invalid| json!({ "character": invalid.character.to_string(), "position": invalid.position }))
        .collect();
    json!({
        "encoding": measure.encoding.name(),
        "segments": measure.segments,
        "characters": measure.characters,
        "invalid": invalid,
        "ucs2Characters": ucs2,
    })
}

/// A character as a person can search for it: its code point, with its name if it is invisible or looks like another
/// one, or with the character itself if it is visible.
fn described(character: &Value) -> String {
    let Some(character) = character.as_str().and_then(|text| text.chars().next()) else { return "-".to_owned() };
    let code = format!("U+{:04X}", u32::from(character));
    match name_of(character) {
        Some(name) => format!("{code} ({name})"),
        None if character.is_alphanumeric() => format!("{code} ({character})"),
        None => code,
    }
}

/// The name of a character that word processors, date formats and copied texts bring in unseen (Unicode character
/// database, in lower case).
const fn name_of(character: char) -> Option<&'static str> {
    Some(match character {
        '`' => "grave accent",
        '\u{A0}' => "no-break space",
        '\u{AB}' => "left-pointing double angle quotation mark",
        '\u{AD}' => "soft hyphen",
        '\u{B4}' => "acute accent",
        '\u{BB}' => "right-pointing double angle quotation mark",
        '\u{2002}' => "en space",
        '\u{2003}' => "em space",
        '\u{2009}' => "thin space",
        '\u{200A}' => "hair space",
        '\u{200B}' => "zero width space",
        '\u{200C}' => "zero width non-joiner",
        '\u{200D}' => "zero width joiner",
        '\u{200E}' => "left-to-right mark",
        '\u{200F}' => "right-to-left mark",
        '\u{2010}' => "hyphen",
        '\u{2011}' => "non-breaking hyphen",
        '\u{2012}' => "figure dash",
        '\u{2013}' => "en dash",
        '\u{2014}' => "em dash",
        '\u{2018}' => "left single quotation mark",
        '\u{2019}' => "right single quotation mark",
        '\u{201A}' => "single low-9 quotation mark",
        '\u{201C}' => "left double quotation mark",
        '\u{201D}' => "right double quotation mark",
        '\u{201E}' => "double low-9 quotation mark",
        '\u{2022}' => "bullet",
        '\u{2026}' => "horizontal ellipsis",
        '\u{202A}'..='\u{202E}' => "direction of writing",
        '\u{202F}' => "narrow no-break space",
        '\u{2032}' => "prime",
        '\u{2033}' => "double prime",
        '\u{2060}' => "word joiner",
        '\u{2066}'..='\u{2069}' => "direction of writing",
        '\u{2122}' => "trade mark sign",
        '\u{2212}' => "minus sign",
        '\u{3000}' => "ideographic space",
        '\u{FE00}'..='\u{FE0F}' => "variation selector",
        '\u{FEFF}' => "zero width no-break space, or byte order mark",
        '\u{FFFD}' => "replacement character",
        _ => return None,
    })
}
