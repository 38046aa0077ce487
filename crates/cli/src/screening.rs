//! `smsfactory screening`: policies of accounts, and the review log.

use axum::http::Method;
use clap::Subcommand;
use serde_json::{Value, json};

use super::client::Door;
use super::decisions::Decisions;
use super::paging::Length;
use super::review::{Groups, Review};
use super::templates::Template;
use super::{Failed, choices, output, templates};

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
        #[command(flatten)]
        decisions: Decisions,
        /// Only findings of this certainty
        #[arg(long, value_parser = choices::certainties())]
        certainty: Option<String>,
        #[command(flatten)]
        length: Length,
    },
    /// Groups similar texts, with the template under which they would pass
    Groups(Groups),
    /// Marks a decision as right or wrong, and approves a template for a wrong one
    Review(Review),
    /// Lists the templates of an account
    Templates {
        /// The account
        account: String,
        #[command(flatten)]
        length: Length,
    },
    /// Approves and removes templates: texts that the platform accepts regardless of the compliance screen
    #[command(subcommand)]
    Template(Template),
    /// Shows an account's policy
    Policy {
        /// The account
        account: String,
    },
    /// Changes parts of an account's policy; the other parts stay
    Set {
        /// The account
        account: String,
        /// The action for sure findings: block (refuse with 33019; the default), flag (accept and mark for review) or
        /// off (accept)
        #[arg(long, value_name = "ACTION", value_parser = choices::screening_actions())]
        sure: Option<String>,
        /// The action for unsure findings; flag is the default
        #[arg(long, value_name = "ACTION", value_parser = choices::screening_actions())]
        unsure: Option<String>,
        /// A category that the account may send, such as shaft.alcohol; may be repeated
        #[arg(long, value_name = "CATEGORY")]
        exempt: Vec<String>,
        /// A domain of the account, which covers its subdomains; may be repeated
        #[arg(long, value_name = "DOMAIN")]
        allow_domain: Vec<String>,
        /// A phrase that the screen ignores; may be repeated
        #[arg(long, value_name = "PHRASE")]
        allow_phrase: Vec<String>,
        /// Start from the platform's default instead of the current policy
        #[arg(long)]
        reset: bool,
    },
}

const COLUMNS: [(&str, &str); 10] = [
    ("ID", "/id"),
    ("AT", "/at"),
    ("ACCOUNT", "/accountId"),
    ("MODE", "/mode"),
    ("OUTCOME", "/outcome"),
    ("CERTAINTY", "/certainty"),
    ("CATEGORIES", "/categories"),
    ("ABOUT", "/about"),
    ("CORRECT", "/correct"),
    ("TEXT", "/body"),
];

impl Screening {
    pub(super) async fn run(self) -> Result<(), Failed> {
        let door = &self.door;
        match self.action {
            Action::Log { decisions, certainty, length } => {
                let filter = [&decisions.parameters()[..], &[("certainty", certainty)]].concat();
                output::list(&length.gather(door, "/screening", &filter).await?, &COLUMNS, door.json);
            }
            Action::Groups(groups) => groups.run(door).await?,
            Action::Review(review) => review.run(door).await?,
            Action::Templates { account, length } => templates::list(door, &account, length).await?,
            Action::Template(template) => template.run(door).await?,
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

/// An action with its meaning; an action of a newer server as it is.
fn meaning(action: &Value) -> Value {
    match action.as_str() {
        Some("block") => "block (refused with 33019)".into(),
        Some("flag") => "flag (accepted, and marked for review)".into(),
        Some("off") => "off (accepted)".into(),
        _ => action.clone(),
    }
}

/// The address of an account's policy, under which its templates are.
pub(super) fn path(account: &str) -> String {
    format!("/accounts/{account}/screening")
}
