//! `smsfactory screening templates` and `smsfactory screening template`.

use axum::http::Method;
use clap::Subcommand;
use serde_json::json;

use super::client::{Door, escaped};
use super::paging::Length;
use super::{Failed, output};

#[derive(Debug, Subcommand)]
pub(super) enum Template {
    /// Approves a text for an account: the platform accepts it regardless of the compliance screen
    Add {
        /// The account
        account: String,
        /// The text, with `{name}` for each part that varies
        #[arg(long)]
        text: String,
        /// A note
        #[arg(long)]
        note: Option<String>,
    },
    /// Removes a template of an account
    Remove {
        /// The account
        account: String,
        /// The id of the template
        id: String,
        /// Do not ask for confirmation
        #[arg(long)]
        yes: bool,
    },
}

const COLUMNS: [(&str, &str); 4] = [("ID", "/id"), ("CREATED", "/createdAt"), ("NOTE", "/note"), ("TEXT", "/text")];

impl Template {
    pub(super) async fn run(self, door: &Door) -> Result<(), Failed> {
        match self {
            Self::Add { account, text, note } => {
                let template = json!({ "text": text, "note": note });
                output::one(&door.ask(Method::PUT, &path(&account), Some(&template)).await?, door.json);
            }
            Self::Remove { account, id, yes } => {
                output::confirm(&format!("Remove the template {id}? Its texts are screened again at once."), yes)?;
                door.ask(Method::DELETE, &format!("{}/{}", path(&account), escaped(&id)), None).await?;
            }
        }
        Ok(())
    }
}

/// Lists the templates of an account.
pub(super) async fn list(door: &Door, account: &str, length: Length) -> Result<(), Failed> {
    output::list(&length.gather(door, &path(account), &[]).await?, &COLUMNS, door.json);
    Ok(())
}

fn path(account: &str) -> String {
    format!("/accounts/{account}/screening/templates")
}
