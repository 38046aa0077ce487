//! `smsfactory hold`: a store that was restored, until it is released.

use std::io::{self, IsTerminal};

use axum::http::Method;
use clap::Subcommand;
use indicatif::ProgressBar;
use serde_json::Value;

use super::client::Door;
use super::paging::Length;
use super::{Failed, message, output};

#[derive(Debug, clap::Args)]
pub(super) struct Hold {
    #[command(flatten)]
    door: Door,
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Says whether the store is held, since when, and how much waits in it
    Show,
    /// Lists the queued messages, newest first: each may have left since the backup. One with attempts was handed to a
    /// carrier before
    List(Length),
    /// Ends what waits, so that it is not sent again: broadcasts are canceled, messages end as undelivered, `unknown`.
    /// Scheduled messages whose time is still to come stay
    End {
        /// Do not ask
        #[arg(long)]
        yes: bool,
    },
    /// Releases the store: what waits in it is sent, and new messages are accepted
    Release {
        /// Do not ask
        #[arg(long)]
        yes: bool,
    },
}

impl Hold {
    pub(super) async fn run(self) -> Result<(), Failed> {
        let door = &self.door;
        match self.action {
            Action::Show => output::one(&door.ask(Method::GET, "/hold", None).await?, door.json),
            Action::List(length) => {
                let queued = [("status", Some("queued".to_owned()))];
                output::list(&length.gather(door, "/messages", &queued).await?, &message::WAITING, door.json);
            }
            Action::End { yes } => {
                let waiting = waiting(door).await?;
                let question = format!(
                    "End {waiting}? They are not sent, and their clients are told so. Scheduled messages whose time is \
                     still to come stay."
                );
                output::confirm(&question, yes)?;
                end(door).await?;
            }
            Action::Release { yes } => {
                let waiting = waiting(door).await?;
                output::confirm(&format!("Release the store? It sends {waiting}, some perhaps again."), yes)?;
                let answer = door.ask(Method::POST, "/hold/release", None).await?;
                if door.json {
                    output::say(&answer);
                } else {
                    output::say(format!("The store is released: {waiting} are sent."));
                }
            }
        }
        Ok(())
    }
}

/// What waits in a held store, in words.
async fn waiting(door: &Door) -> Result<String, Failed> {
    let hold = door.ask(Method::GET, "/hold", None).await?;
    if hold["held"] != Value::Bool(true) {
        return Err(Failed::new("the store is not held"));
    }
    Ok(format!(
        "{} messages ({} of them were under way to a carrier), {} broadcasts with {} recipients to come and {} \
         scheduled messages",
        hold["queuedMessages"],
        hold["underWay"],
        hold["openBroadcasts"],
        hold["recipientsToCome"],
        hold["scheduledMessages"]
    ))
}

/// Ends what waits, one step after the other.
async fn end(door: &Door) -> Result<(), Failed> {
    let bar = if io::stderr().is_terminal() { ProgressBar::new_spinner() } else { ProgressBar::hidden() };
    let (mut broadcasts, mut messages) = (0, 0);
    loop {
        let step = door.ask(Method::POST, "/hold/end", None).await?;
        let count = |field: &str| step[field].as_u64().unwrap_or(0);
        let (canceled, ended) = (count("canceledBroadcasts"), count("endedMessages"));
        if canceled + ended == 0 {
            break;
        }
        (broadcasts, messages) = (broadcasts + canceled, messages + ended);
        bar.set_message(format!("{broadcasts} broadcasts and {messages} messages ended"));
        bar.tick();
    }
    bar.finish_and_clear();
    if door.json {
        output::say(serde_json::json!({ "canceledBroadcasts": broadcasts, "endedMessages": messages }));
    } else {
        output::say(format!("{broadcasts} broadcasts were canceled, and {messages} messages ended."));
    }
    Ok(())
}
