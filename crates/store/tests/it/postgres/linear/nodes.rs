//! Three nodes at one database, each with a pool of its own.

use std::sync::Arc;
use std::time::Duration;

use model::Moment;
use runtime::Machine;
use store::contract::nodes::{Epoch, LIFE};
use store::postgres::Postgres;
use store::{Health, Nodes};
use testkit::postgres::Database;
use tokio::time::sleep;

use crate::support::NOW;

/// How many nodes there are.
pub(super) const NODES: usize = 3;

/// A node, which is a store with its own connections.
#[derive(Clone)]
pub(super) struct Node {
    pub(super) number: usize,
    pub(super) store: Arc<Postgres>,
    pub(super) epoch: Epoch,
}

impl Node {
    /// Waits until its database answers.
    pub(super) async fn reached(&self) {
        while self.store.probe().await.is_err() {
            sleep(Duration::from_millis(50)).await;
        }
    }
}

/// Three nodes.
pub(super) struct Three {
    pub(super) database: Database,
    pub(super) nodes: Vec<Node>,
}

impl Three {
    /// Three nodes that join an empty store.
    pub(super) async fn join(database: Database) -> Self {
        let mut nodes = Vec::new();
        for number in 0..NODES {
            let url = format!("{}?application_name=node-{number}", database.url());
            let store = Arc::new(Postgres::open_by_callers_clock(&url, Arc::new(Machine::new())).await.unwrap());
            let epoch = store.join(format!("node-{number}"), "0".to_owned(), Moment::of(NOW)).await.unwrap();
            nodes.push(Node { number, store, epoch });
        }
        Self { database, nodes }
    }

    /// Has the first node end the epoch of the last one, whose renewals were late.
    pub(super) async fn end_last(&self) {
        let (first, last) = (&self.nodes[0], &self.nodes[NODES - 1]);
        for node in &self.nodes[..NODES - 1] {
            while node.store.renew(node.epoch, NOW + LIFE).await.is_err() {
                node.reached().await;
            }
        }
        loop {
            // Whether a call that failed has ended it is seen below.
            drop(first.store.take_over(first.epoch, NOW + LIFE).await);
            let nodes = first.store.nodes().await.unwrap_or_default();
            if nodes.iter().any(|node| node.epoch == last.epoch && node.is_over) {
                return;
            }
            first.reached().await;
        }
    }

    /// Closes the stores.
    pub(super) async fn close(self) {
        for node in self.nodes {
            node.store.close().await;
        }
    }
}
