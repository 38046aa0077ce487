//! `smsfactory audit`.

use clap::Subcommand;

use super::client::Door;
use super::paging::Length;
use super::{Failed, choices, output};

#[derive(Debug, clap::Args)]
pub(super) struct Audit {
    #[command(flatten)]
    door: Door,
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Lists changes, newest first; `--json` shows the resources before and after each change, too
    List {
        /// Only changes of this operator; `token` for changes with the admin token
        #[arg(long)]
        actor: Option<String>,
        /// Only changes whose path begins with this, such as /blocks or /accounts/acc_…
        #[arg(long)]
        path: Option<String>,
        /// Only changes at this time or later, as in RFC 3339
        #[arg(long, value_name = "TIME", value_parser = choices::time)]
        since: Option<String>,
        /// Only changes before this time
        #[arg(long, value_name = "TIME", value_parser = choices::time)]
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
