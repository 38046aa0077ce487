//! `smsfactory carrier`.

use axum::http::Method;
use clap::Subcommand;

use super::client::Door;
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

impl Carrier {
    pub(super) async fn run(self) -> Result<(), Failed> {
        let Action::List = self.action;
        let answer = self.door.ask(Method::GET, "/carriers", None).await?;
        output::list(&answer, &COLUMNS, self.door.json);
        Ok(())
    }
}
