//! The end of what is kept. [`walks`] looks for what may be old; it is removed in a transaction of its own, which sees
//! again whether it may go. A whole week goes at once where it can ([`old_weeks`]).
//!
//! Any number of nodes may walk at once: what two of them find goes once. How far the walks through texts and keys have
//! come is a row that they share; how far the others have come is in the memory of each process.

mod ended;
mod old_weeks;
mod removal;
mod texts;
mod walks;

use std::sync::PoisonError;

use async_trait::async_trait;
use model::{AccountId, TextRetention, Timestamp};
use tokio_postgres::Row;
use uuid::Uuid;

use super::fault::Fault;
use super::unit::Unit;
use super::walking::Places;
use super::{Postgres, rows};
use ledger::StoreError;
use ledger::contract::retention::{Removed, Retention, Walk};
use ledger::walks::{Looked, Place, lowest_at};

pub(super) use self::texts::{blank_ended, blank_ended_broadcast};

use self::walks::Thing;

#[async_trait]
impl Retention for Postgres {
    async fn text_rules(&self) -> Result<Vec<(AccountId, TextRetention)>, StoreError> {
        self.core.read((), |unit, ()| Box::pin(text_rules(unit))).await
    }

    async fn remove_old(&self, walk: Walk, before: Timestamp, limit: usize) -> Result<Removed, StoreError> {
        if limit == 0 {
            return Ok(Removed { is_end: true, ..Removed::default() });
        }
        let from = self.walking(|places| places.of.get(&walk).cloned());
        if walk == Walk::Messages
            && from.is_none()
            && let Some(removed) = self.remove_week(before).await?
        {
            return Ok(removed);
        }
        let before = if walk == Walk::Messages { self.end_of_rows(before).await? } else { before };
        let step = Step { walk, from, before, limit };
        let looked = self.core.read(step.clone(), |unit, step| Box::pin(walks::look(unit, step))).await?;
        let (last, is_end) = (looked.last.clone(), looked.is_end);
        let mut done = Removed { looked: looked.rows, is_end, ..Removed::default() };
        let ends_rotation = is_end && !walk.goes_on() && walk.is_marked();
        if !looked.found.is_empty() || walk.is_marked() && looked.rows > 0 || ends_rotation {
            done.removed = self.remove(step, looked).await?;
            done.calls = Some(self.core.written());
        }
        if !walk.is_marked() {
            self.walking(|places| match is_end {
                true => drop(places.of.remove(&walk)),
                false => drop(places.of.insert(walk, last)),
            });
        }
        Ok(done)
    }
}

/// A step of a walk.
#[derive(Clone)]
struct Step {
    walk: Walk,
    /// Where it begins; `None` for where the mark says, or the beginning.
    from: Option<Place>,
    before: Timestamp,
    limit: usize,
}

impl Postgres {
    fn walking<T>(&self, with: impl FnOnce(&mut Places) -> T) -> T {
        with(&mut self.core.walking.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    async fn remove(&self, step: Step, looked: Looked<Thing>) -> Result<u64, StoreError> {
        self.core
            .write((step, looked), |unit, (step, looked)| {
                Box::pin(async move {
                    let removed = removal::remove(unit, &looked.found, step.before).await?;
                    mark(unit, step, looked).await?;
                    Ok(removed)
                })
            })
            .await
    }
}

const MARK: &str = "INSERT INTO retention_marks (walk, account_id, carrier, key, id, number) \
    VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (walk, account_id) DO UPDATE SET carrier = excluded.carrier, \
    key = excluded.key, id = excluded.id, number = excluded.number";
const UNMARK: &str = "DELETE FROM retention_marks WHERE walk = $1 AND account_id = $2";

/// Notes how far a walk has come, if the store keeps that. A walk that begins again has no mark at its end.
async fn mark(unit: &Unit, step: &Step, looked: &Looked<Thing>) -> Result<(), Fault> {
    let (walk, Looked { last: Place { carrier, key, id, number }, is_end, .. }) = (step.walk, looked);
    if !walk.is_marked() {
        return Ok(());
    }
    if *is_end && !walk.goes_on() {
        return unit.execute(UNMARK, &[&walk.name(), &mark_account(walk)]).await.map(drop);
    }
    let id = match walk {
        // It has passed all that is old: what ends from now on, and is as old, loses its text with its end.
        Walk::Texts(_) | Walk::BroadcastTexts(_) if *is_end => last_old(step.before),
        _ => rows::id(*id),
    };
    let values: [&(dyn tokio_postgres::types::ToSql + Sync); 6] =
        [&walk.name(), &mark_account(walk), carrier, key, &id, number];
    unit.execute(MARK, &values).await.map(drop)
}

/// The highest id that is old.
fn last_old(before: Timestamp) -> Uuid {
    Uuid::from_u128(lowest_at(before).saturating_sub(1))
}

/// The account that a walk is confined to, as its mark has it.
fn mark_account(walk: Walk) -> Uuid {
    walk.account().map_or(rows::NO_ACCOUNT, |account| rows::id(account.to_bytes()))
}

/// The accounts that have a rule for their texts.
async fn text_rules(unit: &Unit) -> Result<Vec<(AccountId, TextRetention)>, Fault> {
    let sql = "SELECT id, retention FROM accounts WHERE retention IS NOT NULL ORDER BY id";
    let rule =
        |row: &Row| Ok((AccountId::from_bytes(rows::octets(row, 0)?), rows::word(row, 1, TextRetention::parse)?));
    unit.query(sql, &[]).await?.iter().map(rule).collect()
}
