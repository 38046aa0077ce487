//! The index behind filtered lists: which entries a message has, how they are added, and how they follow its status.
//!
//! Message ids grow with each message. A *mark* divides them: above it no message is in the index, below it every
//! message is, except in *gaps*. A gap holds messages that were inserted below the mark, because ids of a broadcast's
//! messages are as old as their broadcast, or because a clock went back by days. [`read`] merges the index with scans
//! of what it lacks.

mod read;
mod streams;

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use async_trait::async_trait;
use model::message::Direction;
use model::mint::LEAD_MAX;
use model::{AccountId, BroadcastId, Message, MessageId, Msisdn, Originator, Owner, Status, Timestamp};
use runtime::Runtime;
use rusqlite::{Connection, OptionalExtension, Row, params};

use super::Sqlite;
use super::list_state::{Gaps, ListState, NO_BROADCAST, id, mark};
use super::rows;
use super::wait_index;
use super::writer::Group;
use ledger::StoreError;
use ledger::contract::lists::{Indexed, Lists};

pub(super) use read::{ROWS_PER_PAGE, page};

/// How much of the writer's time one step takes, about.
const STEP: Duration = Duration::from_millis(2);

#[async_trait]
impl Lists for Sqlite {
    async fn index_lists(&self, now: Timestamp, after: Duration, limit: usize) -> Result<Indexed, StoreError> {
        let window = Window { now, after };
        // An idle store is only looked at: a write would wake the disk.
        let missing = self.readers.read(move |connection| oldest_missing(connection, window)).await?;
        if missing.is_none() || limit == 0 {
            return Ok(Indexed { oldest_missing: missing, ..Indexed::default() });
        }
        self.writer.write(move |group| Ok(step(group, window, limit)?)).await
    }
}

/// A value that the index finds messages by.
#[derive(Clone, Copy)]
pub(super) enum Facet {
    Recipient(Msisdn),
    Originator(Originator),
    State(Direction, Status),
}

impl Facet {
    /// Its number in the index. No number has more than 15 digits, and no short code more than 8, so that none is too
    /// large. Names have no room: two of them may have the same code, and who looks one up compares what is found.
    pub(super) fn code(self) -> i64 {
        let (value, kind) = match self {
            Self::Recipient(number) => (number.to_u64(), 0),
            Self::Originator(Originator::Number(number)) => (number.to_u64(), 1),
            Self::State(direction, status) => (direction_code(direction) << 3 | status_code(status), 2),
            Self::Originator(Originator::ShortCode(code)) => (code.to_u64(), 3),
            Self::Originator(Originator::Name(name)) => (1 << 60 | digest(name.septets()) >> 4, 3),
        };
        (value << 2 | kind).cast_signed()
    }
}

// These numbers are in the file and never change.

/// FNV-1a of 64 bits.
fn digest(octets: &[u8]) -> u64 {
    let step = |digest: u64, octet: &u8| (digest ^ u64::from(*octet)).wrapping_mul(0x0100_0000_01B3);
    octets.iter().fold(0xCBF2_9CE4_8422_2325, step)
}

const fn direction_code(direction: Direction) -> u64 {
    match direction {
        Direction::Outbound => 0,
        Direction::Inbound => 1,
    }
}

const fn status_code(status: Status) -> u64 {
    match status {
        Status::Queued => 0,
        Status::Sent => 1,
        Status::Delivered => 2,
        Status::Undelivered => 3,
        Status::Failed => 4,
        Status::Canceled => 5,
        Status::Scheduled => 6,
    }
}

/// The facet of a client's reference. References have no room in the index: two of them may have the same code, so a
/// reader compares the references of the messages that it finds.
fn reference_code(reference: &str) -> i64 {
    ((1 << 60 | digest(reference.as_bytes()) >> 4) << 2 | 2).cast_signed()
}

fn number_of(id: MessageId) -> u128 {
    u128::from_be_bytes(id.to_bytes())
}

/// Which messages may be added.
#[derive(Clone, Copy)]
struct Window {
    now: Timestamp,
    /// How long a message waits.
    after: Duration,
}

impl Window {
    /// Whether a message that was accepted at this time is too young. One that was accepted later than the present is
    /// not: the clock was set back since.
    fn is_young(self, accepted_at: Timestamp) -> bool {
        self.now - self.after <= accepted_at && accepted_at <= self.now
    }

    /// The lowest id that the mark does not pass. Ids of a clock that was wrong by more than [`LEAD_MAX`] are not
    /// followed by later ones, and all later messages would lie below a mark that had passed these.
    fn end(self) -> [u8; 16] {
        MessageId::lowest_at(self.now + LEAD_MAX).to_bytes()
    }
}

/// When the oldest message was accepted that is missing from the index and should be there.
fn oldest_missing(connection: &Connection, window: Window) -> rusqlite::Result<Option<Timestamp>> {
    let read = |row: &Row<'_>| Ok((row.get::<_, [u8; 16]>(0)?, row.get::<_, [u8; 16]>(2)?));
    let gap = connection.prepare_cached(OLDEST_GAP)?.query_row([], read).optional()?;
    if let Some((account, low)) = gap {
        // The rest of a gap may have been added with another one.
        let sql = "SELECT created_at FROM messages WHERE account_id = ?1 AND id >= ?2 ORDER BY id LIMIT 1";
        let found =
            connection.prepare_cached(sql)?.query_row(params![account, low], |row| rows::time(row, 0)).optional()?;
        return Ok(Some(found.unwrap_or_else(|| MessageId::from_bytes(low).made_at())));
    }
    let bounds = params![mark(connection)?.to_be_bytes(), window.end()];
    let above = connection.prepare_cached(FIRST_ABOVE)?.query_row(bounds, |row| rows::time(row, 0)).optional()?;
    Ok(above.filter(|accepted_at| !window.is_young(*accepted_at)))
}

/// One step: some of a gap in its first half, then some of what is above the mark, so that neither keeps the other
/// waiting.
fn step(group: &mut Group, window: Window, limit: usize) -> rusqlite::Result<Indexed> {
    let began = group.runtime.instant();
    let mut filing =
        Filing { connection: &group.connection, runtime: &*group.runtime, owners: BTreeMap::new(), filed: 0 };
    fill_gap(&mut filing, &mut group.lists, limit.div_ceil(2), began + STEP / 2)?;
    let left = limit - filing.filed.min(limit);
    raise_mark(&mut filing, &mut group.lists, window, left, began + STEP)?;
    let filed = filing.filed;
    let oldest_missing = oldest_missing(&group.connection, window)?;
    Ok(Indexed { filed, oldest_missing, calls: group.lists.calls })
}

/// Adds messages of one gap, oldest first, and narrows it.
fn fill_gap(filing: &mut Filing<'_>, state: &mut ListState, limit: usize, end: Instant) -> rusqlite::Result<()> {
    let connection = filing.connection;
    let read = |row: &Row<'_>| Ok((row.get::<_, [u8; 16]>(0)?, row.get::<_, [u8; 16]>(1)?, id(row, 2)?, id(row, 3)?));
    let gap = connection.prepare_cached(OLDEST_GAP)?.query_row([], read).optional()?;
    let Some((account, source, low, high)) = gap else { return Ok(()) };
    let sql = format!(
        "SELECT {FILED} FROM messages m CROSS JOIN delivery d ON d.message_id = m.id WHERE m.account_id = ?3 AND m.id \
         >= ?1 AND m.id <= ?2 ORDER BY m.id"
    );
    let mut select = connection.prepare_cached(&sql)?;
    let mut found = select.query(params![low.to_be_bytes(), high.to_be_bytes(), account])?;
    // Messages in the gap of a broadcast are added with that gap: none of them has an entry until then.
    let others = if source == NO_BROADCAST { Some(&state.gaps) } else { None };
    let added = filing.file(&mut found, others, None, limit, end)?;
    match added.last.filter(|_| !added.is_all) {
        Some(last) => {
            let sql = "UPDATE list_gaps SET low = ?3 WHERE account_id = ?1 AND source = ?2";
            connection.prepare_cached(sql)?.execute(params![account, source, (last + 1).to_be_bytes()])?;
            if source != NO_BROADCAST {
                state.gaps.insert(source, (last + 1, high));
            }
        }
        None => {
            connection
                .prepare_cached("DELETE FROM list_gaps WHERE account_id = ?1 AND source = ?2")?
                .execute(params![account, source])?;
            state.gaps.remove(&source);
        }
    }
    Ok(())
}

/// Adds messages above the mark, oldest first, and moves the mark past them. It stops at the first one that is too
/// young: those after it are younger.
fn raise_mark(
    filing: &mut Filing<'_>,
    state: &mut ListState,
    window: Window,
    limit: usize,
    end: Instant,
) -> rusqlite::Result<()> {
    if limit == 0 {
        return Ok(());
    }
    let connection = filing.connection;
    let sql = format!(
        "SELECT {FILED} FROM delivery d CROSS JOIN messages m ON m.account_id = d.account_id AND m.id = d.message_id \
         WHERE d.message_id >= ?1 AND d.message_id < ?2 ORDER BY d.message_id"
    );
    let mut select = connection.prepare_cached(&sql)?;
    let mut found = select.query(params![state.below.to_be_bytes(), window.end()])?;
    if let Some(last) = filing.file(&mut found, None, Some(window), limit, end)?.last {
        state.below = last + 1;
        connection
            .prepare_cached("UPDATE list_mark SET below = ?1 WHERE id = 1")?
            .execute([state.below.to_be_bytes()])?;
    }
    Ok(())
}

const OLDEST_GAP: &str = "SELECT account_id, source, low, high FROM list_gaps INDEXED BY list_gaps_low \
    WHERE low >= x'' ORDER BY low LIMIT 1";
const FIRST_ABOVE: &str = "SELECT m.created_at FROM delivery d CROSS JOIN messages m ON m.account_id = d.account_id \
    AND m.id = d.message_id WHERE d.message_id >= ?1 AND d.message_id < ?2 ORDER BY d.message_id LIMIT 1";
const ENTRIES_OF: &str = "SELECT o.number, m.direction, m.recipient, m.originator, d.status, m.client_reference \
    FROM delivery d CROSS JOIN messages m ON m.account_id = d.account_id AND m.id = d.message_id \
    CROSS JOIN list_owners o ON o.account_id = m.account_id AND o.mode = m.mode WHERE d.message_id = ?1";
const DELETE_ENTRY: &str = "DELETE FROM list_entries WHERE facet = ?1 AND owner = ?2 AND message_id = ?3";
const DELETE_REFERENCE: &str = "DELETE FROM list_entries WHERE facet = ?1 \
    AND owner = (SELECT number FROM list_owners WHERE account_id = ?2 AND mode = ?3) AND message_id = ?4";

/// Statements of this file that maintenance runs.
#[cfg(test)]
pub(super) const MAINTENANCE: &[&str] = &[OLDEST_GAP, FIRST_ABOVE, ENTRIES_OF, DELETE_ENTRY, DELETE_REFERENCE];

/// Removes the entries of a message that is about to be removed. Its rows are still there.
pub(super) fn unlist(connection: &Connection, message: MessageId) -> rusqlite::Result<()> {
    let read = |row: &Row<'_>| {
        let (recipient, originator) = (rows::number(row, 2)?, rows::originator(row, 3)?);
        let state = Facet::State(rows::word(row, 1, Direction::parse)?, rows::word(row, 4, Status::parse)?);
        let reference = row.get_ref(5)?.as_str_or_null()?.map(reference_code);
        let codes = [Facet::Recipient(recipient), Facet::Originator(originator), state].map(Facet::code);
        Ok((row.get::<_, i64>(0)?, codes.into_iter().chain(reference).collect::<Vec<_>>()))
    };
    let found = connection.prepare_cached(ENTRIES_OF)?.query_row([message.to_bytes()], read).optional();
    let (owner, codes) = match found {
        Ok(Some(found)) => found,
        // An owner of whom nothing is listed, or a row that cannot be read and has no entries for this reason.
        Ok(None) | Err(rusqlite::Error::FromSqlConversionFailure(..)) => return Ok(()),
        Err(error) => return Err(error),
    };
    let mut delete = connection.prepare_cached(DELETE_ENTRY)?;
    codes.iter().try_for_each(|code| delete.execute(params![code, owner, message.to_bytes()]).map(drop))
}

/// Removes the entry that a message has for its reference, which is about to be removed.
pub(super) fn unlist_reference(
    connection: &Connection,
    owner: Owner,
    reference: &str,
    message: MessageId,
) -> rusqlite::Result<()> {
    let (account, mode) = (owner.account.to_bytes(), owner.mode.as_str());
    let values = params![reference_code(reference), account, mode, message.to_bytes()];
    connection.prepare_cached(DELETE_REFERENCE)?.execute(values).map(drop)
}

/// The columns of a message that is being added.
const FILED: &str = "m.id, m.account_id, m.mode, m.direction, m.recipient, m.originator, d.status, m.broadcast_id, \
     m.created_at, d.receipt_by, m.client_reference";

/// Adding messages within one step.
struct Filing<'c> {
    connection: &'c Connection,
    runtime: &'c dyn Runtime,
    owners: BTreeMap<([u8; 16], String), i64>,
    filed: usize,
}

impl Filing<'_> {
    /// Adds the messages of `found` that are not in `others`, up to the first that is too young for the window: at most
    /// `limit` and until `end`, but at least one.
    fn file(
        &mut self,
        found: &mut rusqlite::Rows<'_>,
        others: Option<&Gaps>,
        window: Option<Window>,
        limit: usize,
        end: Instant,
    ) -> rusqlite::Result<Added> {
        let mut added = Added { last: None, is_all: false };
        let before = self.filed;
        while let Some(row) = found.next()? {
            let accepted_at = rows::time(row, 8)?;
            if window.is_some_and(|window| window.is_young(accepted_at)) {
                return Ok(added);
            }
            let gap = row.get::<_, Option<[u8; 16]>>(7)?.and_then(|broadcast| others?.get(&broadcast));
            if !is_in(gap, id(row, 0)?) {
                wait_index::file(self.connection, row.get(0)?, row.get(9)?)?;
                self.add_if_readable(row)?;
            }
            added.last = Some(id(row, 0)?);
            self.filed += 1;
            if self.filed - before >= limit || self.runtime.instant() >= end {
                return Ok(added);
            }
        }
        Ok(Added { is_all: true, ..added })
    }

    /// Adds a message. One that cannot be read, and that no list can show either, must not keep the others from being
    /// added.
    fn add_if_readable(&mut self, row: &Row<'_>) -> rusqlite::Result<()> {
        match self.add(row) {
            // The error holds the text that cannot be read, which may be a number and stays out of the log.
            Err(rusqlite::Error::FromSqlConversionFailure(column, ..)) => {
                let message = MessageId::from_bytes(row.get(0)?);
                tracing::warn!(message = %message, column, "The index of lists leaves out {message}: its row cannot \
                    be read");
                Ok(())
            }
            added => added,
        }
    }

    fn add(&mut self, row: &Row<'_>) -> rusqlite::Result<()> {
        let (recipient, originator) = (rows::number(row, 4)?, rows::originator(row, 5)?);
        let state = Facet::State(rows::word(row, 3, Direction::parse)?, rows::word(row, 6, Status::parse)?);
        let owner = self.owner(row.get(1)?, row.get(2)?)?;
        let message: [u8; 16] = row.get(0)?;
        // An entry that exists already was added before the gap was made.
        let mut insert = self
            .connection
            .prepare_cached("INSERT OR IGNORE INTO list_entries (facet, owner, message_id) VALUES (?1, ?2, ?3)")?;
        let reference = row.get_ref(10)?.as_str_or_null()?.map(reference_code);
        let codes = [Facet::Recipient(recipient), Facet::Originator(originator), state].map(Facet::code);
        for code in codes.into_iter().chain(reference) {
            insert.execute(params![code, owner, message])?;
        }
        Ok(())
    }

    fn owner(&mut self, account: [u8; 16], mode: String) -> rusqlite::Result<i64> {
        if let Some(number) = self.owners.get(&(account, mode.clone())) {
            return Ok(*number);
        }
        let insert = "INSERT OR IGNORE INTO list_owners (account_id, mode) VALUES (?1, ?2)";
        self.connection.prepare_cached(insert)?.execute(params![account, mode])?;
        let select = "SELECT number FROM list_owners WHERE account_id = ?1 AND mode = ?2";
        let number = self.connection.prepare_cached(select)?.query_row(params![account, mode], |row| row.get(0))?;
        self.owners.insert((account, mode), number);
        Ok(number)
    }
}

/// What [`Filing::file`] did.
struct Added {
    /// The last message that it looked at.
    last: Option<u128>,
    /// Whether that was the last one of all.
    is_all: bool,
}

fn is_in(gap: Option<&(u128, u128)>, number: u128) -> bool {
    gap.is_some_and(|(low, high)| (*low..=*high).contains(&number))
}

impl Group {
    /// Notes messages that have just been inserted, where they are below the mark, so that the index comes to have
    /// them: one that was accepted alone, or some that a broadcast was expanded into, whose ids are higher than those
    /// of all that it was expanded into before.
    pub(super) fn note_inserted<'m>(
        &mut self,
        broadcast: Option<BroadcastId>,
        messages: impl Iterator<Item = &'m Message>,
    ) -> rusqlite::Result<()> {
        let below = self.lists.below;
        let mut gap: Option<(AccountId, u128, u128)> = None;
        for message in messages.filter(|message| number_of(message.id) < below) {
            let id = number_of(message.id);
            gap = Some(
                gap.map_or((message.account, id, id), |(account, low, high)| (account, low.min(id), high.max(id))),
            );
        }
        match gap {
            Some((account, low, high)) => self.widen_gap(account, broadcast, low, high),
            None => Ok(()),
        }
    }

    fn widen_gap(
        &mut self,
        account: AccountId,
        broadcast: Option<BroadcastId>,
        low: u128,
        high: u128,
    ) -> rusqlite::Result<()> {
        let source = broadcast.map_or(NO_BROADCAST, BroadcastId::to_bytes);
        let sql = "INSERT INTO list_gaps (account_id, source, low, high) VALUES (?1, ?2, ?3, ?4) \
                   ON CONFLICT DO UPDATE SET low = min(low, excluded.low), high = max(high, excluded.high) \
                   RETURNING low, high";
        let values = params![account.to_bytes(), source, low.to_be_bytes(), high.to_be_bytes()];
        let gap = self.connection.prepare_cached(sql)?.query_row(values, |row| Ok((id(row, 0)?, id(row, 1)?)))?;
        if broadcast.is_some() {
            self.lists.gaps.insert(source, gap);
        }
        Ok(())
    }

    /// Whether the index has come to a message. One in a gap that belongs to no broadcast may still lack its entry.
    pub(super) fn is_listed(&self, message: MessageId, broadcast: Option<BroadcastId>) -> bool {
        let number = number_of(message);
        let gap = broadcast.and_then(|broadcast| self.lists.gaps.get(&broadcast.to_bytes()));
        number < self.lists.below && !is_in(gap, number)
    }

    /// Moves a message in the index from one status to another, if it has an entry there.
    pub(super) fn relist(
        &self,
        message: MessageId,
        broadcast: Option<BroadcastId>,
        from: Status,
        to: Status,
    ) -> rusqlite::Result<()> {
        // Most messages change their status before they are in the index.
        if !self.is_listed(message, broadcast) {
            return Ok(());
        }
        let sql = "SELECT o.number, m.direction FROM delivery d CROSS JOIN messages m ON m.account_id = d.account_id \
                   AND m.id = d.message_id CROSS JOIN list_owners o ON o.account_id = m.account_id AND o.mode = m.mode \
                   WHERE d.message_id = ?1";
        let read = |row: &Row<'_>| Ok((row.get::<_, i64>(0)?, rows::word(row, 1, Direction::parse)?));
        let known = self.connection.prepare_cached(sql)?.query_row([message.to_bytes()], read).optional()?;
        // A message without an entry gets the one of its new status once its gap is filled.
        if let Some((owner, direction)) = known {
            let sql = "UPDATE list_entries SET facet = ?1 WHERE facet = ?2 AND owner = ?3 AND message_id = ?4";
            let (to, from) = (Facet::State(direction, to).code(), Facet::State(direction, from).code());
            self.connection.prepare_cached(sql)?.execute(params![to, from, owner, message.to_bytes()])?;
        }
        Ok(())
    }
}
