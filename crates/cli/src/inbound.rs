//! `smsfactory inbound`: inbound messages.

use axum::http::Method;
use clap::Subcommand;
use serde_json::json;

use super::client::{Door, escaped};
use super::paging::Length;
use super::{Failed, choices, output};

#[derive(Debug, clap::Args)]
pub(super) struct Inbound {
    #[command(flatten)]
    door: Door,
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Lists inbound messages, newest first; `message show ID` shows one
    List {
        /// Only messages of this account
        #[arg(long)]
        account: Option<String>,
        /// The mode of the account's messages; by default live
        #[arg(long, requires = "account", value_parser = choices::modes())]
        mode: Option<String>,
        /// Only messages from this number
        #[arg(long, value_name = "NUMBER")]
        from: Option<String>,
        /// Only messages to this number
        #[arg(long, value_name = "NUMBER")]
        to: Option<String>,
        /// Only messages recorded at this time or later, as in RFC 3339
        #[arg(long, value_name = "TIME", value_parser = choices::time)]
        after: Option<String>,
        /// Only messages recorded before this time
        #[arg(long, value_name = "TIME", value_parser = choices::time)]
        before: Option<String>,
        #[command(flatten)]
        length: Length,
    },
    /// Messages to numbers that belong to no account
    #[command(subcommand)]
    Unrouted(Unrouted),
}

#[derive(Debug, Subcommand)]
enum Unrouted {
    /// Lists unrouted messages, newest first; the platform keeps them for seven days by default
    List(Length),
    /// Assigns an unrouted message to an account, as if the message came now
    Assign {
        /// The id of the message
        id: String,
        /// The account
        account: String,
        /// The mode in which the account sees the message; by default live
        #[arg(long, value_parser = choices::modes())]
        mode: Option<String>,
        /// Do not ask for confirmation
        #[arg(long)]
        yes: bool,
    },
}

const COLUMNS: [(&str, &str); 9] = [
    ("ID", "/id"),
    ("RECEIVED", "/receivedAt"),
    ("ACCOUNT", "/accountId"),
    ("MODE", "/mode"),
    ("FROM", "/from"),
    ("TO", "/to"),
    ("CARRIER", "/carrier"),
    ("KEYWORD", "/keyword"),
    ("BODY", "/body"),
];

/// The columns of unrouted messages.
const UNROUTED: [(&str, &str); 7] = [
    ("ID", "/id"),
    ("RECEIVED", "/receivedAt"),
    ("FROM", "/from"),
    ("TO", "/to"),
    ("CARRIER", "/carrier"),
    ("KEYWORD", "/keyword"),
    ("BODY", "/body"),
];

impl Inbound {
    pub(super) async fn run(self) -> Result<(), Failed> {
        let door = &self.door;
        match self.action {
            Action::List { account, mode, from, to, after, before, length } => {
                let filter = [
                    ("accountId", account),
                    ("mode", mode),
                    ("from", from),
                    ("to", to),
                    ("after", after),
                    ("before", before),
                ];
                let answer = length.gather(door, "/inbound", &filter).await?;
                output::list(&answer, &COLUMNS, door.json);
            }
            Action::Unrouted(Unrouted::List(length)) => {
                let answer = length.gather(door, "/inbound/unrouted", &[]).await?;
                output::list(&answer, &UNROUTED, door.json);
            }
            Action::Unrouted(Unrouted::Assign { id, account, mode, yes }) => {
                let question =
                    format!("Assign {id} to {account}? The account will see it, and a STOP or START in it will count.");
                output::confirm(&question, yes)?;
                let place = format!("/inbound/unrouted/{}/assign", escaped(&id));
                let input = json!({ "accountId": account, "mode": mode });
                output::one(&door.ask(Method::POST, &place, Some(&input)).await?, door.json);
            }
        }
        Ok(())
    }
}
