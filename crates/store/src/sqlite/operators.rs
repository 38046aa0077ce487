//! Operators, their links and their sessions.

use async_trait::async_trait;
use model::key::SecretDigest;
use model::{Operator, OperatorName, PasswordHash, Role, Session, Timestamp};
use rusqlite::{Connection, OptionalExtension, Row, params};

use super::Sqlite;
use super::fault::Fault;
use super::rows;
use super::writer::Group;
use ledger::StoreError;
use ledger::contract::operators::{OperatorChange, Operators, Proof};
use ledger::operating::changed_operator;
use ledger::turns::{Reader, Work};

#[async_trait]
impl Operators for Sqlite {
    async fn create_operator(&self, operator: Operator) -> Result<(), StoreError> {
        let write = move |group: &mut Group| match insert(&group.connection, &operator)? {
            0 => Err(Fault::Told(StoreError::AlreadyExists)),
            _ => Ok(()),
        };
        self.writer.write(write).await
    }

    async fn operator(&self, name: &OperatorName) -> Result<Option<Operator>, StoreError> {
        let name = name.clone();
        self.readers.read_for(Reader::Operator, Work::One, move |connection| find(connection, &name)).await
    }

    async fn operators(&self, after: Option<OperatorName>, limit: usize) -> Result<Vec<Operator>, StoreError> {
        let list = move |connection: &Connection| {
            let after = after.as_ref().map_or("", OperatorName::as_str);
            connection.prepare_cached(PAGE)?.query_map(params![after, limit], operator)?.collect()
        };
        self.readers.read_for(Reader::Operator, Work::Page, list).await
    }

    async fn change_operator(
        &self,
        name: &OperatorName,
        change: OperatorChange,
        now: Timestamp,
    ) -> Result<Operator, StoreError> {
        let name = name.clone();
        let write = move |group: &mut Group| {
            let connection = &group.connection;
            let known = find(connection, &name)?.ok_or(Fault::Told(StoreError::NotFound))?;
            let changed = changed_operator(&known, change, now);
            if changed != known {
                update(connection, &changed)?;
                for end in [END_LINKS, END_SESSIONS] {
                    connection.prepare_cached(end)?.execute([name.as_str()])?;
                }
            }
            Ok(changed)
        };
        self.writer.write(write).await
    }

    async fn create_link(
        &self,
        digest: SecretDigest,
        name: &OperatorName,
        expires_at: Timestamp,
    ) -> Result<(), StoreError> {
        let name = name.clone();
        let write = move |group: &mut Group| {
            let operator = find(&group.connection, &name)?.filter(|operator| operator.disabled_at.is_none());
            operator.ok_or(Fault::Told(StoreError::NotFound))?;
            let values = params![digest.to_bytes(), name.as_str(), expires_at.as_millis()];
            group.connection.prepare_cached(LINK)?.execute(values)?;
            Ok(())
        };
        self.writer.write(write).await
    }

    async fn begin_session(
        &self,
        proof: Proof,
        digest: SecretDigest,
        now: Timestamp,
    ) -> Result<Option<Operator>, StoreError> {
        let write = move |group: &mut Group| {
            let connection = &group.connection;
            let proven = match &proof {
                Proof::Link(link) => use_link(connection, *link, now)?,
                Proof::Password(name, hash) => {
                    find(connection, name)?.filter(|operator| operator.password.as_ref() == Some(hash))
                }
            };
            let proven = proven.filter(|operator| operator.disabled_at.is_none());
            if let Some(operator) = &proven {
                let values = params![digest.to_bytes(), operator.name.as_str(), now.as_millis()];
                connection.prepare_cached(BEGIN)?.execute(values)?;
            }
            Ok(proven)
        };
        self.writer.write(write).await
    }

    async fn session(&self, digest: SecretDigest, now: Timestamp) -> Result<Option<Session>, StoreError> {
        let look = move |connection: &Connection| {
            let found = connection.prepare_cached(SESSION)?.query_row([digest.to_bytes()], session).optional()?;
            Ok(found.filter(|session| !session.is_over(now)))
        };
        self.readers.read_for(Reader::Operator, Work::One, look).await
    }

    async fn see_session(&self, digest: SecretDigest, now: Timestamp) -> Result<(), StoreError> {
        let write = move |group: &mut Group| {
            group.connection.prepare_cached(SEE)?.execute(params![digest.to_bytes(), now.as_millis()])?;
            Ok(())
        };
        self.writer.write(write).await
    }

    async fn end_session(&self, digest: SecretDigest) -> Result<Option<OperatorName>, StoreError> {
        let write = move |group: &mut Group| {
            let mut end = group.connection.prepare_cached(END)?;
            Ok(end.query_row([digest.to_bytes()], |row| rows::word(row, 0, |text| text.parse().ok())).optional()?)
        };
        self.writer.write(write).await
    }

    async fn forget_sign_ins(&self, now: Timestamp, limit: usize) -> Result<u64, StoreError> {
        let write = move |group: &mut Group| {
            let idle_since = now - model::operator::SESSION_IDLE;
            let connection = &group.connection;
            let links = connection.prepare_cached(FORGET_LINKS)?.execute(params![now.as_millis(), limit])?;
            let sessions =
                connection.prepare_cached(FORGET_SESSIONS)?.execute(params![idle_since.as_millis(), limit])?;
            Ok(links.max(sessions) as u64)
        };
        self.writer.write(write).await
    }
}

macro_rules! select {
    ($rest:literal) => {
        concat!("SELECT o.name, o.role, o.password, o.created_at, o.disabled_at FROM operators o ", $rest)
    };
}

const ONE: &str = select!("WHERE o.name = ?1");
const PAGE: &str = select!("WHERE o.name > ?1 ORDER BY o.name LIMIT ?2");
const INSERT: &str =
    "INSERT OR IGNORE INTO operators (name, role, password, created_at, disabled_at) VALUES (?1, ?2, ?3, ?4, ?5)";
const UPDATE: &str = "UPDATE operators SET role = ?2, password = ?3, disabled_at = ?4 WHERE name = ?1";
const LINK: &str = "INSERT INTO operator_links (digest, operator, expires_at) VALUES (?1, ?2, ?3)";
const USE_LINK: &str = "DELETE FROM operator_links WHERE digest = ?1 RETURNING operator, expires_at";
const BEGIN: &str = "INSERT INTO operator_sessions (digest, operator, began_at, seen_at) VALUES (?1, ?2, ?3, ?3)";
const SESSION: &str = "SELECT o.name, o.role, o.password, o.created_at, o.disabled_at, s.began_at, s.seen_at \
    FROM operator_sessions s CROSS JOIN operators o ON o.name = s.operator WHERE s.digest = ?1";
const SEE: &str = "UPDATE operator_sessions SET seen_at = max(seen_at, ?2) WHERE digest = ?1";
const END: &str = "DELETE FROM operator_sessions WHERE digest = ?1 RETURNING operator";
const END_LINKS: &str = "DELETE FROM operator_links WHERE operator = ?1";
const END_SESSIONS: &str = "DELETE FROM operator_sessions WHERE operator = ?1";
const FORGET_LINKS: &str = "DELETE FROM operator_links WHERE digest IN (SELECT digest FROM operator_links \
    WHERE expires_at <= ?1 ORDER BY expires_at LIMIT ?2)";
const FORGET_SESSIONS: &str = "DELETE FROM operator_sessions WHERE digest IN (SELECT digest FROM operator_sessions \
    WHERE seen_at <= ?1 ORDER BY seen_at LIMIT ?2)";

/// Every statement that maintenance runs, or a request.
#[cfg(test)]
pub(super) const MAINTENANCE: &[&str] =
    &[ONE, PAGE, UPDATE, USE_LINK, SESSION, SEE, END, END_LINKS, END_SESSIONS, FORGET_LINKS, FORGET_SESSIONS];

fn find(connection: &Connection, name: &OperatorName) -> rusqlite::Result<Option<Operator>> {
    connection.prepare_cached(ONE)?.query_row([name.as_str()], operator).optional()
}

fn insert(connection: &Connection, operator: &Operator) -> rusqlite::Result<usize> {
    connection.prepare_cached(INSERT)?.execute(params![
        operator.name.as_str(),
        operator.role.as_str(),
        operator.password.as_ref().map(PasswordHash::as_str),
        operator.created_at.as_millis(),
        operator.disabled_at.map(Timestamp::as_millis),
    ])
}

fn update(connection: &Connection, operator: &Operator) -> rusqlite::Result<usize> {
    connection.prepare_cached(UPDATE)?.execute(params![
        operator.name.as_str(),
        operator.role.as_str(),
        operator.password.as_ref().map(PasswordHash::as_str),
        operator.disabled_at.map(Timestamp::as_millis),
    ])
}

/// Uses a link up. Its operator, if it is good.
fn use_link(connection: &Connection, link: SecretDigest, now: Timestamp) -> rusqlite::Result<Option<Operator>> {
    let read = |row: &Row<'_>| Ok((rows::word(row, 0, |text| text.parse::<OperatorName>().ok())?, rows::time(row, 1)?));
    let used = connection.prepare_cached(USE_LINK)?.query_row([link.to_bytes()], read).optional()?;
    match used {
        Some((name, expires_at)) if now < expires_at => find(connection, &name),
        _ => Ok(None),
    }
}

fn operator(row: &Row<'_>) -> rusqlite::Result<Operator> {
    let password: Option<String> = row.get(2)?;
    Ok(Operator {
        name: rows::word(row, 0, |text| text.parse().ok())?,
        role: rows::word(row, 1, Role::parse)?,
        password: password.as_deref().map(PasswordHash::from_text),
        created_at: rows::time(row, 3)?,
        disabled_at: rows::time_if_any(row, 4)?,
    })
}

fn session(row: &Row<'_>) -> rusqlite::Result<Session> {
    Ok(Session { operator: operator(row)?, began_at: rows::time(row, 5)?, seen_at: rows::time(row, 6)? })
}
