//! `smsfactory hold`: a restored store, until the operator releases it.

use std::io::{self, IsTerminal};

use axum::http::Method;
use clap::Subcommand;
use indicatif::ProgressBar;
use model::Timestamp;
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
    /// Shows whether the store is held, since when, and the number of queued messages
    Show,
    /// Lists queued messages and overdue scheduled ones, newest first
    ///
    /// Each may have left after the backup. A carrier had a message with attempts before the backup. A scheduled
    /// message is overdue if its `sendAt` is past.
    List {
        /// Only messages of this account
        #[arg(long)]
        account: Option<String>,
        #[command(flatten)]
        length: Length,
    },
    /// Ends queued messages and open broadcasts, so that they are not sent again
    ///
    /// Broadcasts are canceled. Messages end as undelivered, with the error type `unknown`. Scheduled messages whose
    /// time is still to come stay.
    End {
        /// Do not ask for confirmation
        #[arg(long)]
        yes: bool,
    },
    /// Releases the store: the server sends the queued messages, and accepts new ones
    Release {
        /// Do not ask for confirmation
        #[arg(long)]
        yes: bool,
    },
}

impl Hold {
    pub(super) async fn run(self) -> Result<(), Failed> {
        let door = &self.door;
        match self.action {
            Action::Show => output::one(&door.ask(Method::GET, "/hold", None).await?, door.json),
            Action::List { account, length } => {
                output::list(&may_have_left(door, account, length).await?, &message::WAITING, door.json);
            }
            Action::End { yes } => {
                let waiting = waiting(door).await?;
                let question = format!(
                    "End {waiting}? The server does not send them, and their clients get events. Scheduled messages \
                     whose time is still to come stay."
                );
                output::confirm(&question, yes)?;
                end(door).await?;
            }
            Action::Release { yes } => {
                let waiting = waiting(door).await?;
                output::confirm(
                    &format!("Release the store? The server sends {waiting}; some may be sent twice."),
                    yes,
                )?;
                let answer = door.ask(Method::POST, "/hold/release", None).await?;
                if door.json {
                    output::say(&answer);
                } else {
                    output::say(format!("The store is released. The server sends {waiting}."));
                }
            }
        }
        Ok(())
    }
}

/// The queued messages and the scheduled ones whose time has passed, newest first.
async fn may_have_left(door: &Door, account: Option<String>, length: Length) -> Result<Value, Failed> {
    let hold = door.ask(Method::GET, "/hold", None).await?;
    let now = hold["at"].as_str().and_then(Timestamp::parse);
    let is_overdue = |message: &Value| message["sendAt"].as_str().and_then(Timestamp::parse) <= now;
    let with = |status: &str| [("status", Some(status.to_owned())), ("accountId", account.clone())];
    let queued = length.clone().gather(door, "/messages", &with("queued")).await?;
    let overdue_of_page = async |given: String| {
        let mut page = door.ask(Method::GET, &format!("/messages{given}"), None).await?;
        if let Some(messages) = page["data"].as_array_mut() {
            messages.retain(is_overdue);
        }
        Ok(page)
    };
    let overdue = length.clone().pages(&with("scheduled"), overdue_of_page).await?;
    Ok(length.join(vec![queued, overdue]))
}

/// The queued messages and open broadcasts of a held store, in words.
async fn waiting(door: &Door) -> Result<String, Failed> {
    let hold = door.ask(Method::GET, "/hold", None).await?;
    if hold["held"] != Value::Bool(true) {
        return Err(Failed::new("the store is not held"));
    }
    let counted = |field: &str, thing: &str| output::counted(output::count_in(&hold, field), thing);
    Ok(format!(
        "{} ({} of them under way to a carrier), {} with {} to come, {}, and {} for later",
        counted("queuedMessages", "message"),
        hold["underWay"],
        counted("openBroadcasts", "broadcast"),
        counted("recipientsToCome", "recipient"),
        counted("overdueMessages", "overdue scheduled message"),
        counted("scheduledMessages", "scheduled message")
    ))
}

/// Ends the queued messages and open broadcasts, step by step.
async fn end(door: &Door) -> Result<(), Failed> {
    let bar = if io::stderr().is_terminal() { ProgressBar::new_spinner() } else { ProgressBar::hidden() };
    let (mut broadcasts, mut messages) = (0, 0);
    loop {
        let step = door.ask(Method::POST, "/hold/end", None).await?;
        let count = |field: &str| output::count_in(&step, field);
        let (canceled, ended) = (count("canceledBroadcasts"), count("endedMessages"));
        if canceled + ended == 0 {
            break;
        }
        (broadcasts, messages) = (broadcasts + canceled, messages + ended);
        bar.set_message(ends(broadcasts, messages));
        bar.tick();
    }
    bar.finish_and_clear();
    if door.json {
        output::say(serde_json::json!({ "canceledBroadcasts": broadcasts, "endedMessages": messages }));
    } else {
        output::say(ends(broadcasts, messages));
    }
    Ok(())
}

fn ends(broadcasts: u64, messages: u64) -> String {
    let (broadcasts, messages) = (output::counted(broadcasts, "broadcast"), output::counted(messages, "message"));
    format!("Canceled {broadcasts}, and ended {messages}.")
}
