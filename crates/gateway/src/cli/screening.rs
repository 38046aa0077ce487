//! `smsfactory screening`: policies of accounts, and what was found in texts.

use axum::http::Method;
use clap::Subcommand;
use serde_json::{Value, json};

use super::account::Paging;
use super::client::{Door, query};
use super::{Failed, output};

#[derive(Debug, clap::Args)]
pub(super) struct Screening {
    #[command(flatten)]
    door: Door,
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Lists texts that were blocked or flagged, newest first
    Log {
        /// Of this account
        #[arg(long)]
        account: Option<String>,
        /// Sent with a live or a test key: live or test
        #[arg(long)]
        mode: Option<String>,
        /// blocked or flagged
        #[arg(long)]
        outcome: Option<String>,
        /// How certain the screen was: sure or unsure
        #[arg(long)]
        certainty: Option<String>,
        #[command(flatten)]
        paging: Paging,
    },
    /// Shows an account's policy
    Policy {
        /// The account
        account: String,
    },
    /// Changes an account's policy; what is not given stays as it is
    Set {
        /// The account
        account: String,
        /// What happens to a text of which the screen is sure: block (refuse with 33019; the default), flag (accept and
        /// mark for review) or off (accept)
        #[arg(long, value_name = "ACTION")]
        sure: Option<String>,
        /// What happens to a text of which the screen is unsure: block, flag (the default) or off
        #[arg(long, value_name = "ACTION")]
        unsure: Option<String>,
        /// A category that it may send, such as shaft.alcohol; may be repeated
        #[arg(long, value_name = "CATEGORY")]
        exempt: Vec<String>,
        /// A domain that it vouches for, with its subdomains; may be repeated
        #[arg(long, value_name = "DOMAIN")]
        allow_domain: Vec<String>,
        /// A phrase that is not looked at; may be repeated
        #[arg(long, value_name = "PHRASE")]
        allow_phrase: Vec<String>,
        /// Begins with the platform's default instead of the account's policy
        #[arg(long)]
        reset: bool,
    },
}

const COLUMNS: [(&str, &str); 9] = [
    ("ID", "/id"),
    ("AT", "/at"),
    ("ACCOUNT", "/accountId"),
    ("MODE", "/mode"),
    ("OUTCOME", "/outcome"),
    ("CERTAINTY", "/certainty"),
    ("CATEGORIES", "/categories"),
    ("ABOUT", "/about"),
    ("TEXT", "/body"),
];

impl Screening {
    pub(super) async fn run(self) -> Result<(), Failed> {
        let door = &self.door;
        match self.action {
            Action::Log { account, mode, outcome, certainty, paging } => {
                let [limit, cursor] = paging.parameters();
                let asked = query(&[
                    ("accountId", account),
                    ("mode", mode),
                    ("outcome", outcome),
                    ("certainty", certainty),
                    limit,
                    cursor,
                ]);
                let answer = door.ask(Method::GET, &format!("/screening{asked}"), None).await?;
                output::list(&answer, &COLUMNS, door.json);
            }
            Action::Policy { account } => {
                show(&door.ask(Method::GET, &path(&account), None).await?, door.json);
            }
            Action::Set { account, sure, unsure, exempt, allow_domain, allow_phrase, reset } => {
                let mut policy = if reset { json!({}) } else { door.ask(Method::GET, &path(&account), None).await? };
                for (field, action) in [("sure", sure), ("unsure", unsure)] {
                    if let Some(action) = action {
                        policy[field] = action.into();
                    }
                }
                for (field, more) in
                    [("exempt", exempt), ("allowedDomains", allow_domain), ("allowedPhrases", allow_phrase)]
                {
                    let had = policy[field].as_array().cloned().unwrap_or_default();
                    policy[field] = had.into_iter().chain(more.into_iter().map(Value::from)).collect();
                }
                show(&door.ask(Method::PUT, &path(&account), Some(&policy)).await?, door.json);
            }
        }
        Ok(())
    }
}

/// Shows a policy: for people with the meaning of each action.
fn show(policy: &Value, as_json: bool) {
    if as_json {
        return output::one(policy, true);
    }
    let listed = |field: &str| {
        let list: Vec<&str> = policy[field].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
        if list.is_empty() { Value::Null } else { Value::from(list.join(", ")) }
    };
    let lines = json!({
        "sure": meaning(&policy["sure"]),
        "unsure": meaning(&policy["unsure"]),
        "exempt": listed("exempt"),
        "allowedDomains": listed("allowedDomains"),
        "allowedPhrases": listed("allowedPhrases"),
    });
    output::one(&lines, false);
}

/// An action with its meaning; one of a newer server as it is.
fn meaning(action: &Value) -> Value {
    match action.as_str() {
        Some("block") => "block (refused with 33019)".into(),
        Some("flag") => "flag (accepted, and marked for review)".into(),
        Some("off") => "off (accepted)".into(),
        _ => action.clone(),
    }
}

fn path(account: &str) -> String {
    format!("/accounts/{account}/screening")
}
