//! `smsfactory key`.

use axum::http::Method;
use clap::{Subcommand, ValueEnum};
use serde_json::json;

use super::client::Door;
use super::paging::Length;
use super::{Failed, choices, output};

#[derive(Debug, clap::Args)]
pub(super) struct Key {
    #[command(flatten)]
    door: Door,
    #[command(subcommand)]
    action: Action,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Mode {
    /// Reaches the carriers
    Live,
    /// Reaches the sandbox alone
    Test,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Lists the keys of an account
    List {
        /// The id of the account
        account: String,
        #[command(flatten)]
        length: Length,
    },
    /// Creates a key, and prints its secret once
    Create {
        /// The id of the account
        account: String,
        /// The mode of the key
        #[arg(long, value_enum, default_value_t = Mode::Live)]
        mode: Mode,
        /// A name for the key, such as the program that uses it
        #[arg(long)]
        name: Option<String>,
        /// The time at which the key expires, as in RFC 3339
        #[arg(long, value_name = "TIME", value_parser = choices::time)]
        expires_at: Option<String>,
    },
    /// Revokes a key at once. This cannot be undone
    Revoke {
        /// The id of the key
        key: String,
        /// Do not ask for confirmation
        #[arg(long)]
        yes: bool,
    },
}

const COLUMNS: [(&str, &str); 7] = [
    ("KEY", "/keyId"),
    ("NAME", "/name"),
    ("MODE", "/mode"),
    ("CREATED", "/createdAt"),
    ("LAST USED", "/lastUsedAt"),
    ("EXPIRES", "/expiresAt"),
    ("REVOKED", "/revokedAt"),
];

impl Key {
    pub(super) async fn run(self) -> Result<(), Failed> {
        let door = &self.door;
        match self.action {
            Action::List { account, length } => {
                let answer = length.gather(door, &format!("/accounts/{account}/keys"), &[]).await?;
                output::list(&answer, &COLUMNS, door.json);
            }
            Action::Create { account, mode, name, expires_at } => {
                let mode = match mode {
                    Mode::Live => "live",
                    Mode::Test => "test",
                };
                let key = json!({ "mode": mode, "name": name, "expiresAt": expires_at });
                let answer = door.ask(Method::POST, &format!("/accounts/{account}/keys"), Some(&key)).await?;
                output::one(&answer, door.json);
                output::note("the secret is shown this once; keep it");
            }
            Action::Revoke { key, yes } => {
                output::confirm(&format!("Revoke key {key}? Its requests are refused at once."), yes)?;
                door.ask(Method::DELETE, &format!("/keys/{key}"), None).await?;
            }
        }
        Ok(())
    }
}
