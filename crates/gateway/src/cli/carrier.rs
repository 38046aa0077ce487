//! `smsfactory carrier`.

use axum::http::Method;
use clap::Subcommand;

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
    /// Lists carriers, and how they are doing
    List,
    /// Shows the last hundred receipts and messages of a carrier that nothing could use
    Unmatched {
        /// Its name in the configuration
        name: String,
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
            Action::Unmatched { name } => {
                let answer = door.ask(Method::GET, &format!("/carriers/{}/unmatched", escaped(&name)), None).await?;
                output::list(&answer, &UNMATCHED, door.json);
            }
        }
        Ok(())
    }
}
