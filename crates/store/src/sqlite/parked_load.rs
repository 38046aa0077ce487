//! How much is parked of each carrier, as the writer knows without asking the file.

use std::collections::BTreeMap;

use rusqlite::Connection;

use ledger::contract::bounds::Bounds;
use ledger::receipts::parking::Load;

/// How much is parked, by carrier, as of the transaction's state.
#[derive(Default)]
pub(super) struct Parked {
    carriers: BTreeMap<String, Load>,
    /// How much it was before the transaction, where that changed it.
    before: Vec<(String, Load)>,
}

impl Parked {
    /// Reads it from the file: once, when the store is opened.
    pub(super) fn load(connection: &Connection) -> rusqlite::Result<Self> {
        let mut select = connection
            .prepare("SELECT carrier, count(*), sum(bytes) FROM unmatched WHERE fate = 'waiting' GROUP BY carrier")?;
        let carriers =
            select.query_map([], |row| Ok((row.get(0)?, Load { count: row.get(1)?, bytes: row.get(2)? })))?;
        Ok(Self { carriers: carriers.collect::<rusqlite::Result<_>>()?, before: Vec::new() })
    }

    /// Whether anything of the carrier is parked.
    pub(super) fn has(&self, carrier: &str) -> bool {
        self.carriers.get(carrier).is_some_and(|load| load.count > 0)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.carriers.values().all(|load| load.count == 0)
    }

    pub(super) fn has_room(&self, carrier: &str, bytes: u64, bounds: Bounds) -> bool {
        self.carriers.get(carrier).copied().unwrap_or_default().has_room(bytes, bounds)
    }

    pub(super) fn change(&mut self, carrier: &str, change: impl FnOnce(&mut Load)) {
        let load = self.carriers.entry(carrier.to_owned()).or_default();
        if !self.before.iter().any(|(known, _)| known == carrier) {
            self.before.push((carrier.to_owned(), *load));
        }
        change(load);
    }

    /// The transaction is on disk.
    pub(super) fn committed(&mut self) {
        self.before.clear();
    }

    /// The transaction is gone.
    pub(super) fn rolled_back(&mut self) {
        self.carriers.extend(self.before.drain(..));
    }
}
