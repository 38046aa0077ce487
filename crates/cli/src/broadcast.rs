//! `smsfactory broadcast`: one text to many recipients.

mod recipients;
mod send;

use axum::http::Method;
use clap::Subcommand;
use serde_json::Value;

use super::client::Door;
use super::paging::Length;
use super::{Failed, choices, output};

#[derive(Debug, clap::Args)]
pub(super) struct Broadcast {
    #[command(flatten)]
    door: Door,
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Sends a text to every number in a file, as the account of an API key
    Send(send::Send),
    /// Lists broadcasts, newest first
    List {
        /// Only broadcasts of this account
        #[arg(long)]
        account: Option<String>,
        /// Only broadcasts of keys of this mode
        #[arg(long, value_parser = choices::modes())]
        mode: Option<String>,
        /// Only broadcasts with this status
        #[arg(long, value_parser = choices::broadcast_statuses())]
        status: Option<String>,
        /// Only broadcasts from this sender
        #[arg(long, value_name = "SENDER")]
        from: Option<String>,
        /// Only broadcasts with this reference of the client
        #[arg(long)]
        reference: Option<String>,
        /// Only broadcasts accepted at this time or later, as in RFC 3339
        #[arg(long, value_name = "TIME", value_parser = choices::time)]
        after: Option<String>,
        /// Only broadcasts accepted before this time
        #[arg(long, value_name = "TIME", value_parser = choices::time)]
        before: Option<String>,
        #[command(flatten)]
        length: Length,
    },
    /// Shows a broadcast with its counts
    Show {
        /// The id of the broadcast
        id: String,
    },
    /// Cancels a broadcast: the platform sends no more of its messages
    Cancel {
        /// The id of the broadcast
        id: String,
        /// Do not ask for confirmation
        #[arg(long)]
        yes: bool,
    },
}

/// The columns of the result of `send`, and of a list beside the mode.
const COLUMNS: [(&str, &str); 11] = [
    ("ID", "/id"),
    ("CREATED", "/createdAt"),
    ("FROM", "/from"),
    ("STATUS", "/status"),
    ("TOTAL", "/counts/total"),
    ("SKIPPED", "/counts/skipped"),
    ("QUEUED", "/counts/queued"),
    ("SENT", "/counts/sent"),
    ("DELIVERED", "/counts/delivered"),
    ("UNDELIVERED", "/counts/undelivered"),
    ("FAILED", "/counts/failed"),
];

impl Broadcast {
    pub(super) async fn run(self) -> Result<(), Failed> {
        let door = &self.door;
        match self.action {
            Action::Send(send) => send.run(door.json).await?,
            Action::List { account, mode, status, from, reference, after, before, length } => {
                let filter = [
                    ("accountId", account),
                    ("mode", mode),
                    ("status", status),
                    ("from", from),
                    ("reference", reference),
                    ("after", after),
                    ("before", before),
                ];
                let answer = length.gather(door, "/broadcasts", &filter).await?;
                let mut columns = COLUMNS.to_vec();
                columns.insert(2, ("MODE", "/mode"));
                output::list(&answer, &columns, door.json);
            }
            Action::Show { id } => one(door.ask(Method::GET, &format!("/broadcasts/{id}"), None).await?, door.json),
            Action::Cancel { id, yes } => {
                output::confirm(
                    &format!("Cancel broadcast {id}? Recipients whose message has not left will not get it."),
                    yes,
                )?;
                one(door.ask(Method::POST, &format!("/broadcasts/{id}/cancel"), None).await?, door.json);
            }
        }
        Ok(())
    }
}

/// Prints a broadcast. People see its counts as lines like the others.
fn one(mut broadcast: Value, as_json: bool) {
    if !as_json
        && let Some(Value::Object(counts)) = broadcast.as_object_mut().and_then(|fields| fields.remove("counts"))
    {
        counts.into_iter().for_each(|(name, count)| broadcast[name] = count);
    }
    output::text_or_removed(&mut broadcast, as_json);
    output::one(&broadcast, as_json);
}
