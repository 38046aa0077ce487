//! Owners: nodes as epochs, and the sessions of carriers that they hold.
//!
//! A transaction in the name of an epoch has the epoch's row locked ([`living`]), and whoever ends an epoch waits for
//! those. So an epoch that is over has no transaction under way, and begins none.

use std::sync::atomic::Ordering;

use async_trait::async_trait;
use model::{Moment, Timestamp};
use tokio_postgres::Row;

use super::Postgres;
use super::dispatch::{Freeing, free_leases};
use super::fault::Fault;
use super::unit::Unit;
use super::{living, rows};
use ledger::StoreError;
use ledger::contract::nodes::{Epoch, LIFE, Node, Nodes, Slot, StoppedCarrier, TakenOver};

/// How many nodes that are over are kept for the operator.
const OVER_KEPT: i64 = 100;

#[async_trait]
impl Nodes for Postgres {
    fn is_shared(&self) -> bool {
        true
    }

    async fn join(&self, name: String, build: String, now: Moment) -> Result<Epoch, StoreError> {
        self.core.write((name, build, now), |unit, (name, build, now)| Box::pin(join(unit, name, build, *now))).await
    }

    async fn renew(&self, epoch: Epoch, now: Timestamp) -> Result<(), StoreError> {
        self.core.write((epoch, now), |unit, (epoch, now)| Box::pin(renew(unit, *epoch, *now))).await
    }

    async fn report(&self, epoch: Epoch, report: String) -> Result<(), StoreError> {
        self.core
            .write((epoch, report), |unit, (epoch, report)| {
                Box::pin(async move {
                    let sql = "UPDATE nodes SET report = $2 WHERE epoch = $1 AND NOT is_over";
                    match unit.execute(sql, &[&rows::epoch_number(*epoch), report]).await? {
                        0 => Err(Fault::Told(StoreError::Over)),
                        _ => Ok(()),
                    }
                })
            })
            .await
    }

    async fn set_draining(&self, name: &str, is_draining: bool) -> Result<(), StoreError> {
        self.core
            .write((name.to_owned(), is_draining), |unit, (name, is_draining)| {
                Box::pin(async move {
                    let sql = "UPDATE nodes SET is_draining = $2 WHERE name = $1 AND NOT is_over";
                    match unit.execute(sql, &[name, is_draining]).await? {
                        0 => Err(Fault::Told(StoreError::NotFound)),
                        _ => Ok(()),
                    }
                })
            })
            .await
    }

    async fn leave(&self, epoch: Epoch, now: Timestamp) -> Result<(), StoreError> {
        if self.core.write(epoch, |unit, epoch| Box::pin(leave(unit, *epoch))).await? {
            free_leases(&self.core, Freeing { node: None, now, retries_by: None }).await?;
        }
        Ok(())
    }

    async fn take_over(&self, epoch: Epoch, now: Timestamp) -> Result<TakenOver, StoreError> {
        let epochs =
            self.core.write((epoch, now), |unit, (epoch, now)| Box::pin(take_over(unit, *epoch, *now))).await?;
        if !epochs.is_empty() {
            self.dispatching.is_freeing.store(true, Ordering::Release);
        }
        if !self.dispatching.is_freeing.load(Ordering::Acquire) {
            return Ok(TakenOver::default());
        }
        let interrupted = free_leases(&self.core, Freeing { node: None, now, retries_by: None }).await?;
        self.dispatching.is_freeing.store(false, Ordering::Release);
        Ok(TakenOver { epochs, interrupted })
    }

    async fn nodes(&self) -> Result<Vec<Node>, StoreError> {
        self.core.read((), |unit, ()| Box::pin(nodes(unit))).await
    }

    async fn claim_slots(&self, epoch: Epoch, carrier: String, of: u32, wanted: u32) -> Result<Vec<u32>, StoreError> {
        self.core
            .write((epoch, carrier, of, wanted), |unit, (epoch, carrier, of, wanted)| {
                Box::pin(claim_slots(unit, *epoch, carrier, *of, *wanted))
            })
            .await
    }

    async fn release_slots(&self, epoch: Epoch, carrier: String, slots: Vec<u32>) -> Result<(), StoreError> {
        let slots: Vec<i64> = slots.into_iter().map(i64::from).collect();
        self.core
            .write((epoch, carrier, slots), |unit, (epoch, carrier, slots)| {
                Box::pin(async move {
                    let sql = "DELETE FROM carrier_slots WHERE carrier = $1 AND slot = ANY($2) AND epoch = $3";
                    unit.execute(sql, &[carrier, slots, &rows::epoch_number(*epoch)]).await.map(drop)
                })
            })
            .await
    }

    async fn slots(&self) -> Result<Vec<Slot>, StoreError> {
        self.core.read((), |unit, ()| Box::pin(slots(unit))).await
    }

    async fn stop_carrier(&self, carrier: String, at: Timestamp) -> Result<(), StoreError> {
        self.core
            .write((carrier, at.as_millis()), |unit, (carrier, at)| {
                Box::pin(async move {
                    let sql = "INSERT INTO stopped_carriers (carrier, stopped_at) VALUES ($1, $2) \
                        ON CONFLICT (carrier) DO NOTHING";
                    unit.execute(sql, &[carrier, at]).await.map(drop)
                })
            })
            .await
    }

    async fn start_carrier(&self, carrier: String) -> Result<(), StoreError> {
        self.core
            .write(carrier, |unit, carrier| {
                Box::pin(async move {
                    unit.execute("DELETE FROM stopped_carriers WHERE carrier = $1", &[carrier]).await.map(drop)
                })
            })
            .await
    }

    async fn stopped_carriers(&self) -> Result<Vec<StoppedCarrier>, StoreError> {
        self.core.read((), |unit, ()| Box::pin(stopped_carriers(unit))).await
    }
}

async fn renew(unit: &Unit, epoch: Epoch, now: Timestamp) -> Result<(), Fault> {
    let ends_at = (unit.shared_now(now).await? + LIFE).as_millis();
    let sql = "UPDATE nodes SET ends_at = greatest(ends_at, $2) WHERE epoch = $1 AND NOT is_over";
    match unit.execute(sql, &[&rows::epoch_number(epoch), &ends_at]).await? {
        0 => Err(Fault::Told(StoreError::Over)),
        _ => Ok(()),
    }
}

/// Says whether it ended the epoch.
async fn leave(unit: &Unit, epoch: Epoch) -> Result<bool, Fault> {
    take_latch(unit).await?;
    Ok(!end(unit, &[rows::epoch_number(epoch)]).await?.is_empty())
}

async fn nodes(unit: &Unit) -> Result<Vec<Node>, Fault> {
    let sql =
        "SELECT epoch, name, build, joined_at, ends_at, is_over, is_draining, report FROM nodes ORDER BY epoch DESC";
    let node = |row: &Row| {
        Ok(Node {
            epoch: rows::epoch(row, 0)?,
            name: rows::get(row, 1)?,
            build: rows::get(row, 2)?,
            joined_at: rows::time(row, 3)?,
            ends_at: rows::time(row, 4)?,
            is_over: rows::get(row, 5)?,
            is_draining: rows::get(row, 6)?,
            report: rows::get(row, 7)?,
        })
    };
    unit.query(sql, &[]).await?.iter().map(node).collect()
}

async fn slots(unit: &Unit) -> Result<Vec<Slot>, Fault> {
    let sql = "SELECT s.carrier, s.slot, s.epoch FROM carrier_slots s JOIN nodes n ON n.epoch = s.epoch \
        WHERE NOT n.is_over ORDER BY s.carrier, s.slot";
    let slot =
        |row: &Row| Ok(Slot { carrier: rows::get(row, 0)?, number: rows::count(row, 1)?, epoch: rows::epoch(row, 2)? });
    unit.query(sql, &[]).await?.iter().map(slot).collect()
}

async fn stopped_carriers(unit: &Unit) -> Result<Vec<StoppedCarrier>, Fault> {
    let sql = "SELECT carrier, stopped_at FROM stopped_carriers ORDER BY carrier COLLATE \"C\"";
    let stopped = |row: &Row| Ok(StoppedCarrier { carrier: rows::get(row, 0)?, since: rows::time(row, 1)? });
    unit.query(sql, &[]).await?.iter().map(stopped).collect()
}

/// Has those who begin and end epochs wait for each other.
pub(super) async fn take_latch(unit: &Unit) -> Result<(), Fault> {
    unit.one("SELECT 1 FROM latches WHERE name = 'nodes' FOR UPDATE", &[]).await.map(drop)
}

/// A name is one machine's, so that a start under it proves that what had the name before is gone.
async fn join(unit: &Unit, name: &str, build: &str, now: Moment) -> Result<Epoch, Fault> {
    take_latch(unit).await?;
    let namesakes = "SELECT epoch FROM nodes WHERE NOT is_over AND name = $1";
    let namesakes: Vec<i64> =
        unit.query(namesakes, &[&name]).await?.iter().map(|row| rows::get(row, 0)).collect::<Result<_, _>>()?;
    end(unit, &namesakes).await?;
    let last: u32 = rows::count(&unit.one("SELECT coalesce(max(epoch), 0) FROM nodes", &[]).await?, 0)?;
    let used_up = || Fault::Told(StoreError::Refused("the store has no epoch left for another start".to_owned()));
    let epoch = last.checked_add(1).and_then(Epoch::new).ok_or_else(used_up)?;
    let ends_at = (unit.shared_now(now.steady).await? + LIFE).as_millis();
    let sql = "INSERT INTO nodes (epoch, name, build, joined_at, ends_at) VALUES ($1, $2, $3, $4, $5)";
    let number = rows::epoch_number(epoch);
    unit.execute(sql, &[&number, &name, &build, &now.wall.as_millis(), &ends_at]).await?;
    unit.execute("DELETE FROM nodes WHERE is_over AND epoch < $1", &[&(number - OVER_KEPT)]).await?;
    Ok(epoch)
}

/// Ends epochs for ever, once their transactions are over: the keys that they held are free. Returns those that were
/// not over yet.
async fn end(unit: &Unit, epochs: &[i64]) -> Result<Vec<i64>, Fault> {
    if epochs.is_empty() {
        return Ok(Vec::new());
    }
    let lock = "SELECT epoch FROM nodes WHERE epoch = ANY($1) AND NOT is_over ORDER BY epoch FOR UPDATE";
    let found = unit.query(lock, &[&epochs]).await?;
    let ended: Vec<i64> = found.iter().map(|row| rows::get(row, 0)).collect::<Result<_, _>>()?;
    unit.execute("UPDATE nodes SET is_over = true WHERE epoch = ANY($1)", &[&ended]).await?;
    unit.execute("DELETE FROM held_keys WHERE epoch = ANY($1)", &[&ended]).await?;
    Ok(ended)
}

async fn take_over(unit: &Unit, epoch: Epoch, now: Timestamp) -> Result<Vec<Epoch>, Fault> {
    let late = "SELECT epoch FROM nodes WHERE NOT is_over AND epoch <> $1 AND ends_at <= $2";
    let own = rows::epoch_number(epoch);
    take_latch(unit).await?;
    living::require(unit, epoch).await?;
    let by = unit.shared_now(now).await?;
    let latest = (by + LIFE).as_millis();
    unit.execute("UPDATE nodes SET ends_at = $1 WHERE NOT is_over AND ends_at > $1", &[&latest]).await?;
    let late: Vec<i64> = unit
        .query(late, &[&own, &by.as_millis()])
        .await?
        .iter()
        .map(|row| rows::get(row, 0))
        .collect::<Result<_, _>>()?;
    let ended = end(unit, &late).await?;
    Ok(ended.into_iter().filter_map(|number| Epoch::new(u32::try_from(number).ok()?)).collect())
}

async fn claim_slots(unit: &Unit, epoch: Epoch, carrier: &str, of: u32, wanted: u32) -> Result<Vec<u32>, Fault> {
    take_latch(unit).await?;
    living::require(unit, epoch).await?;
    let living = living::all(unit).await?;
    let holders = "SELECT slot, epoch FROM carrier_slots WHERE carrier = $1 AND slot < $2";
    let mut free: std::collections::BTreeSet<u32> = (0..of).collect();
    let mut held = Vec::new();
    for row in unit.query(holders, &[&carrier, &i64::from(of)]).await? {
        let (slot, holder) = (rows::count(&row, 0)?, rows::epoch(&row, 1)?);
        if living.contains(&holder) {
            free.remove(&slot);
        }
        if holder == epoch {
            held.push(slot);
        }
    }
    let missing = (wanted as usize).saturating_sub(held.len());
    let claim = "INSERT INTO carrier_slots (carrier, slot, epoch) VALUES ($1, $2, $3) \
        ON CONFLICT (carrier, slot) DO UPDATE SET epoch = excluded.epoch";
    for slot in free.into_iter().take(missing) {
        unit.execute(claim, &[&carrier, &i64::from(slot), &rows::epoch_number(epoch)]).await?;
        held.push(slot);
    }
    held.sort_unstable();
    Ok(held)
}
