//! `smsfactory audit`.

use clap::Subcommand;

use super::client::Door;
use super::paging::Length;
use super::{Failed, output};

#[derive(Debug, clap::Args)]
pub(super) struct Audit {
    #[command(flatten)]
    door: Door,
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Lists changes, newest first; `--json` shows the resources before and after them too
    List {
        /// Only those of the actor of this name; `token` for the holder of the admin token
        #[arg(long)]
        actor: Option<String>,
        /// Only those whose path begins so, such as /blocks
        #[arg(long)]
        path: Option<String>,
        /// Only those from this time on, as in RFC 3339
        #[arg(long)]
        since: Option<String>,
        /// Only those before this time, as in RFC 3339
        #[arg(long)]
        before: Option<String>,
        #[command(flatten)]
        length: Length,
    },
}

const COLUMNS: [(&str, &str); 7] = [
    ("AT", "/at"),
    ("ACTOR", "/actor/name"),
    ("VIA", "/via"),
    ("FROM", "/address"),
    ("METHOD", "/method"),
    ("PATH", "/path"),
    ("STATUS", "/status"),
];

impl Audit {
    pub(super) async fn run(self) -> Result<(), Failed> {
        let Action::List { actor, path, since, before, length } = self.action;
        let filter = [("actor", actor), ("path", path), ("since", since), ("before", before)];
        let answer = length.gather(&self.door, "/audit", &filter).await?;
        output::list(&answer, &COLUMNS, self.door.json);
        Ok(())
    }
}
