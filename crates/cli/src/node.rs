//! `smsfactory node`.

use axum::http::Method;
use clap::Subcommand;

use super::client::{Door, escaped};
use super::{Failed, output};

#[derive(Debug, clap::Args)]
pub(super) struct Node {
    #[command(flatten)]
    door: Door,
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Lists the nodes that share the store, with their carriers
    List,
    /// Drains a node before a stop: its carriers move to other nodes, and its `/readyz` answers 503
    Drain {
        /// The name of the node
        name: String,
        /// Do not ask for confirmation
        #[arg(long)]
        yes: bool,
    },
    /// Ends the draining of a node
    Resume {
        /// The name of the node
        name: String,
    },
}

const COLUMNS: [(&str, &str); 7] = [
    ("NAME", "/name"),
    ("EPOCH", "/epoch"),
    ("STATE", "/state"),
    ("VERSION", "/version"),
    ("JOINED", "/joinedAt"),
    ("RENEWED UNTIL", "/renewedUntil"),
    ("CARRIERS", "/carriers"),
];

impl Node {
    pub(super) async fn run(self) -> Result<(), Failed> {
        let door = &self.door;
        match self.action {
            Action::List => output::list(&door.ask(Method::GET, "/nodes", None).await?, &COLUMNS, door.json),
            Action::Drain { name, yes } => {
                output::confirm(&format!("Drain node {name}? Its carriers go to other nodes."), yes)?;
                door.ask(Method::POST, &format!("/nodes/{}/drain", escaped(&name)), None).await?;
            }
            Action::Resume { name } => {
                door.ask(Method::POST, &format!("/nodes/{}/resume", escaped(&name)), None).await?;
            }
        }
        Ok(())
    }
}
