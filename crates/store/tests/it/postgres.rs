//! PostgreSQL: the conformance suite on it, and what is its own.

mod check;
mod copy;
mod dispatch;
mod following;
mod linear;
mod lost;
mod pooler;
mod probes;
mod retention;
mod url;

mod pages;
mod receipts;
mod several;
mod unreplicated;

use std::sync::Arc;

use runtime::Machine;
use store::Store;
use store::postgres::Postgres;
use testkit::postgres::Database;
use tokio::sync::OnceCell;

use crate::support::Backend;

conformance!(PostgresDatabase::fresh());

/// A database of its own, made when it is first opened.
pub(crate) struct PostgresDatabase(OnceCell<Database>);

impl PostgresDatabase {
    pub(crate) fn fresh() -> Self {
        Self(OnceCell::new())
    }

    pub(crate) async fn database(&self) -> &Database {
        self.0.get_or_init(Database::fresh).await
    }

    async fn store(&self) -> Arc<dyn Store> {
        let url = self.database().await.url();
        Arc::new(Postgres::open_by_callers_clock(&url, Arc::new(Machine::new())).await.unwrap())
    }
}

impl Backend for PostgresDatabase {
    async fn open(&self) -> Arc<dyn Store> {
        self.store().await
    }

    async fn open_shared(&self) -> Arc<dyn Store> {
        self.store().await
    }
}
