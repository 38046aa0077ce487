//! `smsfactory account`.

use std::str::FromStr;

use axum::http::Method;
use clap::Subcommand;
use model::TextRetention;
use serde_json::json;

use super::client::{Door, query};
use super::paging::Length;
use super::{Failed, choices, keywords, output};

#[derive(Debug, clap::Args)]
pub(super) struct Account {
    #[command(flatten)]
    door: Door,
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Lists accounts
    List {
        /// Only accounts whose name contains this text, in upper or lower case
        #[arg(long, value_name = "TEXT")]
        name: Option<String>,
        #[command(flatten)]
        length: Length,
    },
    /// Shows an account
    Show {
        /// The id of the account
        id: String,
    },
    /// Counts the messages of an account by day, type and status
    Usage {
        /// The id of the account
        id: String,
        /// Only messages of keys of this mode
        #[arg(long, value_parser = choices::modes())]
        mode: Option<String>,
        /// The first day, such as 2026-11-01; by default 30 days ago
        #[arg(long, value_name = "DAY")]
        from: Option<String>,
        /// The last day; by default today
        #[arg(long, value_name = "DAY")]
        to: Option<String>,
    },
    /// Creates an account
    Create {
        /// The name of the account
        name: String,
        #[command(flatten)]
        limits: Limits,
    },
    /// Changes the limits of an account
    Limit {
        /// The id of the account
        id: String,
        #[command(flatten)]
        limits: Limits,
    },
    /// Sets the retention of texts for an account, if it is shorter than the platform's
    Retention {
        /// The id of the account
        id: String,
        /// Days from acceptance; `discard` to remove each text when its message has ended; `default` for the platform's
        /// rule
        rule: Rule,
        /// Do not ask for confirmation
        #[arg(long)]
        yes: bool,
    },
    /// Settings of STOP, START and HELP: words, languages and answers
    #[command(subcommand)]
    Keywords(keywords::Action),
    /// Activates a suspended or disabled account
    Activate {
        /// The id of the account
        id: String,
    },
    /// Suspends an account: its requests are refused, its accepted messages are still sent
    Suspend {
        /// The id of the account
        id: String,
        /// Do not ask for confirmation
        #[arg(long)]
        yes: bool,
    },
    /// Disables an account: as `suspend`, for an account that will not come back. `activate` undoes both
    Disable {
        /// The id of the account
        id: String,
        /// Do not ask for confirmation
        #[arg(long)]
        yes: bool,
    },
}

#[derive(Debug, clap::Args)]
struct Limits {
    /// The limit of POST /message requests a minute
    #[arg(long)]
    message_per_minute: Option<u32>,
    /// The limit of POST /broadcast requests a minute
    #[arg(long)]
    broadcast_per_minute: Option<u32>,
    /// The limit of other requests a minute
    #[arg(long)]
    read_per_minute: Option<u32>,
    /// The limit of recipients a day
    #[arg(long)]
    daily_quota: Option<u64>,
}

impl Limits {
    fn to_json(&self) -> serde_json::Value {
        json!({
            "messagePerMinute": self.message_per_minute, "broadcastPerMinute": self.broadcast_per_minute,
            "readPerMinute": self.read_per_minute, "dailyQuota": self.daily_quota,
        })
    }
}

/// A rule for texts; `None` for the platform's.
#[derive(Clone, Copy, Debug)]
struct Rule(Option<TextRetention>);

impl FromStr for Rule {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text == "default" {
            return Ok(Self(None));
        }
        let expected = || format!("a number of days from 1 to {}, `discard` or `default`", TextRetention::DAYS_MAX);
        TextRetention::parse(text).map(|rule| Self(Some(rule))).ok_or_else(expected)
    }
}

impl Rule {
    fn to_json(self) -> serde_json::Value {
        match self.0 {
            None => json!({ "retentionDays": null }),
            Some(TextRetention::Discard) => json!({ "retentionDays": "discard" }),
            Some(TextRetention::Days(days)) => json!({ "retentionDays": days }),
        }
    }
}

const COLUMNS: [(&str, &str); 8] = [
    ("ID", "/id"),
    ("NAME", "/name"),
    ("STATE", "/state"),
    ("MESSAGES/MIN", "/messagePerMinute"),
    ("READS/MIN", "/readPerMinute"),
    ("DAILY QUOTA", "/dailyQuota"),
    ("TEXT DAYS", "/retentionDays"),
    ("CREATED", "/createdAt"),
];

/// The columns of messages by day.
const USAGE: [(&str, &str); 6] = [
    ("DAY", "/day"),
    ("DIRECTION", "/direction"),
    ("TYPE", "/messageType"),
    ("STATUS", "/status"),
    ("MESSAGES", "/messages"),
    ("SEGMENTS", "/segments"),
];

impl Account {
    pub(super) async fn run(self) -> Result<(), Failed> {
        let door = &self.door;
        let changed = |id: String, change: serde_json::Value| async move {
            door.ask(Method::PATCH, &format!("/accounts/{id}"), Some(&change)).await
        };
        let answer = match self.action {
            Action::List { name, length } => {
                output::list(&length.gather(door, "/accounts", &[("name", name)]).await?, &COLUMNS, door.json);
                return Ok(());
            }
            Action::Show { id } => door.ask(Method::GET, &format!("/accounts/{id}"), None).await?,
            Action::Usage { id, mode, from, to } => {
                let query = query(&[("mode", mode), ("from", from), ("to", to)]);
                let answer = door.ask(Method::GET, &format!("/accounts/{id}/usage{query}"), None).await?;
                output::list(&answer, &USAGE, door.json);
                return Ok(());
            }
            Action::Create { name, limits } => {
                let mut account = limits.to_json();
                account["name"] = name.into();
                door.ask(Method::POST, "/accounts", Some(&account)).await?
            }
            Action::Limit { id, limits } => changed(id, limits.to_json()).await?,
            Action::Retention { id, rule, yes } => {
                if rule.0.is_some() {
                    output::confirm(&format!("Remove older texts of account {id}? This cannot be undone."), yes)?;
                }
                changed(id, rule.to_json()).await?
            }
            Action::Keywords(action) => return action.run(door, |id| format!("/accounts/{id}/keywords")).await,
            Action::Activate { id } => changed(id, json!({ "state": "active" })).await?,
            Action::Suspend { id, yes } => {
                output::confirm(&format!("Suspend account {id}? Its requests are refused at once."), yes)?;
                changed(id, json!({ "state": "suspended" })).await?
            }
            Action::Disable { id, yes } => {
                output::confirm(&format!("Disable account {id}? Its requests are refused at once."), yes)?;
                changed(id, json!({ "state": "disabled" })).await?
            }
        };
        output::one(&answer, door.json);
        Ok(())
    }
}
