//! `smsfactory message`: what became of messages, and sending one.

mod send;

use axum::http::Method;
use clap::Subcommand;
use serde_json::Value;

use super::client::Door;
use super::paging::Length;
use super::{Failed, output};

#[derive(Debug, clap::Args)]
pub(super) struct Message {
    #[command(flatten)]
    door: Door,
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Lists messages, newest first
    List(Box<List>),
    /// Shows a message with its events
    Show {
        /// The id of the message
        id: String,
    },
    /// Sends a message for an account, within its limits
    Send(Box<send::Send>),
    /// Sends an earlier message again, as a new one
    Again(send::Again),
}

/// Which messages are listed.
#[derive(Debug, clap::Args)]
struct List {
    /// Of this account
    #[arg(long)]
    account: Option<String>,
    /// live or test: sent with keys of this mode
    #[arg(long)]
    mode: Option<String>,
    /// queued, sent, delivered, undelivered or failed
    #[arg(long)]
    status: Option<String>,
    /// To this number
    #[arg(long)]
    to: Option<String>,
    /// From this number
    #[arg(long)]
    from: Option<String>,
    /// With this reference of its client
    #[arg(long)]
    reference: Option<String>,
    /// Of this broadcast
    #[arg(long)]
    broadcast: Option<String>,
    /// Accepted at this time or later, as in RFC 3339
    #[arg(long)]
    after: Option<String>,
    /// Accepted before this time
    #[arg(long)]
    before: Option<String>,
    #[command(flatten)]
    length: Length,
}

const COLUMNS: [(&str, &str); 8] = [
    ("ID", "/id"),
    ("CREATED", "/createdAt"),
    ("MODE", "/mode"),
    ("FROM", "/from"),
    ("TO", "/to"),
    ("STATUS", "/status"),
    ("CARRIER", "/carrier"),
    ("ERROR", "/errorType"),
];

/// The columns of a message that waits.
pub(super) const WAITING: [(&str, &str); 8] = [
    ("ID", "/id"),
    ("CREATED", "/createdAt"),
    ("ACCOUNT", "/accountId"),
    ("FROM", "/from"),
    ("TO", "/to"),
    ("CARRIER", "/carrier"),
    ("ATTEMPTS", "/attempts"),
    ("VALID UNTIL", "/expiresAt"),
];

/// The columns of a message's life.
pub(super) const EVENTS: [(&str, &str); 5] =
    [("AT", "/at"), ("EVENT", "/event"), ("CARRIER", "/carrier"), ("ATTEMPT", "/attempt"), ("DETAIL", "/detail")];

impl Message {
    pub(super) async fn run(self) -> Result<(), Failed> {
        let door = &self.door;
        match self.action {
            Action::List(list) => {
                let List { account, mode, status, to, from, reference, broadcast, after, before, length } = *list;
                let filter = [
                    ("accountId", account),
                    ("mode", mode),
                    ("status", status),
                    ("to", to),
                    ("from", from),
                    ("reference", reference),
                    ("broadcastId", broadcast),
                    ("after", after),
                    ("before", before),
                ];
                let answer = length.gather(door, "/messages", &filter).await?;
                output::list(&answer, &COLUMNS, door.json);
            }
            Action::Show { id } => {
                let mut answer = door.ask(Method::GET, &format!("/messages/{id}"), None).await?;
                output::text_or_removed(&mut answer, door.json);
                output::one(&answer, door.json);
                if !door.json {
                    output::say("");
                    life(&answer);
                }
            }
            Action::Send(send) => send.run(door).await?,
            Action::Again(again) => again.run(door).await?,
        }
        Ok(())
    }
}

/// Prints a message's life.
pub(super) fn life(message: &Value) {
    output::list(&serde_json::json!({ "data": message["events"] }), &EVENTS, false);
}
