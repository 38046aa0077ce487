//! `smsfactory message`: the outbound messages, and sending one.

mod find;
mod send;

use axum::http::Method;
use clap::Subcommand;
use serde_json::Value;

use super::client::Door;
use super::paging::Length;
use super::{Failed, choices, output};

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
    /// Finds messages by an id, a number, a client's reference, a carrier's id or an idempotency key
    Find(find::Find),
    /// Sends a message for an account, within its limits
    Send(Box<send::Send>),
    /// Sends an earlier message again, as a new one
    Again(send::Again),
    /// Cancels a message that waits, scheduled or queued: it is not sent
    Cancel {
        /// The id of the message
        id: String,
        /// Do not ask for confirmation
        #[arg(long)]
        yes: bool,
    },
}

/// The filters of a list.
#[derive(Debug, clap::Args)]
struct List {
    /// Only messages of this account
    #[arg(long)]
    account: Option<String>,
    /// Only messages of keys of this mode
    #[arg(long, value_parser = choices::modes())]
    mode: Option<String>,
    /// Only messages with this status
    #[arg(long, value_parser = choices::statuses())]
    status: Option<String>,
    /// Only messages to this number
    #[arg(long, value_name = "NUMBER")]
    to: Option<String>,
    /// Only messages from this sender
    #[arg(long, value_name = "SENDER")]
    from: Option<String>,
    /// Only messages to or from this number
    #[arg(long)]
    number: Option<String>,
    /// Only messages with this reference of the client, carrier's id or (with --account) idempotency key
    #[arg(long)]
    reference: Option<String>,
    /// Only messages of this broadcast
    #[arg(long)]
    broadcast: Option<String>,
    /// Only messages accepted at this time or later, as in RFC 3339
    #[arg(long, value_name = "TIME", value_parser = choices::time)]
    after: Option<String>,
    /// Only messages accepted before this time
    #[arg(long, value_name = "TIME", value_parser = choices::time)]
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
pub(super) const WAITING: [(&str, &str); 10] = [
    ("ID", "/id"),
    ("CREATED", "/createdAt"),
    ("ACCOUNT", "/accountId"),
    ("FROM", "/from"),
    ("TO", "/to"),
    ("STATUS", "/status"),
    ("CARRIER", "/carrier"),
    ("ATTEMPTS", "/attempts"),
    ("SEND AT", "/sendAt"),
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
                let List { account, mode, status, to, from, number, reference, broadcast, .. } = *list;
                let filter = [
                    ("accountId", account),
                    ("mode", mode),
                    ("status", status),
                    ("to", to),
                    ("from", from),
                    ("number", number),
                    ("reference", reference),
                    ("broadcastId", broadcast),
                    ("after", list.after),
                    ("before", list.before),
                ];
                let answer = list.length.gather(door, "/messages", &filter).await?;
                output::list(&answer, &COLUMNS, door.json);
            }
            Action::Show { id } => {
                let mut answer = door.ask(Method::GET, &format!("/messages/{id}"), None).await?;
                output::text_or_removed(&mut answer, door.json);
                let waits = wait_of(&mut answer, door.json);
                output::one(&answer, door.json);
                if !door.json {
                    output::say("");
                    life(&answer);
                }
                if let Some(sentence) = waits {
                    let begins = if answer["status"] == "scheduled" { "Scheduled" } else { "Still queued" };
                    output::say(format!("\n{begins}. {sentence}."));
                }
            }
            Action::Find(find) => find.run(door).await?,
            Action::Send(send) => send.run(door).await?,
            Action::Again(again) => again.run(door).await?,
            Action::Cancel { id, yes } => {
                output::confirm(&format!("Cancel message {id}? The recipient will not get it."), yes)?;
                let mut answer = door.ask(Method::POST, &format!("/messages/{id}/cancel"), None).await?;
                output::text_or_removed(&mut answer, door.json);
                output::one(&answer, door.json);
            }
        }
        Ok(())
    }
}

/// Takes the sentence out that tells people why a message is still queued.
fn wait_of(message: &mut Value, as_json: bool) -> Option<String> {
    if as_json {
        return None;
    }
    let waits = message.as_object_mut()?.remove("waitsFor")?;
    waits["sentence"].as_str().map(str::to_owned)
}

/// Prints a message's life.
pub(super) fn life(message: &Value) {
    output::list(&serde_json::json!({ "data": message["events"] }), &EVENTS, false);
}
