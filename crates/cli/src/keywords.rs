//! `smsfactory account keywords` and `smsfactory number keywords`.

use axum::http::Method;
use clap::Subcommand;
use serde_json::{Value, json};

use super::client::Door;
use super::{Failed, choices, output};

#[derive(Debug, Subcommand)]
pub(super) enum Action {
    /// Shows the settings that differ from the defaults (for a number: from the settings of its account)
    Show {
        /// The account or the number
        of: String,
    },
    /// Changes settings; the other settings stay
    Set(Box<Settings>),
}

#[derive(Debug, clap::Args)]
pub(super) struct Settings {
    /// The account or the number
    of: String,
    /// A word that stops messages, beside STOP and its like; may be repeated
    #[arg(long, value_name = "WORD")]
    stop_word: Vec<String>,
    /// A language whose words stop messages, beside English; may be repeated
    #[arg(long, value_name = "LANGUAGE", value_parser = choices::languages())]
    language: Vec<String>,
    /// Whether YES starts messages again
    #[arg(long, value_name = "BOOL")]
    yes_starts: Option<bool>,
    /// The action for a text that seems to ask for a stop in other words
    #[arg(long, value_name = "ACTION", value_parser = choices::suspicions())]
    suspected: Option<String>,
    /// The scope of a STOP: all messages of the account, or those from one of its numbers. For accounts only
    #[arg(long, value_name = "SCOPE", value_parser = choices::opt_out_scopes())]
    opt_out_scope: Option<String>,
    /// Whether the platform answers keywords
    #[arg(long, value_name = "BOOL")]
    replies: Option<bool>,
    /// The contact that replaces `{support}` in answers
    #[arg(long)]
    support: Option<String>,
    /// The answer to STOP; the platform replaces `{account}` and `{support}`
    #[arg(long, value_name = "TEXT")]
    stop_text: Option<String>,
    /// The answer to START
    #[arg(long, value_name = "TEXT")]
    start_text: Option<String>,
    /// The answer to HELP
    #[arg(long, value_name = "TEXT")]
    help_text: Option<String>,
    /// Start from the defaults instead of the current settings
    #[arg(long)]
    reset: bool,
}

impl Action {
    /// `path` is the address of the settings of an account or a number.
    pub(super) async fn run(self, door: &Door, path: impl Fn(&str) -> String) -> Result<(), Failed> {
        match self {
            Self::Show { of } => output::settings(&door.ask(Method::GET, &path(&of), None).await?, door.json),
            Self::Set(settings) => {
                let path = path(&settings.of);
                let had = if settings.reset { json!({}) } else { door.ask(Method::GET, &path, None).await? };
                output::settings(&door.ask(Method::PUT, &path, Some(&settings.over(had))).await?, door.json);
            }
        }
        Ok(())
    }
}

impl Settings {
    /// Settings with these in their place.
    fn over(self, mut settings: Value) -> Value {
        for (field, more) in [("stopWords", self.stop_word), ("languages", self.language)] {
            let had = settings[field].as_array().cloned().unwrap_or_default();
            settings[field] = had.into_iter().chain(more.into_iter().map(Value::from)).collect();
        }
        for (field, value) in [("yes", self.yes_starts), ("replies", self.replies)] {
            if let Some(value) = value {
                settings[field] = value.into();
            }
        }
        for (field, value) in [
            ("suspected", self.suspected),
            ("optOutScope", self.opt_out_scope),
            ("support", self.support),
            ("stopText", self.stop_text),
            ("startText", self.start_text),
            ("helpText", self.help_text),
        ] {
            if let Some(value) = value {
                settings[field] = value.into();
            }
        }
        settings
    }
}
