//! `smsfactory block`.

use axum::http::Method;
use clap::{Subcommand, ValueEnum};
use serde_json::json;

use super::client::{Door, escaped, query};
use super::paging::Length;
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
    /// Messages to the number
    Recipient,
    /// Messages from the number
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
        /// Only blocks of this kind
        #[arg(long, value_enum)]
        kind: Option<Kind>,
        /// Only blocks of this account
        #[arg(long)]
        account: Option<String>,
        #[command(flatten)]
        length: Length,
    },
    /// Blocks messages to a number, or messages from a sender
    Add {
        /// The number, such as +18005550100; for a sender also a short code or a name
        number: String,
        /// The blocked messages
        #[arg(long, value_enum, default_value_t = Kind::Recipient)]
        kind: Kind,
        /// Block for this account alone; by default for all accounts
        #[arg(long)]
        account: Option<String>,
        /// The reason
        #[arg(long)]
        reason: Option<String>,
    },
    /// Removes a block
    Remove {
        /// The number, such as +18005550100; for a sender also a short code or a name
        number: String,
        /// The kind of the block
        #[arg(long, value_enum, default_value_t = Kind::Recipient)]
        kind: Kind,
        /// Remove the block of this account; by default the block for all accounts
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
            Action::List { kind, account, length } => {
                let filter = [("kind", kind.map(|kind| kind.name().to_owned())), ("accountId", account)];
                output::list(&length.gather(door, "/blocks", &filter).await?, &COLUMNS, door.json);
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
