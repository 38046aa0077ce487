//! `smsfactory message`: what became of messages.

use axum::http::Method;
use clap::Subcommand;
use serde_json::Value;

use super::account::Paging;
use super::client::{Door, query};
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
    List {
        /// Of this account
        #[arg(long)]
        account: Option<String>,
        /// queued, sent, delivered, undelivered or failed
        #[arg(long)]
        status: Option<String>,
        /// To this number
        #[arg(long)]
        to: Option<String>,
        /// From this number
        #[arg(long)]
        from: Option<String>,
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
        paging: Paging,
    },
    /// Shows one, with its whole life
    Show {
        /// Its id
        id: String,
    },
}

const COLUMNS: [(&str, &str); 8] = [
    ("ID", "/id"),
    ("CREATED", "/createdAt"),
    ("FROM", "/from"),
    ("TO", "/to"),
    ("MODE", "/mode"),
    ("STATUS", "/status"),
    ("CARRIER", "/carrier"),
    ("ERROR", "/errorType"),
];

/// The columns of a message's life.
pub(super) const EVENTS: [(&str, &str); 5] = [("AT", "/at"), ("EVENT", "/event"), ("CARRIER", "/carrier"), ("ATTEMPT", "/attempt"), ("DETAIL", "/detail")];

impl Message {
    pub(super) async fn run(self) -> Result<(), Failed> {
        let door = &self.door;
        match self.action {
            Action::List { account, status, to, from, broadcast, after, before, paging } => {
                let [limit, cursor] = paging.parameters();
                let filter = [
                    ("accountId", account),
                    ("status", status),
                    ("to", to),
                    ("from", from),
                    ("broadcastId", broadcast),
                    ("after", after),
                    ("before", before),
                    limit,
                    cursor,
                ];
                let answer = door.ask(Method::GET, &format!("/messages{}", query(&filter)), None).await?;
                output::list(&answer, &COLUMNS, door.json);
            }
            Action::Show { id } => {
                let answer = door.ask(Method::GET, &format!("/messages/{id}"), None).await?;
                output::one(&answer, door.json);
                if !door.json {
                    output::say("");
                    life(&answer);
                }
            }
        }
        Ok(())
    }
}

/// Prints a message's life.
pub(super) fn life(message: &Value) {
    output::list(&serde_json::json!({ "data": message["events"] }), &EVENTS, false);
}
