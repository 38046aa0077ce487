//! `smsfactory carrier`.

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
    /// Stops a carrier on every node until `start`: its messages go to other carriers of their routes, or wait if there
    /// is none
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
    /// Tests the connection step by step (DNS, TCP, TLS, bind), beside the live sessions; sends no message
    Test {
        /// The name of the carrier in the configuration
        name: String,
    },
    /// Shows the PDUs in both directions, decoded, for some time
    Trace(trace::Trace),
    /// Shows the codes of the carrier's answers: count, meaning and consequence
    Codes {
        /// The name of the carrier in the configuration
        name: String,
    },
    /// Shows the last hundred receipts and inbound messages that could not be used
    Unmatched {
        /// The name of the carrier in the configuration
        name: String,
    },
    /// Gives the messages of a carrier that is not in the configuration to other carriers of their routes; they fail if
    /// there is none
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

const STEPS: [(&str, &str); 5] =
    [("STEP", "/step"), ("OK", "/ok"), ("MS", "/tookMs"), ("FOUND", "/detail"), ("HINT", "/hint")];

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
                    "Stop carrier {name} on every node? Its messages go to other carriers of their routes, and wait \
                     where there is none."
                );
                output::confirm(&question, yes)?;
                door.ask(Method::POST, &format!("/carriers/{}/stop", escaped(&name)), None).await?;
            }
            Action::Start { name } => {
                door.ask(Method::POST, &format!("/carriers/{}/start", escaped(&name)), None).await?;
            }
            Action::Test { name } => test(door, &name).await?,
            Action::Trace(trace) => trace.run(door).await?,
            Action::Codes { name } => {
                let answer = door.ask(Method::GET, &format!("/carriers/{}/codes", escaped(&name)), None).await?;
                output::list(&answer, &CODES, door.json);
                if let Some(other) = answer["other"].as_u64().filter(|other| *other > 0 && !door.json) {
                    output::say(format!("\n{other} answers had further codes"));
                }
            }
            Action::Unmatched { name } => {
                let answer = door.ask(Method::GET, &format!("/carriers/{}/unmatched", escaped(&name)), None).await?;
                output::list(&answer, &UNMATCHED, door.json);
            }
            Action::Abandon { name, yes } => {
                let question = format!(
                    "Abandon carrier {name}? Its messages go to other carriers of their routes, and fail where there \
                     is none."
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

/// Tries a carrier, and prints each step.
async fn test(door: &Door, name: &str) -> Result<(), Failed> {
    let answer = door.ask(Method::POST, &format!("/carriers/{}/test", escaped(name)), None).await?;
    if door.json {
        output::say(&answer);
    } else {
        output::list(&Value::from_iter([("data", answer["steps"].clone())]), &STEPS, false);
        answer["note"].as_str().into_iter().for_each(|note| output::say(format!("\n{note}")));
    }
    if answer["ok"] == true { Ok(()) } else { Err(Failed::new(format!("carrier {name} did not pass the test"))) }
}
