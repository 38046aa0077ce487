//! Which epochs are not over, as the writer knows without asking the file.

use std::collections::{BTreeMap, BTreeSet};

use model::Timestamp;
use rusqlite::{Connection, Row};

use super::fault::Fault;
use super::rows;
use ledger::StoreError;
use ledger::contract::nodes::Epoch;

/// The epochs that are not over, as the transaction sees them.
#[derive(Default)]
pub(super) struct Living {
    /// Each with its end.
    ends: BTreeMap<Epoch, Timestamp>,
    /// What nodes told of themselves.
    reports: BTreeMap<Epoch, String>,
    /// Those that give their work to others.
    draining: BTreeSet<Epoch>,
    /// Whether the transaction has begun or ended one.
    has_changed: bool,
}

impl Living {
    /// Reads them from the file. Ends that were renewed since are known in memory only, and stay.
    pub(super) fn load(&mut self, connection: &Connection) -> rusqlite::Result<()> {
        let mut select = connection.prepare_cached("SELECT epoch, ends_at FROM nodes WHERE is_over = 0")?;
        let found = select
            .query_map([], |row| Ok((epoch(row, 0)?, rows::time(row, 1)?)))?
            .collect::<rusqlite::Result<BTreeMap<_, _>>>()?;
        self.ends = found
            .into_iter()
            .map(|(epoch, end)| (epoch, self.ends.get(&epoch).copied().unwrap_or(end).max(end)))
            .collect();
        self.has_changed = false;
        Ok(())
    }

    /// All of them.
    pub(super) fn epochs(&self) -> BTreeSet<Epoch> {
        self.ends.keys().copied().collect()
    }

    /// All of them, where the transaction that is now on disk has begun or ended one.
    pub(super) fn changed(&mut self) -> Option<BTreeSet<Epoch>> {
        std::mem::take(&mut self.has_changed).then(|| self.epochs())
    }

    /// Whether the epoch is not over.
    pub(super) fn has(&self, epoch: Epoch) -> bool {
        self.ends.contains_key(&epoch)
    }

    /// Whether a lease token belongs to an epoch that is not over.
    pub(super) fn holds(&self, token: u64) -> bool {
        Epoch::of_token(token).is_some_and(|epoch| self.has(epoch))
    }

    /// Whether a lease token belongs to an epoch that is not over and is not `node`.
    pub(super) fn is_of_another(&self, token: u64, node: Epoch) -> bool {
        Epoch::of_token(token).is_some_and(|epoch| epoch != node && self.has(epoch))
    }

    /// Refuses a call of an epoch that is over.
    pub(super) fn require(&self, epoch: Epoch) -> Result<(), Fault> {
        if self.has(epoch) { Ok(()) } else { Err(Fault::Told(StoreError::Over)) }
    }

    /// An epoch begins.
    pub(super) fn begin(&mut self, epoch: Epoch, ends_at: Timestamp) {
        self.ends.insert(epoch, ends_at);
        self.has_changed = true;
    }

    /// What a node tells of itself from now on.
    pub(super) fn set_report(&mut self, epoch: Epoch, report: String) -> Result<(), Fault> {
        self.require(epoch)?;
        self.reports.insert(epoch, report);
        Ok(())
    }

    /// What a node told of itself last.
    pub(super) fn report_of(&self, epoch: Epoch) -> &str {
        self.reports.get(&epoch).map_or("", String::as_str)
    }

    /// Says whether a node is to give its work to others.
    pub(super) fn set_draining(&mut self, epoch: Epoch, is_draining: bool) {
        if is_draining {
            self.draining.insert(epoch);
        } else {
            self.draining.remove(&epoch);
        }
    }

    /// Whether a node is to give its work to others.
    pub(super) fn is_draining(&self, epoch: Epoch) -> bool {
        self.draining.contains(&epoch)
    }

    /// An epoch is over.
    pub(super) fn end(&mut self, epoch: Epoch) {
        self.ends.remove(&epoch);
        self.reports.remove(&epoch);
        self.draining.remove(&epoch);
        self.has_changed = true;
    }

    /// Every epoch is over, because another one begins.
    pub(super) fn end_all(&mut self) {
        self.ends.clear();
        self.reports.clear();
        self.draining.clear();
    }

    /// When an epoch ends unless it is renewed.
    pub(super) fn end_of(&self, epoch: Epoch) -> Option<Timestamp> {
        self.ends.get(&epoch).copied()
    }

    /// The same, to renew it.
    pub(super) fn end_mut(&mut self, epoch: Epoch) -> Option<&mut Timestamp> {
        self.ends.get_mut(&epoch)
    }

    /// Whether an epoch has not come to its end at `now`.
    pub(super) fn any_at(&self, now: Timestamp) -> bool {
        self.ends.values().any(|end| *end > now)
    }

    /// No epoch ends later than this.
    pub(super) fn end_by(&mut self, latest: Timestamp) {
        self.ends.values_mut().for_each(|end| *end = (*end).min(latest));
    }

    /// The epochs other than `own` whose end has come at `now`.
    pub(super) fn late(&self, own: Epoch, now: Timestamp) -> Vec<Epoch> {
        self.ends.iter().filter(|(other, end)| **other != own && **end <= now).map(|(other, _)| *other).collect()
    }
}

/// The epoch in a column.
pub(super) fn epoch(row: &Row<'_>, at: usize) -> rusqlite::Result<Epoch> {
    let number: u32 = row.get(at)?;
    let broken =
        || rusqlite::Error::FromSqlConversionFailure(at, rusqlite::types::Type::Integer, "an epoch is never 0".into());
    Epoch::new(number).ok_or_else(broken)
}
