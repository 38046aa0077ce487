//! What a transaction changes, and who follows, as the writer knows without asking the file.

use std::collections::BTreeMap;
use std::sync::Arc;

use rusqlite::{Connection, Row};

use ledger::contract::changes::tail::Tails;
use ledger::contract::changes::{Change, Kinds};

/// What a transaction changed so far, and who wants to know.
pub(super) struct Feed {
    pub(super) tails: Arc<Tails>,
    pub(super) noted: Vec<Change>,
    /// How many of the noted changes need not be written any more.
    pub(super) written: usize,
    pub(super) consumers: BTreeMap<String, Registered>,
    /// What the consumers want, all together.
    pub(super) wanted: Kinds,
    pub(super) logs: BTreeMap<u64, Log>,
}

/// A consumer: what it wants, and the last number of each writer that it has passed.
pub(super) struct Registered {
    pub(super) kinds: Kinds,
    pub(super) cursor: BTreeMap<u64, u64>,
}

/// What a writer has in the log: the numbers from `first` to `last`.
#[derive(Clone, Copy)]
pub(super) struct Log {
    pub(super) first: u64,
    pub(super) last: u64,
}

impl Feed {
    pub(super) fn load(connection: &Connection, tails: Arc<Tails>) -> rusqlite::Result<Self> {
        let (consumers, logs) = (BTreeMap::new(), BTreeMap::new());
        let mut feed = Self { tails, noted: Vec::new(), written: 0, consumers, wanted: Kinds::NONE, logs };
        feed.reload(connection)?;
        Ok(feed)
    }

    /// Forgets the notes of a transaction that was rolled back.
    pub(super) fn reload(&mut self, connection: &Connection) -> rusqlite::Result<()> {
        self.noted.clear();
        self.written = 0;
        self.consumers = registered(connection)?;
        self.logs = logs(connection)?;
        self.sum_up();
        Ok(())
    }

    /// Gives the changes of a transaction that is committed to those who follow in this process.
    pub(super) fn publish(&mut self) {
        self.written = 0;
        self.tails.publish(std::mem::take(&mut self.noted));
    }

    /// Ends the tails: nothing more comes.
    pub(super) fn close(&self) {
        self.tails.close();
    }

    pub(super) fn sum_up(&mut self) {
        self.wanted = self.consumers.values().fold(Kinds::NONE, |all, consumer| all.and(consumer.kinds));
    }

    /// The last number of a writer that every consumer has passed.
    pub(super) fn passed_by_all(&self, writer: u64, log: Log) -> u64 {
        let passed = self.consumers.values().map(|consumer| consumer.cursor.get(&writer).copied().unwrap_or(0));
        passed.min().unwrap_or(log.last)
    }
}

pub(super) fn registered(connection: &Connection) -> rusqlite::Result<BTreeMap<String, Registered>> {
    let mut consumers = BTreeMap::new();
    let mut select = connection.prepare_cached("SELECT name, kinds FROM change_consumers")?;
    let mut found = select.query([])?;
    while let Some(row) = found.next()? {
        consumers.insert(row.get(0)?, Registered { kinds: Kinds::from_bits(row.get(1)?), cursor: BTreeMap::new() });
    }
    let mut select = connection.prepare_cached("SELECT consumer, writer, seq FROM change_cursors")?;
    let mut found = select.query([])?;
    while let Some(row) = found.next()? {
        if let Some(consumer) = consumers.get_mut(&row.get::<_, String>(0)?) {
            consumer.cursor.insert(row.get(1)?, row.get(2)?);
        }
    }
    Ok(consumers)
}

pub(super) fn logs(connection: &Connection) -> rusqlite::Result<BTreeMap<u64, Log>> {
    let sql =
        "SELECT w.writer, w.last, (SELECT min(c.seq) FROM changes c WHERE c.writer = w.writer) FROM change_writers w";
    let read = |row: &Row<'_>| {
        let (last, first): (u64, Option<u64>) = (row.get(1)?, row.get(2)?);
        Ok((row.get(0)?, Log { first: first.unwrap_or(last + 1), last }))
    };
    connection.prepare_cached(sql)?.query_map([], read)?.collect()
}
