//! `smsfactory number`.

use std::num::NonZeroU32;

use axum::http::Method;
use clap::Subcommand;
use model::number::NumberState;
use serde_json::{Value, json};

use super::client::{Door, escaped};
use super::paging::Length;
use super::{Failed, choices, keywords, output};

#[derive(Debug, clap::Args)]
pub(super) struct Number {
    #[command(flatten)]
    door: Door,
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Lists senders: numbers, short codes and names
    List {
        /// Only senders of this account
        #[arg(long)]
        account: Option<String>,
        #[command(flatten)]
        length: Length,
    },
    /// Shows a sender
    Show {
        /// The number, short code or name, such as +18005550100, 72345 or ACME
        number: String,
    },
    /// Adds a sender
    Add {
        /// The number, short code or name, such as +18005550100, 72345 or ACME
        number: String,
        /// The account that may use the sender
        #[arg(long)]
        account: Option<String>,
        /// The state of the sender
        #[arg(long, value_parser = choices::number_states())]
        state: Option<String>,
        /// The limit of segments a second; by default the carriers' own
        #[arg(long)]
        segments_per_second: Option<NonZeroU32>,
    },
    /// Settings of STOP, START and HELP that differ from those of the account
    #[command(subcommand)]
    Keywords(keywords::Action),
    /// Changes the account, the state or the limit of a sender
    Set {
        /// The number, short code or name, such as +18005550100, 72345 or ACME
        number: String,
        /// Assign the sender to this account
        #[arg(long)]
        account: Option<String>,
        /// Take the sender away from its account
        #[arg(long, conflicts_with = "account")]
        no_account: bool,
        /// The state of the sender
        #[arg(long, value_parser = choices::number_states())]
        state: Option<String>,
        /// The limit of segments a second
        #[arg(long)]
        segments_per_second: Option<NonZeroU32>,
        /// Remove the limit of segments a second
        #[arg(long, conflicts_with = "segments_per_second")]
        no_pace: bool,
        /// Do not ask for confirmation
        #[arg(long)]
        yes: bool,
    },
}

const COLUMNS: [(&str, &str); 6] = [
    ("NUMBER", "/number"),
    ("KIND", "/kind"),
    ("ACCOUNT", "/accountId"),
    ("STATE", "/state"),
    ("SEGMENTS/S", "/segmentsPerSecond"),
    ("CREATED", "/createdAt"),
];

impl Number {
    pub(super) async fn run(self) -> Result<(), Failed> {
        let door = &self.door;
        let answer = match self.action {
            Action::List { account, length } => {
                let answer = length.gather(door, "/numbers", &[("accountId", account)]).await?;
                output::list(&answer, &COLUMNS, door.json);
                return Ok(());
            }
            Action::Show { number } => door.ask(Method::GET, &format!("/numbers/{}", escaped(&number)), None).await?,
            Action::Add { number, account, state, segments_per_second } => {
                let number = json!({
                    "number": number,
                    "accountId": account,
                    "state": state,
                    "segmentsPerSecond": segments_per_second,
                });
                door.ask(Method::POST, "/numbers", Some(&number)).await?
            }
            Action::Keywords(action) => {
                return action.run(door, |number| format!("/numbers/{}/keywords", escaped(number))).await;
            }
            Action::Set { number, account, no_account, state, segments_per_second, no_pace, yes } => {
                if no_account || state.as_ref().is_some_and(|state| state != NumberState::Active.as_str()) {
                    output::confirm(&format!("Stop {number} from sending? Its messages are refused at once."), yes)?;
                }
                let mut change = json!({ "state": state });
                match account {
                    Some(account) => change["accountId"] = account.into(),
                    None if no_account => change["accountId"] = Value::Null,
                    None => {}
                }
                match segments_per_second {
                    Some(pace) => change["segmentsPerSecond"] = pace.get().into(),
                    None if no_pace => change["segmentsPerSecond"] = Value::Null,
                    None => {}
                }
                door.ask(Method::PATCH, &format!("/numbers/{}", escaped(&number)), Some(&change)).await?
            }
        };
        output::one(&answer, door.json);
        Ok(())
    }
}
