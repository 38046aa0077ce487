//! `smsfactory account keywords` and `smsfactory number keywords`.

use axum::http::Method;
use clap::Subcommand;
use serde_json::{Value, json};

use super::client::Door;
use super::{Failed, output};

#[derive(Debug, Subcommand)]
pub(super) enum Action {
    /// Shows the settings; the others have their default (for a number: the setting of its account)
    Show {
        /// The account or the number
        of: String,
    },
    /// Changes the given settings; the others stay
    Set(Box<Settings>),
}

#[derive(Debug, clap::Args)]
pub(super) struct Settings {
    /// The account or the number
    of: String,
    /// A further word that stops messages; may be repeated
    #[arg(long, value_name = "WORD")]
    stop_word: Vec<String>,
    /// A language whose words stop messages too: fr or es; may be repeated
    #[arg(long, value_name = "LANGUAGE")]
    language: Vec<String>,
    /// Whether YES starts messages again: true or false
    #[arg(long, value_name = "BOOL")]
    yes_starts: Option<bool>,
    #[arg(long, help = "The action for texts that seem to ask for an end in other words: flag, opt_out or ignore")]
    suspected: Option<String>,
    /// The scope of a STOP, for an account: account or number
    #[arg(long)]
    opt_out_scope: Option<String>,
    /// Whether keywords are answered: true or false
    #[arg(long, value_name = "BOOL")]
    replies: Option<bool>,
    /// A contact of the account, for `{support}` in texts
    #[arg(long)]
    support: Option<String>,
    /// The answer to STOP; `{account}` and `{support}` are filled in
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
    /// `path` makes the address of the settings from what they belong to.
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
