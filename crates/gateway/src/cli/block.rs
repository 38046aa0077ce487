//! `smsfactory block`.

use axum::http::Method;
use clap::{Subcommand, ValueEnum};
use serde_json::json;

use super::account::Paging;
use super::client::{Door, escaped, query};
use super::{Failed, output};

#[derive(Debug, clap::Args)]
pub(super) struct Block {
    #[command(flatten)]
    door: Door,
    #[command(subcommand)]
    action: Action,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Kind {
    Recipient,
    Sender,
}

impl Kind {
    const fn name(self) -> &'static str {
        match self {
            Self::Recipient => "recipient",
            Self::Sender => "sender",
        }
    }
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Lists blocks
    List {
        /// Of this kind
        #[arg(long, value_enum)]
        kind: Option<Kind>,
        /// Of this account
        #[arg(long)]
        account: Option<String>,
        #[command(flatten)]
        paging: Paging,
    },
    /// Blocks a number or a sender
    Add {
        /// The number, such as +18005550100; of a sender also a short code or a name
        number: String,
        /// Block messages to the number, or messages from it
        #[arg(long, value_enum, default_value_t = Kind::Recipient)]
        kind: Kind,
        /// For this account only; by default for all accounts
        #[arg(long)]
        account: Option<String>,
        /// The reason
        #[arg(long)]
        reason: Option<String>,
    },
    /// Removes a block
    Remove {
        /// The number, such as +18005550100; of a sender also a short code or a name
        number: String,
        /// Of this kind
        #[arg(long, value_enum, default_value_t = Kind::Recipient)]
        kind: Kind,
        /// The block of this account; by default the block for all accounts
        #[arg(long)]
        account: Option<String>,
        /// Do not ask for confirmation
        #[arg(long)]
        yes: bool,
    },
}

const COLUMNS: [(&str, &str); 5] = [
    ("NUMBER", "/number"),
    ("KIND", "/kind"),
    ("ACCOUNT", "/accountId"),
    ("REASON", "/reason"),
    ("CREATED", "/createdAt"),
];

impl Block {
    pub(super) async fn run(self) -> Result<(), Failed> {
        let door = &self.door;
        match self.action {
            Action::List { kind, account, paging } => {
                let [limit, cursor] = paging.parameters();
                let query =
                    query(&[("kind", kind.map(|kind| kind.name().to_owned())), ("accountId", account), limit, cursor]);
                let answer = door.ask(Method::GET, &format!("/blocks{query}"), None).await?;
                output::list(&answer, &COLUMNS, door.json);
            }
            Action::Add { number, kind, account, reason } => {
                let block = json!({ "kind": kind.name(), "accountId": account, "reason": reason });
                let answer = door.ask(Method::PUT, &format!("/blocks/{}", escaped(&number)), Some(&block)).await?;
                output::one(&answer, door.json);
            }
            Action::Remove { number, kind, account, yes } => {
                output::confirm(
                    &format!("Remove the {} block of {number}? Messages are sent from now on.", kind.name()),
                    yes,
                )?;
                let query = query(&[("kind", Some(kind.name().to_owned())), ("accountId", account)]);
                door.ask(Method::DELETE, &format!("/blocks/{}{query}", escaped(&number)), None).await?;
            }
        }
        Ok(())
    }
}
