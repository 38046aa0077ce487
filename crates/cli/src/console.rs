//! `smsfactory console`.

use axum::http::Method;
use clap::Subcommand;
use serde_json::json;

use super::client::{Door, escaped};
use super::{Failed, output};

#[derive(Debug, clap::Args)]
pub(super) struct Console {
    #[command(flatten)]
    door: Door,
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Prints a link that signs an operator in; it works once, within 10 minutes
    Login {
        /// The name of the operator
        #[arg(long, value_name = "NAME", default_value = "admin")]
        operator: String,
    },
}

impl Console {
    pub(super) async fn run(self) -> Result<(), Failed> {
        let door = &self.door;
        let Action::Login { operator } = self.action;
        let path = format!("/operators/{}/link", escaped(&operator));
        let answer = door.ask(Method::POST, &path, None).await.map_err(|failed| {
            Failed::new(format!("{failed}. Is there an operator {operator}? `smsfactory operator add` adds one"))
        })?;
        let token = answer["token"].as_str().unwrap_or_default();
        let link = answer["link"].as_str().map_or_else(|| link(door.url(), token), str::to_owned);
        if door.json {
            output::say(json!({ "link": link, "expiresAt": answer["expiresAt"] }));
        } else {
            output::say(link);
            output::note("the link works once, within 10 minutes");
        }
        Ok(())
    }
}

/// The address of a link.
pub(super) fn link(admin: impl std::fmt::Display, token: &str) -> String {
    format!("{}/console/login?token={token}", admin.to_string().trim_end_matches('/'))
}
