//! The end of what is kept. [`walks`] looks for what may be old on a reading connection; this removes it in the
//! writer's transaction, where it is seen again whether it may go.
//!
//! Ids begin with the time of acceptance, so that what is old is one end of a primary key, and nothing here needs an
//! index that accepting a message would have to write.

mod removal;
mod walks;

use std::collections::BTreeMap;
use std::sync::PoisonError;
use std::time::Duration;

use async_trait::async_trait;
use model::{AccountId, TextRetention, Timestamp};
use rusqlite::{Connection, params};

use super::Sqlite;
use super::writer::Group;
use ledger::StoreError;
use ledger::contract::retention::{Removed, Retention, Walk};
use ledger::turns::{Reader, Work};
use ledger::walks::{Place, lowest_at};

use removal::{Thing, remove};
pub(super) use removal::{blank_broadcast, blank_message};
use walks::mark_account;

/// How much of the writer's time one step takes, about.
const STEP: Duration = Duration::from_millis(1);

/// Where each walk of this process stands.
#[derive(Default)]
pub(super) struct Walking {
    places: BTreeMap<Walk, Place>,
    /// From which id on texts are young, as the writer knows it.
    young_from: BTreeMap<Walk, u128>,
}

#[async_trait]
impl Retention for Sqlite {
    async fn text_rules(&self) -> Result<Vec<(AccountId, TextRetention)>, StoreError> {
        self.readers.read_for(Reader::Platform, Work::Page, walks::text_rules).await
    }

    async fn remove_old(&self, walk: Walk, before: Timestamp, limit: usize) -> Result<Removed, StoreError> {
        if limit == 0 {
            return Ok(Removed { is_end: true, ..Removed::default() });
        }
        if matches!(walk, Walk::Texts(_) | Walk::BroadcastTexts(_)) {
            self.announce(walk, before).await?;
        }
        let from = self.walking(|walking| walking.places.get(&walk).cloned());
        let look = move |connection: &Connection| walks::look(connection, walk, from, before, limit);
        let looked = self.readers.read_for(Reader::Platform, Work::Page, look).await?;
        let (rows, is_end) = (looked.rows, looked.is_end);
        let ends_rotation = is_end && walk == Walk::ReceiptKeys;
        let (mut done, mut place) = (Removed { looked: rows, is_end, ..Removed::default() }, looked.last.clone());
        if !looked.found.is_empty() || ends_rotation {
            let (removed, reached) = self
                .writer
                .write(move |group| Ok(step(group, walk, looked.found, &looked.last, ends_rotation)?))
                .await?;
            if let Some(reached) = reached {
                // There was more to do than one step may.
                (place, done.is_end) = (reached, false);
            }
            (done.removed, done.calls) = (removed.removed, removed.calls);
        }
        let begins_anew = done.is_end && !walk.goes_on();
        self.walking(|walking| {
            if begins_anew {
                walking.places.remove(&walk);
            } else {
                walking.places.insert(walk, place);
            }
        });
        Ok(done)
    }
}

impl Sqlite {
    fn walking<T>(&self, with: impl FnOnce(&mut Walking) -> T) -> T {
        with(&mut self.walking.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Lets the writer know from which id on texts are young, before old ones are looked for: what ends after the look
    /// loses its text with its end.
    async fn announce(&self, walk: Walk, before: Timestamp) -> Result<(), StoreError> {
        let young = lowest_at(before);
        if self.walking(|walking| walking.young_from.get(&walk) == Some(&young)) {
            return Ok(());
        }
        let announce = move |group: &mut Group| {
            group.texts.young_from.insert(walk, young);
            Ok(())
        };
        self.writer.write(announce).await?;
        self.walking(|walking| walking.young_from.insert(walk, young));
        Ok(())
    }
}

/// Removes what a look has found, for as long as a step may take. Returns how far it came where that is not all.
fn step(
    group: &mut Group,
    walk: Walk,
    found: Vec<(Place, Thing)>,
    last: &Place,
    ends_rotation: bool,
) -> rusqlite::Result<(Removed, Option<Place>)> {
    let end = group.runtime.instant() + STEP;
    let (mut removed, mut reached, mut left) = (Removed::default(), None, found.len());
    for (place, thing) in found {
        removed.removed += u64::from(remove(group, &thing)?);
        left -= 1;
        if left > 0 && group.runtime.instant() >= end {
            reached = Some(place);
            break;
        }
    }
    if ends_rotation && reached.is_none() {
        group.connection.prepare_cached(UNMARK)?.execute(params![walk.name(), mark_account(walk)])?;
    } else if walk.is_marked() {
        let place = reached.as_ref().unwrap_or(last);
        let Place { carrier, key, id, number } = place;
        let values = params![walk.name(), mark_account(walk), carrier, key, id, number];
        group.connection.prepare_cached(MARK)?.execute(values)?;
        group.texts.passed.insert(walk, u128::from_be_bytes(*id));
    }
    removed.calls = Some(group.lists.calls);
    Ok((removed, reached))
}

const MARK: &str = "INSERT OR REPLACE INTO retention_marks (walk, account_id, carrier, key, id, number) \
    VALUES (?1, ?2, ?3, ?4, ?5, ?6)";
const UNMARK: &str = "DELETE FROM retention_marks WHERE walk = ?1 AND account_id = ?2";

/// Every statement of this file and those below it that maintenance runs.
#[cfg(test)]
pub(super) fn maintenance() -> Vec<&'static str> {
    [&[MARK, UNMARK], walks::MAINTENANCE, removal::MAINTENANCE].concat()
}
