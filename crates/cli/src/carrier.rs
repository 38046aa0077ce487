//! `smsfactory carrier`.

mod test;
mod trace;

use axum::http::Method;
use clap::Subcommand;
use serde_json::Value;

use super::client::{Door, escaped};
use super::{Failed, output};

#[derive(Debug, clap::Args)]
pub(super) struct Carrier {
    #[command(flatten)]
    door: Door,
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Lists carriers with their state, queue and counts
    List,
    /// Shows a carrier with its sessions and all counts
    Show {
        /// The name of the carrier in the configuration
        name: String,
    },
    /// Stops a carrier on every node until `start`
    ///
    /// Its messages go to other carriers of their routes, or wait if there is none.
    Stop {
        /// The name of the carrier in the configuration
        name: String,
        /// Do not ask for confirmation
        #[arg(long)]
        yes: bool,
    },
    /// Starts a stopped carrier
    Start {
        /// The name of the carrier in the configuration
        name: String,
    },
    /// Tests a carrier step by step: DNS, TCP, TLS, bind, and with --to a message
    ///
    /// The test of the connection runs beside the live sessions, and sends no message. With --to, the command sends
    /// a message through the carrier, prints its events, and waits for the receipt. The message counts against the
    /// limits and the quota of its account. The exit code is 0 if the carrier delivered the message.
    Test(test::Test),
    /// Prints the decoded PDUs of both directions for some time
    Trace(trace::Trace),
    /// Lists the codes of the carrier's answers: count, meaning and consequence
    Codes {
        /// The name of the carrier in the configuration
        name: String,
    },
    /// Lists the last hundred receipts and inbound messages that the platform could not use
    Unmatched {
        /// The name of the carrier in the configuration
        name: String,
    },
    /// Gives the messages of a carrier that is not in the configuration to other carriers of their routes
    ///
    /// A message fails if its route has no other carrier.
    Abandon {
        /// The name of the carrier
        name: String,
        /// Do not ask for confirmation
        #[arg(long)]
        yes: bool,
    },
}

const COLUMNS: [(&str, &str); 11] = [
    ("NAME", "/name"),
    ("STATE", "/state"),
    ("SESSIONS", "/sessions/used"),
    ("WINDOW", "/window/used"),
    ("OF", "/window/of"),
    ("QUEUED", "/queued"),
    ("SENT", "/sent"),
    ("DELIVERED", "/delivered"),
    ("FAILED", "/failed"),
    ("SEGMENTS/S", "/throughput"),
    ("LAST ERROR", "/lastError"),
];

const SESSIONS: [(&str, &str); 6] = [
    ("SESSION", "/number"),
    ("KIND", "/kind"),
    ("STATE", "/state"),
    ("SINCE", "/since"),
    ("WINDOW", "/window/used"),
    ("OF", "/window/of"),
];

const CODES: [(&str, &str); 6] = [
    ("ANSWERS", "/answers"),
    ("CODE", "/code"),
    ("NAME", "/name"),
    ("MEANING", "/meaning"),
    ("CONSEQUENCE", "/consequence"),
    ("COUNT", "/count"),
];

const UNMATCHED: [(&str, &str); 7] = [
    ("AT", "/at"),
    ("REASON", "/reason"),
    ("FATE", "/fate"),
    ("ENDED", "/endedAt"),
    ("COMPARED WITH", "/keys"),
    ("DETAIL", "/detail"),
    ("RECEIVED", "/received"),
];

impl Carrier {
    pub(super) async fn run(self) -> Result<(), Failed> {
        let door = &self.door;
        match self.action {
            Action::List => output::list(&door.ask(Method::GET, "/carriers", None).await?, &COLUMNS, door.json),
            Action::Show { name } => show(door, &name).await?,
            Action::Stop { name, yes } => {
                let question = format!(
                    "Stop carrier {name} on every node? Its messages go to other carriers of their routes, or wait if \
                     there is none."
                );
                output::confirm(&question, yes)?;
                door.ask(Method::POST, &format!("/carriers/{}/stop", escaped(&name)), None).await?;
            }
            Action::Start { name } => {
                door.ask(Method::POST, &format!("/carriers/{}/start", escaped(&name)), None).await?;
            }
            Action::Test(test) => test.run(door).await?,
            Action::Trace(trace) => trace.run(door).await?,
            Action::Codes { name } => {
                let answer = door.ask(Method::GET, &format!("/carriers/{}/codes", escaped(&name)), None).await?;
                output::list(&answer, &CODES, door.json);
                if let Some(other) = answer["other"].as_u64().filter(|other| *other > 0 && !door.json) {
                    let answers = output::counted(other, "answer");
                    output::say(format!("\nOther codes: {answers}."));
                }
            }
            Action::Unmatched { name } => {
                let answer = door.ask(Method::GET, &format!("/carriers/{}/unmatched", escaped(&name)), None).await?;
                output::list(&answer, &UNMATCHED, door.json);
            }
            Action::Abandon { name, yes } => {
                let question = format!(
                    "Abandon carrier {name}? Its messages go to other carriers of their routes, or fail if there is \
                     none."
                );
                output::confirm(&question, yes)?;
                output::one(
                    &door.ask(Method::POST, &format!("/carriers/{}/abandon", escaped(&name)), None).await?,
                    door.json,
                );
            }
        }
        Ok(())
    }
}

/// Prints one carrier, and its sessions below.
async fn show(door: &Door, name: &str) -> Result<(), Failed> {
    let answer = door.ask(Method::GET, &format!("/carriers/{}", escaped(name)), None).await?;
    output::one(&answer, door.json);
    let sessions = answer["sessionList"].as_array().is_some_and(|sessions| !sessions.is_empty());
    if sessions && !door.json {
        output::say("");
        output::list(&Value::from_iter([("data", answer["sessionList"].clone())]), &SESSIONS, false);
    }
    Ok(())
}
