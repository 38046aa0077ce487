//! `smsfactory screen`: the compliance screen for a text, or for lines of standard input.

use std::io::BufRead;
use std::path::PathBuf;

use screening::Certainty;
use serde::Deserialize;
use serde_json::{Value, json};

use super::text::json_line;
use super::{Failed, output};
use api::fields::text::Loose;

#[derive(Debug, clap::Args)]
pub(super) struct Screen {
    /// The text; `-` reads it from standard input. Without a text, the command reads JSON lines {"id", "text"} from
    /// standard input, and prints lines {"id", "blocked", "verdict", "categories"}
    ///
    /// With a text, the exit code is 1 if the default policy blocks the text, and 0 otherwise.
    text: Option<String>,
    /// A directory with data that replace the built-in data
    #[arg(long, value_name = "DIRECTORY")]
    data: Option<PathBuf>,
    /// Add places, scores, certainty, reasons, help and the language
    #[arg(long)]
    explain: bool,
    /// Print the answer to a text as JSON
    #[arg(long, requires = "text")]
    json: bool,
}

/// A line of input: {"id", "text"}.
#[derive(Deserialize)]
struct Line {
    id: Value,
    text: Loose,
}

impl Screen {
    pub(super) fn run(self) -> Result<(), Failed> {
        let screen = config::screen::load(self.data.as_deref()).map_err(Failed::new)?;
        match &self.text {
            None => self.lines(&screen),
            Some(text) if text == "-" => self.text(&screen, &output::standard_input()?),
            Some(text) => self.text(&screen, text),
        }
    }

    fn lines(&self, screen: &screening::Screen) -> Result<(), Failed> {
        output::prompt_for_lines("{\"id\", \"text\"}");
        let mut unreadable = 0;
        for (index, line) in std::io::stdin().lock().split(b'\n').enumerate() {
            let line = line.map_err(Failed::new)?;
            match json_line::<Line>(&line) {
                Ok(Line { id, text }) => output::say(self.judged(screen, Some(id), text.0.as_str())),
                Err(error) => {
                    unreadable += 1;
                    output::say(json!({ "error": error, "line": index + 1 }));
                }
            }
        }
        output::all_read(unreadable)
    }

    fn text(&self, screen: &screening::Screen, text: &str) -> Result<(), Failed> {
        let answer = self.judged(screen, None, text);
        output::settings(&answer, self.json);
        if answer["blocked"] == true { Err(Failed::told()) } else { Ok(()) }
    }

    fn judged(&self, screen: &screening::Screen, id: Option<Value>, text: &str) -> Value {
        let verdict = screen.screen(text);
        let categories: Vec<&str> = verdict.categories().map(screening::Category::name).collect();
        let mut answer = id.map_or_else(|| json!({}), |id| json!({ "id": id }));
        answer["blocked"] = verdict.is_violation().into();
        answer["verdict"] = action(verdict.certainty()).into();
        answer["categories"] = categories.into();
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

/// The action of the default policy.
const fn action(certainty: Option<Certainty>) -> &'static str {
    match certainty {
        Some(Certainty::Sure) => "block",
        Some(Certainty::Unsure) => "review",
        None => "pass",
    }
}
