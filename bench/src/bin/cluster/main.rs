//! What a store on PostgreSQL takes from one, two and three nodes, beside one bare client that writes the same rows;
//! what the rate windows cost when PostgreSQL counts them and when a Valkey does; and how long it takes until others
//! have what a dead node had.
//!
//! `bench/cluster` starts a PostgreSQL and runs this. Nodes are stores of this process, each with connections of its
//! own, and share its callers; client, nodes and PostgreSQL share the machine's cores. Every measurement has a new
//! database.
//! All of a round run one after the other, and a ratio is the median of those within a round, so that a machine whose
//! speed drifts drifts for all of them.
#![allow(clippy::disallowed_methods, reason = "a measurement asks the machine for the time and for tasks")]

mod bare;
mod databases;
mod nodes;
mod table;
mod take_over;
mod windows;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Instant;

use clap::Parser;
use testkit::Load;
use tokio::task::JoinSet;

use self::databases::Databases;
use self::nodes::{Fleet, Keys};
use self::table::{Measured, Table};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

type Failure = Box<dyn std::error::Error + Send + Sync>;

/// Measures stores on PostgreSQL, and prints a table
#[derive(Debug, Parser)]
struct Options {
    /// Where PostgreSQL is, without a database: postgres://USER@HOST:PORT
    #[arg(long)]
    server: String,
    /// How many messages a measurement has
    #[arg(long, default_value_t = 40_000)]
    messages: usize,
    /// How many turns each has
    #[arg(long, default_value_t = 5)]
    rounds: usize,
    /// How many callers ask at once, at all nodes together
    #[arg(long, default_value_t = 256)]
    callers: usize,
    /// Where Valkey is, for the windows
    #[arg(long, default_value = "")]
    valkey: String,
    /// Which parts: accept, keys, submit, both, windows, take-over
    #[arg(long, default_value = "accept,keys,submit,both,windows,take-over", value_delimiter = ',')]
    only: Vec<String>,
    /// How many nodes there are at most
    #[arg(long, default_value_t = 3)]
    nodes: usize,
    /// What is changed of the schema before all, to see what it costs
    #[arg(long)]
    alter: Option<String>,
}

#[tokio::main(flavor = "multi_thread", worker_threads = 2)]
async fn main() -> Result<(), Failure> {
    let options = Options::parse();
    let has = |part: &str| options.only.iter().any(|only| only == part);
    let databases = Databases::new(&options.server, options.alter.as_deref().unwrap_or_default()).await?;
    let mut table = Table::default();
    for round in 0..options.rounds {
        for what in ["accept", "keys", "submit", "both"].into_iter().filter(|what| has(what)) {
            // The first of a round has the machine as the one before left it: everyone is first in turn.
            let mut nodes: Vec<usize> = (1..=options.nodes).collect();
            nodes.rotate_left(round % options.nodes);
            for count in nodes {
                table.add(what, count, measure(&databases, what, count, options.callers, &options).await?);
                if what == "both" && count > 1 {
                    let callers = options.callers * count;
                    table.add("each", count, measure(&databases, what, count, callers, &options).await?);
                }
            }
            if what == "keys" || what == "accept" || !has("accept") {
                measure_ceiling(&databases, &mut table, what, &options).await?;
            }
        }
    }
    table.print();
    if has("windows") {
        windows::measure(&databases, &options.valkey, &options).await?;
    }
    if has("take-over") {
        take_over::measure(&databases).await?;
    }
    databases.end().await
}

/// The same rows by a bare client, in groups of half the callers: the other half waits for the next group, as it does
/// at a node that is never idle. The size is fixed, so that a node with small groups has no lower ceiling for it.
async fn measure_ceiling(
    databases: &Databases,
    table: &mut Table,
    what: &'static str,
    options: &Options,
) -> Result<(), Failure> {
    let (what, keys) = if what == "keys" { (what, Keys::Each) } else { ("accept", Keys::None) };
    let group = options.callers / 2;
    for connections in [1, 2] {
        let url = databases.fresh().await?;
        let per_second = bare::measure(&url, connections, group, options.messages, keys).await?;
        table.add_ceiling(what, connections, Measured { per_second, group: group as f64 });
    }
    Ok(())
}

/// One measurement of so many nodes and callers.
async fn measure(
    databases: &Databases,
    what: &str,
    count: usize,
    callers: usize,
    options: &Options,
) -> Result<Measured, Failure> {
    let messages = options.messages;
    let url = databases.fresh().await?;
    let fleet = Arc::new(Fleet::join(&url, count, None).await?);
    let load = Arc::new(Load::new(messages));
    let mut took = None;
    let began = Instant::now();
    match what {
        "accept" => fleet.accept(&load, callers, Keys::None).await?,
        "keys" => fleet.accept(&load, callers, Keys::Each).await?,
        "submit" => {
            fleet.accept(&load, callers, Keys::None).await?;
            let began = Instant::now();
            fleet.submit(messages).await?;
            took = Some(began.elapsed());
        }
        _ => {
            let (accepted, submitted) = tokio::join!(fleet.accept(&load, callers, Keys::None), fleet.submit(messages));
            accepted.and(submitted)?;
        }
    }
    let took = took.unwrap_or_else(|| began.elapsed());
    let group = fleet.mean_group();
    fleet.leave().await;
    Ok(Measured { per_second: messages as f64 / took.as_secs_f64(), group })
}
