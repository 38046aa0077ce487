//! Owners: nodes as epochs, and the sessions of carriers that they hold.
//!
//! The writer keeps in memory which epochs are not over, so that a call asks that without SQL.

use async_trait::async_trait;
use model::{Moment, Timestamp};
use rusqlite::{OptionalExtension, Row, params};

use super::Sqlite;
use super::dispatch::free_leases;
use super::fault::Fault;
use super::living::epoch;
use super::rows;
use super::writer::Group;
use ledger::StoreError;
use ledger::contract::nodes::{Epoch, LIFE, Node, Nodes, Slot, StoppedCarrier, TakenOver};

/// How many nodes that are over are kept for the operator.
const OVER_KEPT: u32 = 100;

#[async_trait]
impl Nodes for Sqlite {
    fn is_shared(&self) -> bool {
        !self.alone
    }

    async fn join(&self, name: String, build: String, now: Moment) -> Result<Epoch, StoreError> {
        let alone = self.alone;
        self.writer.write(move |group| join(group, &name, &build, now, alone)).await
    }

    async fn renew(&self, epoch: Epoch, now: Timestamp) -> Result<(), StoreError> {
        // The end concerns this process alone, and a write to the disk every two seconds would keep it from ever
        // resting.
        let write = move |group: &mut Group| {
            let end = group.living.end_mut(epoch).ok_or(Fault::Told(StoreError::Over))?;
            *end = (*end).max(now + LIFE);
            Ok(())
        };
        self.writer.write(write).await
    }

    async fn report(&self, epoch: Epoch, report: String) -> Result<(), StoreError> {
        // In memory, as the ends of epochs are: no other process can read it.
        self.writer.write(move |group| group.living.set_report(epoch, report)).await
    }

    async fn set_draining(&self, name: &str, is_draining: bool) -> Result<(), StoreError> {
        let name = name.to_owned();
        self.writer.write(move |group| set_draining(group, &name, is_draining)).await
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

    async fn stop_carrier(&self, carrier: String, at: Timestamp) -> Result<(), StoreError> {
        let write = move |group: &mut Group| {
            let sql = "INSERT OR IGNORE INTO stopped_carriers (carrier, stopped_at) VALUES (?1, ?2)";
            group.connection.prepare_cached(sql)?.execute(params![carrier, at.as_millis()])?;
            Ok(())
        };
        self.writer.write(write).await
    }

    async fn start_carrier(&self, carrier: String) -> Result<(), StoreError> {
        let write = move |group: &mut Group| {
            let sql = "DELETE FROM stopped_carriers WHERE carrier = ?1";
            group.connection.prepare_cached(sql)?.execute([carrier.as_str()])?;
            Ok(())
        };
        self.writer.write(write).await
    }

    async fn stopped_carriers(&self) -> Result<Vec<StoppedCarrier>, StoreError> {
        let sql = "SELECT carrier, stopped_at FROM stopped_carriers ORDER BY carrier";
        let stopped = |row: &Row<'_>| Ok(StoppedCarrier { carrier: row.get(0)?, since: rows::time(row, 1)? });
        self.readers.read(move |connection| connection.prepare_cached(sql)?.query_map([], stopped)?.collect()).await
    }
}

fn join(group: &mut Group, name: &str, build: &str, now: Moment, alone: bool) -> Result<Epoch, Fault> {
    if alone {
        group.connection.prepare_cached("UPDATE nodes SET is_over = 1 WHERE is_over = 0")?.execute([])?;
        group.living.end_all();
    } else {
        end_namesakes(group, name)?;
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
    group.living.begin(epoch, ends_at);
    Ok(epoch)
}

/// Ends the epochs of this name, whose process is gone: a name is one machine's.
fn end_namesakes(group: &mut Group, name: &str) -> rusqlite::Result<()> {
    let namesakes: Vec<Epoch> = {
        let select = "SELECT epoch FROM nodes WHERE is_over = 0 AND name = ?1";
        let mut select = group.connection.prepare_cached(select)?;
        select.query_map([name], |row| epoch(row, 0))?.collect::<rusqlite::Result<_>>()?
    };
    namesakes.into_iter().try_for_each(|namesake| end(group, namesake))
}

fn set_draining(group: &mut Group, name: &str, is_draining: bool) -> Result<(), Fault> {
    let found = nodes(group)?.into_iter().find(|node| !node.is_over && node.name == name);
    let node = found.ok_or(Fault::Told(StoreError::NotFound))?;
    group.living.set_draining(node.epoch, is_draining);
    Ok(())
}

/// Ends an epoch for ever.
fn end(group: &mut Group, epoch: Epoch) -> rusqlite::Result<()> {
    group.connection.prepare_cached("UPDATE nodes SET is_over = 1 WHERE epoch = ?1")?.execute([epoch.get()])?;
    group.living.end(epoch);
    Ok(())
}

fn take_over(group: &mut Group, epoch: Epoch, now: Timestamp) -> Result<TakenOver, Fault> {
    group.living.require(epoch)?;
    group.living.end_by(now + LIFE);
    let epochs = group.living.late(epoch, now);
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
        let ends_at = group.living.end_of(epoch).map_or_else(|| rows::time(row, 4), Ok)?;
        Ok(Node {
            epoch,
            name: row.get(1)?,
            build: row.get(2)?,
            joined_at: rows::time(row, 3)?,
            ends_at,
            is_over: row.get(5)?,
            is_draining: group.living.is_draining(epoch),
            report: group.living.report_of(epoch).to_owned(),
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
