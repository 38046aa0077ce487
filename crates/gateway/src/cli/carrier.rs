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
    /// Gives up a carrier that is not in the configuration: its messages go to other carriers of their routes, or fail
    /// where there is none
    Abandon {
        /// Its name
        name: String,
        /// Do not ask
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
