//! The change feed: changes are noted while a transaction makes them, written into the log before its commit where a
//! consumer wants them, and given to the tails after it.
//!
//! The writer knows its consumers and the ends of the log without asking the file, so that a change that no consumer
//! wants costs no statement.

use async_trait::async_trait;
use model::{AccountId, Mode, Owner, Timestamp};
use rusqlite::{Connection, OptionalExtension, Row, params};

use super::Sqlite;
use super::fault::Fault;
use super::feed::{Log, Registered, logs, registered};
use super::rows;
use super::writer::Group;
use ledger::StoreError;
use ledger::contract::changes::{Batch, Change, Changes, Consumer, Kind, Kinds, Position, Resource, Tail};
use ledger::facts;

/// The number of the one writer that this store has. A file is written by one process at a time, so its log is one
/// sequence across all starts; in a store that nodes share, each epoch numbers its own changes.
const fn writer_number() -> u64 {
    1
}

#[async_trait]
impl Changes for Sqlite {
    async fn register_consumer(&self, name: &str, kinds: Kinds) -> Result<(), StoreError> {
        let name = name.to_owned();
        self.writer.write(move |group: &mut Group| Ok(register(group, name, kinds)?)).await
    }

    async fn remove_consumer(&self, name: &str) -> Result<(), StoreError> {
        let name = name.to_owned();
        self.writer.write(move |group: &mut Group| Ok(remove(group, &name)?)).await
    }

    async fn consumers(&self) -> Result<Vec<Consumer>, StoreError> {
        self.readers.read(consumers).await
    }

    async fn changes(&self, consumer: &str, limit: usize) -> Result<Batch, StoreError> {
        let name = consumer.to_owned();
        self.readers.read(move |connection| batch(connection, &name, limit)).await?.ok_or(StoreError::NotFound)
    }

    async fn move_cursor(&self, consumer: &str, to: Position) -> Result<(), StoreError> {
        let name = consumer.to_owned();
        self.writer.write(move |group: &mut Group| move_cursor(group, &name, to)).await
    }

    async fn forget_changes(&self, limit: usize) -> Result<u64, StoreError> {
        self.writer.write(move |group: &mut Group| Ok(forget(group, limit as u64)?)).await
    }

    fn subscribe(&self, kinds: Kinds) -> Tail {
        self.tails.subscribe(kinds)
    }
}

impl Group {
    /// Whether a consumer or a tail wants changes of this kind. The caller asks before it makes a change for every
    /// message.
    pub(super) fn wants(&self, kind: Kind) -> bool {
        self.feed.wanted.has(kind) || self.feed.tails.want(kind)
    }

    /// Notes a change that this transaction makes. The tails get it when the transaction is committed, and never
    /// otherwise.
    pub(super) fn note(&mut self, at: Timestamp, owner: Option<Owner>, resource: Resource) {
        if let Some(owner) = owner {
            self.events.note(owner, at, &resource);
        }
        let feed = &mut self.feed;
        let position = feed.wanted.has(resource.kind()).then(|| {
            let log = feed.logs.entry(writer_number()).or_insert(Log { first: 1, last: 0 });
            log.last += 1;
            Position { writer: writer_number(), seq: log.last }
        });
        feed.noted.push(Change { position, at, owner, resource });
    }

    /// Writes the noted changes that consumers want. Part of every commit, and of whatever reads the log in order to
    /// change it.
    pub(super) fn write_changes(&mut self) -> rusqlite::Result<()> {
        let unwritten = &self.feed.noted[self.feed.written..];
        let Some(last) = unwritten.iter().rev().find_map(|change| change.position) else { return Ok(()) };
        let mut insert = self.connection.prepare_cached(INSERT)?;
        let mut octets = Vec::new();
        for change in unwritten {
            let Some(Position { writer, seq }) = change.position else { continue };
            octets.clear();
            facts::encode(&change.resource, &mut octets);
            let (account, test) = (
                change.owner.map(|owner| owner.account.to_bytes()),
                change.owner.map(|owner| rows::is_test(owner.mode)),
            );
            insert.execute(params![
                writer,
                seq,
                change.at.as_millis(),
                change.resource.kind().number(),
                account,
                test,
                octets
            ])?;
        }
        let sql =
            "INSERT INTO change_writers (writer, last) VALUES (?1, ?2) ON CONFLICT DO UPDATE SET last = excluded.last";
        self.connection.prepare_cached(sql)?.execute(params![last.writer, last.seq])?;
        self.feed.written = self.feed.noted.len();
        Ok(())
    }
}

const INSERT: &str =
    "INSERT INTO changes (writer, seq, at, kind, account_id, test, facts) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)";
const DROP: &str = "DELETE FROM changes WHERE writer = ?1 AND seq >= ?2 AND seq <= ?3";
const DROP_WRITER: &str = "DELETE FROM change_writers WHERE writer = ?1";
const DROP_CURSOR: &str = "DELETE FROM change_cursors WHERE consumer = ?1 AND writer = ?2";

/// Every statement of this file that maintenance runs.
#[cfg(test)]
pub(super) const MAINTENANCE: &[&str] = &[DROP, DROP_WRITER, DROP_CURSOR];

fn register(group: &mut Group, name: String, kinds: Kinds) -> rusqlite::Result<()> {
    // Those that calls before this one noted in the same transaction are not for a new consumer.
    group.write_changes()?;
    let sql =
        "INSERT INTO change_consumers (name, kinds) VALUES (?1, ?2) ON CONFLICT DO UPDATE SET kinds = excluded.kinds";
    group.connection.prepare_cached(sql)?.execute(params![name, kinds.bits()])?;
    let Group { connection, feed, .. } = group;
    match feed.consumers.get_mut(&name) {
        Some(known) => known.kinds = kinds,
        None => {
            let mut insert =
                connection.prepare_cached("INSERT INTO change_cursors (consumer, writer, seq) VALUES (?1, ?2, ?3)")?;
            for (writer, log) in &feed.logs {
                insert.execute(params![name, writer, log.last])?;
            }
            let cursor = feed.logs.iter().map(|(writer, log)| (*writer, log.last)).collect();
            feed.consumers.insert(name, Registered { kinds, cursor });
        }
    }
    feed.sum_up();
    Ok(())
}

fn remove(group: &mut Group, name: &str) -> rusqlite::Result<()> {
    for sql in ["DELETE FROM change_cursors WHERE consumer = ?1", "DELETE FROM change_consumers WHERE name = ?1"] {
        group.connection.prepare_cached(sql)?.execute([name])?;
    }
    group.feed.consumers.remove(name);
    group.feed.sum_up();
    Ok(())
}

fn move_cursor(group: &mut Group, name: &str, to: Position) -> Result<(), Fault> {
    let Group { connection, feed, .. } = group;
    let consumer = feed.consumers.get_mut(name).ok_or(Fault::Told(StoreError::NotFound))?;
    // What a consumer has seen was written; a number beyond it would let the consumer pass over what comes.
    let Some(log) = feed.logs.get(&to.writer) else { return Ok(()) };
    let (known, wanted) = (consumer.cursor.get(&to.writer).copied().unwrap_or(0), to.seq.min(log.last));
    if wanted > known {
        let sql = "INSERT INTO change_cursors (consumer, writer, seq) VALUES (?1, ?2, ?3) ON CONFLICT DO UPDATE SET \
            seq = excluded.seq";
        connection.prepare_cached(sql)?.execute(params![name, to.writer, wanted])?;
        consumer.cursor.insert(to.writer, wanted);
    }
    Ok(())
}

/// Drops what every consumer has passed. A writer that is gone goes with its last change.
fn forget(group: &mut Group, limit: u64) -> rusqlite::Result<u64> {
    group.write_changes()?;
    let Group { connection, feed, .. } = group;
    let mut left = limit;
    for (writer, log) in feed.logs.clone() {
        let end = feed.passed_by_all(writer, log).min((log.first - 1).saturating_add(left));
        if end >= log.first {
            connection.prepare_cached(DROP)?.execute(params![writer, log.first, end])?;
            left -= end + 1 - log.first;
            feed.logs.insert(writer, Log { first: end + 1, ..log });
        }
        if writer != writer_number() && end >= log.last {
            connection.prepare_cached(DROP_WRITER)?.execute([writer])?;
            for (name, consumer) in &mut feed.consumers {
                connection.prepare_cached(DROP_CURSOR)?.execute(params![name, writer])?;
                consumer.cursor.remove(&writer);
            }
            feed.logs.remove(&writer);
        }
    }
    Ok(limit - left)
}

fn consumers(connection: &Connection) -> rusqlite::Result<Vec<Consumer>> {
    let logs = logs(connection)?;
    let consumer = |(name, Registered { kinds, cursor }): (String, Registered)| {
        let behind = logs.iter().map(|(writer, log)| log.last - cursor.get(writer).copied().unwrap_or(0)).sum();
        Consumer {
            name,
            kinds,
            cursor: cursor.into_iter().map(|(writer, seq)| Position { writer, seq }).collect(),
            behind,
        }
    };
    Ok(registered(connection)?.into_iter().map(consumer).collect())
}

/// The next changes of the first writer of which the consumer has not passed everything; `None` for an unknown
/// consumer.
fn batch(connection: &Connection, name: &str, limit: usize) -> rusqlite::Result<Option<Batch>> {
    let kinds = connection
        .prepare_cached("SELECT kinds FROM change_consumers WHERE name = ?1")?
        .query_row([name], |row| row.get(0))
        .optional()?;
    let Some(kinds) = kinds.map(Kinds::from_bits) else { return Ok(None) };
    let next = "SELECT w.writer, coalesce(c.seq, 0) FROM change_writers w \
                LEFT JOIN change_cursors c ON c.consumer = ?1 AND c.writer = w.writer \
                WHERE w.last > coalesce(c.seq, 0) ORDER BY w.writer LIMIT 1";
    let next: Option<(u64, u64)> =
        connection.prepare_cached(next)?.query_row([name], |row| Ok((row.get(0)?, row.get(1)?))).optional()?;
    let mut batch = Batch { changes: Vec::new(), end: None };
    let Some((writer, after)) = next else { return Ok(Some(batch)) };
    let sql = "SELECT seq, at, kind, account_id, test, facts FROM changes WHERE writer = ?1 AND seq > ?2 ORDER BY seq \
        LIMIT ?3";
    let mut select = connection.prepare_cached(sql)?;
    let mut found = select.query(params![writer, after, limit])?;
    while let Some(row) = found.next()? {
        let position = Position { writer, seq: row.get(0)? };
        batch.end = Some(position);
        let kind: u8 = row.get(2)?;
        if Kind::ALL.iter().any(|known| known.number() == kind && kinds.has(*known)) {
            batch.changes.push(change(row, position)?);
        }
    }
    Ok(Some(batch))
}

fn change(row: &Row<'_>, position: Position) -> rusqlite::Result<Change> {
    let account = row.get::<_, Option<[u8; 16]>>(3)?.map(AccountId::from_bytes);
    let mode = row.get::<_, Option<bool>>(4)?.map(rows::mode_if_test);
    let owner = account.zip(mode).map(|(account, mode)| Owner { account, mode });
    let broken = || {
        rusqlite::Error::FromSqlConversionFailure(
            5,
            rusqlite::types::Type::Blob,
            "the facts of a change cannot be read".into(),
        )
    };
    let resource = facts::decode(row.get_ref(5)?.as_blob()?).ok_or_else(broken)?;
    Ok(Change { position: Some(position), at: rows::time(row, 1)?, owner, resource })
}

/// The mode of a message from before the column that says it.
pub(super) fn mode_of_message(connection: &Connection, account: [u8; 16], id: [u8; 16]) -> rusqlite::Result<Mode> {
    let sql = "SELECT mode FROM messages WHERE account_id = ?1 AND id = ?2";
    connection.prepare_cached(sql)?.query_row(params![account, id], |row| rows::word(row, 0, Mode::parse))
}
