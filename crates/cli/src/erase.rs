//! `smsfactory erase`: removes or blanks all data about one person's number.

use std::io::{self, IsTerminal};
use std::time::Duration;

use axum::http::Method;
use clap::Subcommand;
use indicatif::ProgressBar;
use serde_json::{Value, json};

use super::client::Door;
use super::paging::Length;
use super::{Failed, machine, output};

/// The time between two looks at the progress of an erasure.
const LOOK: Duration = Duration::from_millis(250);

#[derive(Debug, clap::Args)]
#[command(subcommand_negates_reqs = true)]
pub(super) struct Erase {
    #[command(flatten)]
    door: Door,
    #[command(subcommand)]
    action: Option<Action>,
    /// The number, such as +18005550100
    #[arg(required = true)]
    number: Option<String>,
    /// Count the data, and change nothing
    #[arg(long)]
    dry_run: bool,
    /// A reference for the request, such as the number of a ticket, which the record of the erasure keeps
    #[arg(long)]
    reference: Option<String>,
    /// Do not ask for confirmation
    #[arg(long)]
    yes: bool,
    /// Do not wait for the end of the erasure
    #[arg(long)]
    no_wait: bool,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Lists erasures, newest first
    List {
        /// Only erasures of this number
        #[arg(long)]
        number: Option<String>,
        #[command(flatten)]
        length: Length,
    },
    /// Shows an erasure
    Show {
        /// The id of the erasure
        id: String,
    },
}

const COLUMNS: [(&str, &str); 8] = [
    ("ID", "/id"),
    ("STATE", "/state"),
    ("BEGAN", "/beganAt"),
    ("ENDED", "/endedAt"),
    ("MESSAGES", "/counts/messages"),
    ("CANCELED", "/counts/canceled"),
    ("OPERATOR", "/operator"),
    ("REFERENCE", "/reference"),
];

impl Erase {
    pub(super) async fn run(self) -> Result<(), Failed> {
        let door = &self.door;
        match (self.action, self.number) {
            (Some(Action::List { number, length }), _) => {
                let answer = length.gather(door, "/erasures", &[("number", number)]).await?;
                output::list(&answer, &COLUMNS, door.json);
            }
            (Some(Action::Show { id }), _) => show(door, &door.ask(Method::GET, &place(&id), None).await?),
            (None, Some(number)) if self.dry_run => {
                let input = json!({ "number": number, "dryRun": true });
                let answer = door.ask(Method::POST, "/erasures", Some(&input)).await?;
                output::one(if door.json { &answer } else { &answer["counts"] }, door.json);
            }
            (None, Some(number)) => {
                let question = format!(
                    "Erase {number}? Texts, media and addresses of all its messages are removed for good, and its \
                     queued messages are canceled."
                );
                output::confirm(&question, self.yes)?;
                let input = json!({ "number": number, "reference": self.reference });
                let erasure = door.ask(Method::POST, "/erasures", Some(&input)).await?;
                show(door, &if self.no_wait { erasure } else { ended(door, erasure).await? });
            }
            (None, None) => return Err(Failed::new("give the number to erase")),
        }
        Ok(())
    }
}

fn place(id: &str) -> String {
    format!("/erasures/{}", super::client::escaped(id))
}

/// Waits until an erasure has ended. The erasure continues if this command is interrupted.
async fn ended(door: &Door, mut erasure: Value) -> Result<Value, Failed> {
    let bar = if io::stderr().is_terminal() { ProgressBar::new_spinner() } else { ProgressBar::hidden() };
    while erasure["state"] == "running" {
        let id = erasure["id"].as_str().unwrap_or_default();
        let messages = output::counted(output::count_in(&erasure["counts"], "messages"), "message");
        bar.set_message(format!("{id}: {messages}"));
        bar.tick();
        machine().sleep(LOOK).await;
        erasure = door.ask(Method::GET, &place(id), None).await?;
    }
    bar.finish_and_clear();
    Ok(erasure)
}

/// Prints an erasure, for people with its counts in lines of their own.
fn show(door: &Door, erasure: &Value) {
    let mut shown = erasure.clone();
    if !door.json
        && let Some(fields) = shown.as_object_mut()
        && let Some(Value::Object(counts)) = fields.remove("counts")
    {
        fields.extend(counts);
    }
    output::one(&shown, door.json);
}
