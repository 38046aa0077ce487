//! `smsfactory screen`: the compliance screen on standard input.

use std::io::BufRead;
use std::path::PathBuf;

use screening::Certainty;
use serde::Deserialize;
use serde_json::{Value, json};

use super::text::json_line;
use super::{Failed, output};
use crate::api::fields::text::Loose;

#[derive(Debug, clap::Args)]
pub(super) struct Screen {
    /// A directory with data that replace the built-in data
    #[arg(long, value_name = "DIRECTORY")]
    data: Option<PathBuf>,
    /// Add places, scores, certainty, reasons, help and the language
    #[arg(long)]
    explain: bool,
}

/// A line of input: {"id", "text"}.
#[derive(Deserialize)]
struct Line {
    id: Value,
    text: Loose,
}

impl Screen {
    pub(super) fn run(self) -> Result<(), Failed> {
        let screen = crate::screen::load(self.data.as_deref()).map_err(Failed::new)?;
        let mut unreadable = 0;
        for (index, line) in std::io::stdin().lock().split(b'\n').enumerate() {
            let line = line.map_err(Failed::new)?;
            match json_line::<Line>(&line) {
                Ok(Line { id, text }) => output::say(self.judged(&screen, &id, text.0.as_str())),
                Err(error) => {
                    unreadable += 1;
                    output::say(json!({ "error": error, "line": index + 1 }));
                }
            }
        }
        if unreadable == 0 { Ok(()) } else { Err(Failed::new(format!("{unreadable} lines could not be read"))) }
    }

    fn judged(&self, screen: &screening::Screen, id: &Value, text: &str) -> Value {
        let verdict = screen.screen(text);
        let categories: Vec<&str> = verdict.categories().map(screening::Category::name).collect();
        let mut answer = json!({
            "id": id,
            "blocked": verdict.is_violation(),
            "verdict": action(verdict.certainty()),
            "categories": categories,
        });
        if self.explain {
            let matches = verdict.matches().into_iter();
            let matches = matches.map(
                |found| json!({ "start": found.span.start, "end": found.span.end, "category": found.category.name() }),
            );
            answer["matches"] = matches.collect();
            answer["scores"] = screening::Category::ALL
                .iter()
                .map(|category| (category.name().to_owned(), Value::from(verdict.score(*category))))
                .collect::<serde_json::Map<_, _>>()
                .into();
            answer["certainty"] = verdict
                .findings
                .iter()
                .map(|finding| (finding.category.name().to_owned(), Value::from(finding.certainty.name())))
                .collect::<serde_json::Map<_, _>>()
                .into();
            answer["reasons"] = verdict
                .findings
                .iter()
                .flat_map(|finding| &finding.reasons)
                .map(|reason| Value::from(reason.to_string()))
                .collect();
            answer["help"] = verdict.help().into();
            answer["language"] = verdict.language.to_string().into();
        }
        answer
    }
}

/// What the default policy makes of a text.
const fn action(certainty: Option<Certainty>) -> &'static str {
    match certainty {
        Some(Certainty::Sure) => "block",
        Some(Certainty::Unsure) => "review",
        None => "pass",
    }
}
