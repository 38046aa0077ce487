//! `smsfactory number`.

use axum::http::Method;
use clap::Subcommand;
use serde_json::{Value, json};

use super::account::Paging;
use super::client::{Door, escaped, query};
use super::{Failed, output};

#[derive(Debug, clap::Args)]
pub(super) struct Number {
    #[command(flatten)]
    door: Door,
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Lists numbers
    List(Paging),
    /// Shows one
    Show {
        /// The number, such as +18005550100
        number: String,
    },
    /// Adds one
    Add {
        /// The number, such as +18005550100
        number: String,
        /// Whose it is
        #[arg(long)]
        account: Option<String>,
        /// active, pending, suspended, deactivated, released or unavailable
        #[arg(long)]
        state: Option<String>,
    },
    /// Changes whose one is, or its state
    Set {
        /// The number, such as +18005550100
        number: String,
        /// Whose it is from now on
        #[arg(long)]
        account: Option<String>,
        /// Nobody's from now on
        #[arg(long, conflicts_with = "account")]
        no_account: bool,
        /// active, pending, suspended, deactivated, released or unavailable
        #[arg(long)]
        state: Option<String>,
    },
}

const COLUMNS: [(&str, &str); 4] = [("NUMBER", "/number"), ("ACCOUNT", "/accountId"), ("STATE", "/state"), ("CREATED", "/createdAt")];

impl Number {
    pub(super) async fn run(self) -> Result<(), Failed> {
        let door = &self.door;
        let answer = match self.action {
            Action::List(paging) => {
                let answer = door.ask(Method::GET, &format!("/numbers{}", query(&paging.parameters())), None).await?;
                output::list(&answer, &COLUMNS, door.json);
                return Ok(());
            }
            Action::Show { number } => door.ask(Method::GET, &format!("/numbers/{}", escaped(&number)), None).await?,
            Action::Add { number, account, state } => {
                let number = json!({ "number": number, "accountId": account, "state": state });
                door.ask(Method::POST, "/numbers", Some(&number)).await?
            }
            Action::Set { number, account, no_account, state } => {
                let mut change = json!({ "state": state });
                match account {
                    Some(account) => change["accountId"] = account.into(),
                    None if no_account => change["accountId"] = Value::Null,
                    None => {}
                }
                door.ask(Method::PATCH, &format!("/numbers/{}", escaped(&number)), Some(&change)).await?
            }
        };
        output::one(&answer, door.json);
        Ok(())
    }
}
