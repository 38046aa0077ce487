//! `smsfactory reload`: a changed configuration for a running server.

use axum::http::Method;
use serde_json::Value;

use super::client::Door;
use super::{Failed, output};

#[derive(Debug, clap::Args)]
pub(super) struct Reload {
    #[command(flatten)]
    door: Door,
}

impl Reload {
    pub(super) async fn run(self) -> Result<(), Failed> {
        let report = self.door.ask(Method::POST, "/reload", None).await?;
        if self.door.json {
            output::say(&report);
        } else {
            for (list, word, style) in [
                ("applied", "applied", output::GOOD),
                ("needsRestart", "restart", output::WARNING),
                ("mistakes", "mistake", output::BAD),
            ] {
                for entry in report[list].as_array().into_iter().flatten() {
                    output::verdict(style, word, sentence(entry));
                }
            }
        }
        let summary = report["summary"].as_str().unwrap_or_default();
        match report["outcome"].as_str() {
            Some("refused") => Err(Failed::new(summary)),
            _ if self.door.json => Ok(()),
            _ => {
                output::say(summary);
                Ok(())
            }
        }
    }
}

fn sentence(entry: &Value) -> String {
    let text = |name: &str| entry[name].as_str().unwrap_or_default();
    if text("key").is_empty() { text("detail").to_owned() } else { format!("`{}`: {}", text("key"), text("detail")) }
}
