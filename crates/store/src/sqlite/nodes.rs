//! Owners: nodes as epochs, and the sessions of carriers that they hold.
//!
//! The writer keeps in memory which epochs are not over, so that a call asks that without SQL.

use std::collections::{BTreeMap, BTreeSet};

use async_trait::async_trait;
use model::{Moment, Timestamp};
use rusqlite::{Connection, OptionalExtension, Row, params};

use super::Sqlite;
use super::dispatch::free_leases;
use super::rows;
use super::writer::{Fault, Group};
use crate::StoreError;
use crate::contract::nodes::{Epoch, LIFE, Node, Nodes, Slot, TakenOver};

/// How many nodes that are over are kept for the operator.
const OVER_KEPT: u32 = 100;

/// The epochs that are not over, as the transaction sees them.
#[derive(Default)]
pub(super) struct Living {
    /// Each with its end.
    ends: BTreeMap<Epoch, Timestamp>,
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
}

#[async_trait]
impl Nodes for Sqlite {
    async fn join(&self, name: String, build: String, now: Moment) -> Result<Epoch, StoreError> {
        let alone = self.alone;
        self.writer.write(move |group| join(group, &name, &build, now, alone)).await
    }

    async fn renew(&self, epoch: Epoch, now: Timestamp) -> Result<(), StoreError> {
        // The end concerns this process alone, and a write to the disk every two seconds would keep it from ever
        // resting.
        let write = move |group: &mut Group| {
            let end = group.living.ends.get_mut(&epoch).ok_or(Fault::Told(StoreError::Over))?;
            *end = (*end).max(now + LIFE);
            Ok(())
        };
        self.writer.write(write).await
    }

    async fn leave(&self, epoch: Epoch, now: Timestamp) -> Result<(), StoreError> {
        let write = move |group: &mut Group| {
            if group.living.has(epoch) {
                end(group, epoch)?;
                free_leases(&group.connection, None, now)?;
            }
            Ok(())
        };
        self.writer.write(write).await
    }

    async fn take_over(&self, epoch: Epoch, now: Timestamp) -> Result<TakenOver, StoreError> {
        self.writer.write(move |group| take_over(group, epoch, now)).await
    }

    async fn nodes(&self) -> Result<Vec<Node>, StoreError> {
        // The writer knows the renewed ends.
        self.writer.write(|group| Ok(nodes(group)?)).await
    }

    async fn claim_slots(&self, epoch: Epoch, carrier: String, of: u32, wanted: u32) -> Result<Vec<u32>, StoreError> {
        self.writer.write(move |group| claim_slots(group, epoch, &carrier, of, wanted)).await
    }

    async fn release_slots(&self, epoch: Epoch, carrier: String, slots: Vec<u32>) -> Result<(), StoreError> {
        let write = move |group: &mut Group| {
            let mut delete = group
                .connection
                .prepare_cached("DELETE FROM carrier_slots WHERE carrier = ?1 AND slot = ?2 AND epoch = ?3")?;
            for slot in slots {
                delete.execute(params![carrier, slot, epoch.get()])?;
            }
            Ok(())
        };
        self.writer.write(write).await
    }

    async fn slots(&self) -> Result<Vec<Slot>, StoreError> {
        let sql = "SELECT s.carrier, s.slot, s.epoch FROM carrier_slots s JOIN nodes n ON n.epoch = s.epoch WHERE \
            n.is_over = 0 ORDER BY s.carrier, s.slot";
        let slot = |row: &Row<'_>| Ok(Slot { carrier: row.get(0)?, number: row.get(1)?, epoch: epoch(row, 2)? });
        self.readers.read(move |connection| connection.prepare_cached(sql)?.query_map([], slot)?.collect()).await
    }
}

fn join(group: &mut Group, name: &str, build: &str, now: Moment, alone: bool) -> Result<Epoch, Fault> {
    if alone {
        group.connection.prepare_cached("UPDATE nodes SET is_over = 1 WHERE is_over = 0")?.execute([])?;
        group.living.ends.clear();
    }
    let last: u32 = group
        .connection
        .prepare_cached("SELECT coalesce(max(epoch), 0) FROM nodes")?
        .query_row([], |row| row.get(0))?;
    let used_up = || Fault::Told(StoreError::Refused("the store has no epoch left for another start".to_owned()));
    let epoch = last.checked_add(1).and_then(Epoch::new).ok_or_else(used_up)?;
    let ends_at = now.steady + LIFE;
    let sql = "INSERT INTO nodes (epoch, name, build, joined_at, ends_at) VALUES (?1, ?2, ?3, ?4, ?5)";
    group.connection.prepare_cached(sql)?.execute(params![
        epoch.get(),
        name,
        build,
        now.wall.as_millis(),
        ends_at.as_millis()
    ])?;
    let forget = "DELETE FROM nodes WHERE is_over = 1 AND epoch < ?1";
    group.connection.prepare_cached(forget)?.execute([epoch.get().saturating_sub(OVER_KEPT)])?;
    group.living.ends.insert(epoch, ends_at);
    group.living.has_changed = true;
    Ok(epoch)
}

/// Ends an epoch for ever.
fn end(group: &mut Group, epoch: Epoch) -> rusqlite::Result<()> {
    group.connection.prepare_cached("UPDATE nodes SET is_over = 1 WHERE epoch = ?1")?.execute([epoch.get()])?;
    group.living.ends.remove(&epoch);
    group.living.has_changed = true;
    Ok(())
}

fn take_over(group: &mut Group, epoch: Epoch, now: Timestamp) -> Result<TakenOver, Fault> {
    group.living.require(epoch)?;
    let epochs: Vec<Epoch> = group
        .living
        .ends
        .iter()
        .filter(|(other, end)| **other != epoch && **end <= now)
        .map(|(other, _)| *other)
        .collect();
    if epochs.is_empty() {
        return Ok(TakenOver::default());
    }
    for late in &epochs {
        end(group, *late)?;
    }
    let interrupted = free_leases(&group.connection, None, now)?;
    Ok(TakenOver { epochs, interrupted })
}

fn nodes(group: &Group) -> rusqlite::Result<Vec<Node>> {
    let mut select = group
        .connection
        .prepare_cached("SELECT epoch, name, build, joined_at, ends_at, is_over FROM nodes ORDER BY epoch DESC")?;
    let node = |row: &Row<'_>| {
        let epoch = epoch(row, 0)?;
        let ends_at = group.living.ends.get(&epoch).copied().map_or_else(|| rows::time(row, 4), Ok)?;
        Ok(Node {
            epoch,
            name: row.get(1)?,
            build: row.get(2)?,
            joined_at: rows::time(row, 3)?,
            ends_at,
            is_over: row.get(5)?,
        })
    };
    select.query_map([], node)?.collect()
}

fn claim_slots(group: &Group, epoch: Epoch, carrier: &str, of: u32, wanted: u32) -> Result<Vec<u32>, Fault> {
    group.living.require(epoch)?;
    let holder = "SELECT epoch FROM carrier_slots WHERE carrier = ?1 AND slot = ?2";
    let claim = "INSERT OR REPLACE INTO carrier_slots (carrier, slot, epoch) VALUES (?1, ?2, ?3)";
    let (mut held, mut free) = (Vec::new(), Vec::new());
    for slot in 0..of {
        let holder: Option<u32> =
            group.connection.prepare_cached(holder)?.query_row(params![carrier, slot], |row| row.get(0)).optional()?;
        match holder.and_then(Epoch::new).filter(|holder| group.living.has(*holder)) {
            Some(holder) if holder == epoch => held.push(slot),
            Some(_) => {}
            None => free.push(slot),
        }
    }
    let missing = (wanted as usize).saturating_sub(held.len());
    for slot in free.into_iter().take(missing) {
        group.connection.prepare_cached(claim)?.execute(params![carrier, slot, epoch.get()])?;
        held.push(slot);
    }
    held.sort_unstable();
    Ok(held)
}

fn epoch(row: &Row<'_>, at: usize) -> rusqlite::Result<Epoch> {
    let number: u32 = row.get(at)?;
    let broken =
        || rusqlite::Error::FromSqlConversionFailure(at, rusqlite::types::Type::Integer, "an epoch is never 0".into());
    Epoch::new(number).ok_or_else(broken)
}
