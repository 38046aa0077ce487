//! The audit log.

use async_trait::async_trait;
use model::{ActorKind, AuditActor, AuditEntry, AuditId, AuditOutcome, AuditRecord, Msisdn, Timestamp, Via};
use rusqlite::{Connection, OptionalExtension, Row, params};

use super::Sqlite;
use super::fault::Fault;
use super::rows;
use super::writer::Group;
use ledger::StoreError;
use ledger::audited::{self, ENTRIES, LOOKED_AT, Texts};
use ledger::contract::audit::{Audit, AuditFilter, AuditPage};
use ledger::contract::erase::AuditOf;
use ledger::turns::{Reader, Work};

#[async_trait]
impl Audit for Sqlite {
    async fn begin_audit(&self, entry: AuditEntry) -> Result<(), StoreError> {
        let write = move |group: &mut Group| match insert(&group.connection, &entry)? {
            0 => Err(Fault::Told(StoreError::AlreadyExists)),
            _ => Ok(()),
        };
        self.writer.write(write).await
    }

    async fn end_audit(&self, id: AuditId, outcome: AuditOutcome) -> Result<(), StoreError> {
        let write = move |group: &mut Group| {
            let connection = &group.connection;
            if !connection.prepare_cached(IS_KNOWN)?.exists([id.to_bytes()])? {
                return Err(Fault::Told(StoreError::NotFound));
            }
            let values = params![id.to_bytes(), outcome.at.as_millis(), outcome.status, outcome.after];
            connection.prepare_cached(END)?.execute(values)?;
            Ok(())
        };
        self.writer.write(write).await
    }

    async fn audit(&self, filter: AuditFilter, after: Option<AuditId>, limit: usize) -> Result<AuditPage, StoreError> {
        let list = move |connection: &Connection| page(connection, &filter, after, limit);
        self.readers.read_for(Reader::Operator, Work::Page, list).await
    }

    async fn audit_record(&self, id: AuditId) -> Result<Option<AuditRecord>, StoreError> {
        let look = move |connection: &Connection| {
            connection.prepare_cached(ONE)?.query_row([id.to_bytes()], record).optional()
        };
        self.readers.read_for(Reader::Operator, Work::One, look).await
    }

    async fn forget_audit(&self, before: Timestamp, limit: usize) -> Result<u64, StoreError> {
        let write = move |group: &mut Group| {
            let values = params![AuditId::lowest_at(before).to_bytes(), limit];
            let connection = &group.connection;
            connection.prepare_cached(FORGET_OUTCOMES)?.execute(values)?;
            Ok(connection.prepare_cached(FORGET)?.execute(values)? as u64)
        };
        self.writer.write(write).await
    }
}

macro_rules! select {
    ($rest:literal) => {
        concat!(
            "SELECT l.id, l.at, l.actor_kind, l.actor, l.address, l.via, l.method, l.route, l.path, l.request, \
             l.before, o.at, o.status, o.after FROM audit_log l LEFT JOIN audit_outcomes o ON o.id = l.id ",
            $rest
        )
    };
}

const ONE: &str = select!("WHERE l.id = ?1");
const ALL: &str = select!(
    "WHERE l.id >= ?1 AND l.id < ?2 AND substr(l.path, 1, length(?3)) = ?3 AND ?4 IS NULL ORDER BY l.id DESC LIMIT ?5"
);
const OF: &str = select!(
    "WHERE l.actor = ?4 AND l.id >= ?1 AND l.id < ?2 AND substr(l.path, 1, length(?3)) = ?3 \
     ORDER BY l.id DESC LIMIT ?5"
);
/// The last entry that a page looks at.
const LAST: &str = "SELECT id FROM audit_log WHERE id >= ?1 AND id < ?2 AND ?3 IS NULL ORDER BY id DESC LIMIT 1 \
    OFFSET ?4";
const LAST_OF: &str = "SELECT id FROM audit_log WHERE actor = ?3 AND id >= ?1 AND id < ?2 ORDER BY id DESC LIMIT 1 \
    OFFSET ?4";
const INSERT: &str = "INSERT OR IGNORE INTO audit_log (id, at, actor_kind, actor, address, via, method, route, path, \
    request, before) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)";
const IS_KNOWN: &str = "SELECT 1 FROM audit_log WHERE id = ?1";
const END: &str = "INSERT OR IGNORE INTO audit_outcomes (id, at, status, after) VALUES (?1, ?2, ?3, ?4)";
const FORGET: &str = "DELETE FROM audit_log WHERE id IN (SELECT id FROM audit_log WHERE id < ?1 ORDER BY id LIMIT ?2)";
const FORGET_OUTCOMES: &str =
    "DELETE FROM audit_outcomes WHERE id IN (SELECT id FROM audit_log WHERE id < ?1 ORDER BY id LIMIT ?2)";
const TEXTS: &str = "SELECT l.id, l.path, l.request, l.before, o.after FROM audit_log l \
    LEFT JOIN audit_outcomes o ON o.id = l.id WHERE l.id > ?1 ORDER BY l.id LIMIT ?2";
const TEXTS_OF: &str = "SELECT l.id, l.path, l.request, l.before, o.after FROM audit_log l \
    LEFT JOIN audit_outcomes o ON o.id = l.id WHERE l.id = ?1";
const BLANK: &str = "UPDATE audit_log SET path = ?2, request = ?3, before = ?4 WHERE id = ?1";
const BLANK_OUTCOME: &str = "UPDATE audit_outcomes SET after = ?2 WHERE id = ?1";

/// Every statement that maintenance runs, and those of the pages, which must not read more than they may look at.
#[cfg(test)]
pub(super) const MAINTENANCE: &[&str] =
    &[ONE, ALL, OF, LAST, LAST_OF, IS_KNOWN, FORGET, FORGET_OUTCOMES, TEXTS, TEXTS_OF, BLANK, BLANK_OUTCOME];

fn insert(connection: &Connection, entry: &AuditEntry) -> rusqlite::Result<usize> {
    let (kind, address, via) = audited::entry_words(entry);
    connection.prepare_cached(INSERT)?.execute(params![
        entry.id.to_bytes(),
        entry.at.as_millis(),
        kind,
        entry.actor.name,
        address,
        via,
        entry.method,
        entry.route,
        entry.path,
        entry.request,
        entry.before,
    ])
}

fn page(
    connection: &Connection,
    filter: &AuditFilter,
    after: Option<AuditId>,
    limit: usize,
) -> rusqlite::Result<AuditPage> {
    let (low, high) = audited::bounds(filter, after);
    let (last, all) = if filter.actor.is_some() { (LAST_OF, OF) } else { (LAST, ALL) };
    let values = params![low.to_bytes(), high.to_bytes(), filter.actor, LOOKED_AT - 1];
    let id = |row: &Row<'_>| row.get(0).map(AuditId::from_bytes);
    let last = connection.prepare_cached(last)?.query_row(values, id).optional()?;
    let prefix = filter.path.as_deref().unwrap_or_default();
    let low = last.unwrap_or(low);
    let values = params![low.to_bytes(), high.to_bytes(), prefix, filter.actor, limit + 1];
    let records = connection.prepare_cached(all)?.query_map(values, record)?.collect::<rusqlite::Result<Vec<_>>>()?;
    Ok(audited::page(records, limit, last))
}

fn record(row: &Row<'_>) -> rusqlite::Result<AuditRecord> {
    let entry = AuditEntry {
        id: AuditId::from_bytes(row.get(0)?),
        at: rows::time(row, 1)?,
        actor: AuditActor { kind: rows::word(row, 2, ActorKind::parse)?, name: row.get(3)? },
        address: rows::word_if_any(row, 4, |text| text.parse().ok())?,
        via: rows::word(row, 5, Via::parse)?,
        method: row.get(6)?,
        route: row.get(7)?,
        path: row.get(8)?,
        request: row.get(9)?,
        before: row.get(10)?,
    };
    let outcome = audited::outcome(rows::time_if_any(row, 11)?, row.get(12)?, row.get(13)?);
    Ok(AuditRecord { entry, outcome })
}

fn texts(row: &Row<'_>) -> rusqlite::Result<(AuditId, Texts)> {
    let texts = Texts { path: row.get(1)?, request: row.get(2)?, before: row.get(3)?, after: row.get(4)? };
    Ok((AuditId::from_bytes(row.get(0)?), texts))
}

/// Which of the next entries mention a number.
pub(super) fn mentions(connection: &Connection, number: Msisdn, after: Option<AuditId>) -> rusqlite::Result<AuditOf> {
    let after = after.map_or([0; 16], AuditId::to_bytes);
    let mut select = connection.prepare_cached(TEXTS)?;
    let looked = select.query_map(params![after, ENTRIES], texts)?.collect::<rusqlite::Result<Vec<_>>>()?;
    Ok(audited::mentions(looked, number))
}

/// Takes a number out of these entries.
pub(super) fn erase(connection: &Connection, number: Msisdn, entries: &[AuditId]) -> rusqlite::Result<()> {
    for id in entries {
        let id = id.to_bytes();
        let found = connection.prepare_cached(TEXTS_OF)?.query_row([id], texts).optional()?;
        let Some((_, mut texts)) = found else { continue };
        if texts.forget(number) {
            let values = params![id, texts.path, texts.request, texts.before];
            connection.prepare_cached(BLANK)?.execute(values)?;
            connection.prepare_cached(BLANK_OUTCOME)?.execute(params![id, texts.after])?;
        }
    }
    Ok(())
}
