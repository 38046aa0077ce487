//! The store on PostgreSQL, which any number of nodes share.
//!
//! A call is a transaction (`unit`): it locks the rows that it is about (`life`), decides by the same rules as
//! every backend, and writes what follows in a few statements for many rows. Calls that come often share transactions.
//! A transaction that PostgreSQL ends for the sake of another one runs again (`core`).
//!
//! Rows are locked in one order, so that transactions wait for each other and never in a circle: what a call is about
//! first (messages by their ids), then the counts of broadcasts, counts by day, the logs of events, and the log of
//! changes last.
#![cfg_attr(test, allow(clippy::disallowed_methods, reason = "a test may ask the machine for the time and for tasks"))]

mod batch;
mod broadcast_records;
mod calls;
mod change_rows;
mod check;
mod commit;
mod connect;
mod copying;
mod core;
mod counts;
mod event_logs;
mod events;
mod fault;
mod feed;
mod follow;
mod followed;
mod handsets;
mod life;
mod listeners;
mod living;
mod migrations;
mod pages;
mod readers;
mod room;
mod rows;
mod server;
mod tables;
mod transactions;
mod unit;
mod unreplicated;
mod walking;
mod weeks;

mod admission;
mod audit;
mod broadcasts;
mod changes;
mod dispatch;
mod erase;
mod health;
mod holds;
mod inbound;
mod inbound_rows;
mod lists;
mod media;
mod messages;
mod news;
mod nodes;
mod operators;
mod optouts;
mod peppers;
mod receipts;
mod requests;
mod retention;
mod schedule;
mod screening;
mod stop;
mod tenants;
mod usage;
pub mod valkey;
mod webhooks;
mod windows;

use std::sync::Arc;

use ::runtime::{Runtime, Work};

use self::admission::{Admissions, Replays};
use self::core::{Core, SharedClock};
use self::dispatch::Dispatching;
use self::fault::described;
use self::receipts::Hearing;
use self::windows::{Fast, Takes};
use crate::valkey::{Patience, Valkey};
use ledger::StoreError;

pub use self::copying::{Keys, Mark, Target};

/// The store on PostgreSQL.
pub struct Postgres {
    core: Arc<Core>,
    admissions: Admissions,
    replays: Replays,
    takes: Takes,
    /// What counts faster, where there is something.
    fast: Option<Fast>,
    dispatching: Dispatching,
    hearing: Hearing,
}

impl Postgres {
    /// Connects to the database that `url` names and brings its schema up to date.
    ///
    /// # Errors
    /// [`StoreError::Refused`] with a sentence for the operator when the URL is not understood, or the database is one
    /// of another program or of a newer one; [`StoreError::Unavailable`] when it cannot be reached.
    pub async fn open(url: &str, runtime: Arc<dyn Runtime>) -> Result<Self, StoreError> {
        Self::open_with(url, runtime, SharedClock::Database).await
    }

    /// As [`Self::open`]; whether an epoch or a window is over is decided by the times that calls are given, and not by
    /// the clock of the database. For tests, whose time stands still.
    ///
    /// # Errors
    /// As [`Self::open`].
    pub async fn open_by_callers_clock(url: &str, runtime: Arc<dyn Runtime>) -> Result<Self, StoreError> {
        Self::open_with(url, runtime, SharedClock::Callers).await
    }

    /// The same, where a page of a list of messages looks at no more than so many rows. For tests.
    #[must_use]
    pub fn with_rows_per_page(self, rows: usize) -> Self {
        self.core.look_at(rows);
        self
    }

    /// The same, where the Valkey that `url` names counts the rate windows while it answers.
    ///
    /// # Errors
    /// [`StoreError::Refused`] with a sentence for the operator when the URL is not understood.
    pub async fn with_valkey(mut self, url: &str, patience: Patience) -> Result<Self, StoreError> {
        self.fast = Some(Fast::of(Valkey::open(url, patience, Arc::clone(&self.core.runtime)).await?));
        Ok(self)
    }

    /// Whether Valkey counts the rate windows at present. For tests.
    pub fn is_counting_in_valkey(&self) -> bool {
        self.fast.as_ref().is_some_and(|fast| fast.valkey.is_up())
    }

    fn open_with(url: &str, runtime: Arc<dyn Runtime>, clock: SharedClock) -> Work<Result<Self, StoreError>> {
        let place = connect::Place::parse(url);
        Box::pin(async move { Self::opened(place?, runtime, clock).await })
    }

    async fn opened(place: connect::Place, runtime: Arc<dyn Runtime>, clock: SharedClock) -> Result<Self, StoreError> {
        let connections = place.connections()?;
        let mut client = connections.pool.get().await.map_err(|error| StoreError::Unavailable(described(&error)))?;
        let server = server::Server::ask(&client).await?;
        server.require_usable()?;
        server.warnings().iter().for_each(|warning| tracing::warn!("The store: {warning}"));
        migrations::run(&mut client).await?;
        copying::refuse_unfinished(&client).await?;
        drop(client);
        let core = Core::new(connections, runtime, clock);
        follow::begin(&core).await?;
        Ok(Self::on(core))
    }

    /// The store of a database whose schema is there.
    fn on(core: Arc<Core>) -> Self {
        let (admissions, replays) = (Admissions::start(&core), Replays::start(&core));
        let (takes, dispatching) = (Takes::start(&core), Dispatching::start(&core));
        let hearing = Hearing::start(&core);
        Self { admissions, replays, takes, fast: None, dispatching, hearing, core }
    }

    /// Finishes the calls that share transactions, and takes no more of them. Part of closing.
    async fn finish(&self) {
        self.admissions.close().await;
        self.replays.close().await;
        if let Some(fast) = &self.fast {
            fast.valkey.close();
        }
        self.takes.close().await;
        self.dispatching.close().await;
        self.hearing.close().await;
    }
}
