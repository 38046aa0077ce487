//! `smsfactory store`: a copy of a SQLite store in PostgreSQL.

use std::io::IsTerminal;

use indicatif::{ProgressBar, ProgressStyle};
use serde_json::json;
use store::copy::{Copied, Copy, Progress, Stage};

use super::client::COMMON;
use super::{Failed, machine, output};

const COLUMNS: &[(&str, &str)] = &[("table", "/table"), ("rows", "/rows"), ("sha256", "/sha256")];

#[derive(Debug, clap::Args)]
pub(super) struct Store {
    #[command(subcommand)]
    action: Action,
    /// Print JSON instead of a table
    #[arg(long, global = true, help_heading = COMMON)]
    json: bool,
}

#[derive(Debug, clap::Subcommand)]
enum Action {
    /// Copies a SQLite store that is not in use into an empty PostgreSQL database, and compares both
    ///
    /// Repeat the command to continue an interrupted copy. The SQLite store does not change.
    Copy {
        /// The SQLite store: `sqlite:PATH`
        #[arg(long, value_name = "URL")]
        from: String,
        /// The database: `postgres://USER@HOST/DATABASE`
        #[arg(long, value_name = "URL", env = "SMSFACTORY_COPY_TO", hide_env_values = true)]
        to: String,
    },
}

impl Store {
    pub(super) async fn run(self) -> Result<(), Failed> {
        let Action::Copy { from, to } = self.action;
        let shown = Shown::begin();
        let copied = Copy::new(&from, &to, machine()).run(|progress| shown.tell(progress)).await;
        shown.end();
        report(&copied.map_err(Failed::new)?, &to, self.json);
        Ok(())
    }
}

/// The progress of the copy, for people.
struct Shown(ProgressBar);

impl Shown {
    fn begin() -> Self {
        let style =
            ProgressStyle::with_template("{bar:40} {human_pos} of {human_len} rows  {per_sec}  {eta} left  {msg}");
        let bar = if std::io::stderr().is_terminal() { ProgressBar::new(0) } else { ProgressBar::hidden() };
        // A wrong template leaves the default bar.
        Self(match style {
            Ok(style) => bar.with_style(style),
            Err(_) => bar,
        })
    }

    fn tell(&self, Progress { stage, table, rows, total }: Progress) {
        if rows < self.0.position() {
            // The next stage begins.
            self.0.reset();
        }
        self.0.set_length(total);
        self.0.set_position(rows);
        let stage = match stage {
            Stage::Copying => "copying",
            Stage::Verifying => "verifying",
        };
        self.0.set_message(format!("{stage} {table}"));
    }

    fn end(&self) {
        self.0.finish_and_clear();
    }
}

fn report(copied: &Copied, to: &str, as_json: bool) {
    let table = |table: &store::copy::CopiedTable| {
        let sha256: String = table.digest.iter().map(|octet| format!("{octet:02x}")).collect();
        json!({ "table": table.name, "rows": table.rows, "sha256": sha256 })
    };
    let tables: Vec<_> = copied.tables.iter().map(table).collect();
    output::list(&json!({ "data": tables, "hasMedia": copied.has_media }), COLUMNS, as_json);
    if as_json {
        return;
    }
    output::say(format!(
        "\nThe copy has the same rows with the same values. Set `store.url` to {} and start the servers. Do not start \
         a server with the old store again.",
        store::without_password(to)
    ));
    if copied.has_media {
        output::say(
            "The command does not copy media: all nodes must share the directory `media.directory`, or you move its \
             files to the bucket of `media.url` under the same names.",
        );
    }
}
