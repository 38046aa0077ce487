//! Operators, their links and their sessions.
//!
//! Whoever changes an operator has its row locked, and so has whoever adds a link or begins a session: none of them is
//! left behind by a change that ends them all.

use async_trait::async_trait;
use model::key::SecretDigest;
use model::{Operator, OperatorName, PasswordHash, Role, Session, Timestamp};
use tokio_postgres::Row;

use super::fault::Fault;
use super::unit::Unit;
use super::{Postgres, rows};
use ledger::StoreError;
use ledger::contract::operators::{OperatorChange, Operators, Proof};
use ledger::operating::changed_operator;
use ledger::turns::{Reader, Work};

#[async_trait]
impl Operators for Postgres {
    async fn create_operator(&self, operator: Operator) -> Result<(), StoreError> {
        self.core.write(operator, |unit, operator| Box::pin(create(unit, operator))).await
    }

    async fn operator(&self, name: &OperatorName) -> Result<Option<Operator>, StoreError> {
        self.core
            .read_for(Reader::Operator, Work::One, name.clone(), |unit, name| Box::pin(find(unit, name, ONE)))
            .await
    }

    async fn operators(&self, after: Option<OperatorName>, limit: usize) -> Result<Vec<Operator>, StoreError> {
        self.core
            .read_for(Reader::Operator, Work::Page, (after, limit), |unit, (after, limit)| {
                Box::pin(page(unit, after.as_ref(), *limit))
            })
            .await
    }

    async fn change_operator(
        &self,
        name: &OperatorName,
        change: OperatorChange,
        now: Timestamp,
    ) -> Result<Operator, StoreError> {
        self.core
            .write((name.clone(), change, now), |unit, (name, given, now)| {
                Box::pin(change_one(unit, name, given, *now))
            })
            .await
    }

    async fn create_link(
        &self,
        digest: SecretDigest,
        name: &OperatorName,
        expires_at: Timestamp,
    ) -> Result<(), StoreError> {
        self.core
            .write((digest, name.clone(), expires_at), |unit, (digest, name, expires_at)| {
                Box::pin(link(unit, *digest, name, *expires_at))
            })
            .await
    }

    async fn begin_session(
        &self,
        proof: Proof,
        digest: SecretDigest,
        now: Timestamp,
    ) -> Result<Option<Operator>, StoreError> {
        self.core
            .write((proof, digest, now), |unit, (proof, digest, now)| Box::pin(begin(unit, proof, *digest, *now)))
            .await
    }

    async fn session(&self, digest: SecretDigest, now: Timestamp) -> Result<Option<Session>, StoreError> {
        self.core
            .read_for(Reader::Operator, Work::One, (digest, now), |unit, (digest, now)| {
                Box::pin(look(unit, *digest, *now))
            })
            .await
    }

    async fn see_session(&self, digest: SecretDigest, now: Timestamp) -> Result<(), StoreError> {
        self.core
            .write((digest, now), |unit, (digest, now)| {
                Box::pin(async move { unit.execute(SEE, &[&&digest.to_bytes()[..], &now.as_millis()]).await.map(drop) })
            })
            .await
    }

    async fn end_session(&self, digest: SecretDigest) -> Result<Option<OperatorName>, StoreError> {
        self.core
            .write(digest, |unit, digest| {
                Box::pin(async move {
                    let ended = unit.find(END, &[&&digest.to_bytes()[..]]).await?;
                    ended.map(|row| rows::word(&row, 0, |text| text.parse().ok())).transpose()
                })
            })
            .await
    }

    async fn forget_sign_ins(&self, now: Timestamp, limit: usize) -> Result<u64, StoreError> {
        self.core.write((now, limit), |unit, (now, limit)| Box::pin(forget(unit, *now, *limit))).await
    }
}

macro_rules! select {
    ($rest:literal) => {
        concat!("SELECT o.name, o.role, o.password, o.created_at, o.disabled_at FROM operators o ", $rest)
    };
}

const ONE: &str = select!("WHERE o.name = $1");
const LOCKED: &str = select!("WHERE o.name = $1 FOR UPDATE");
const SHARED: &str = select!("WHERE o.name = $1 FOR SHARE");
const PAGE: &str = select!("WHERE o.name > $1 ORDER BY o.name LIMIT $2");
const INSERT: &str = "INSERT INTO operators (name, role, password, created_at, disabled_at) \
    VALUES ($1, $2, $3, $4, $5) ON CONFLICT DO NOTHING";
const UPDATE: &str = "UPDATE operators SET role = $2, password = $3, disabled_at = $4 WHERE name = $1";
const LINK: &str = "INSERT INTO operator_links (digest, operator, expires_at) VALUES ($1, $2, $3)";
const LINK_OF: &str = "SELECT operator FROM operator_links WHERE digest = $1";
const USE_LINK: &str = "DELETE FROM operator_links WHERE digest = $1 RETURNING expires_at";
const BEGIN: &str = "INSERT INTO operator_sessions (digest, operator, began_at, seen_at) VALUES ($1, $2, $3, $3)";
const SESSION: &str = "SELECT o.name, o.role, o.password, o.created_at, o.disabled_at, s.began_at, s.seen_at \
    FROM operator_sessions s JOIN operators o ON o.name = s.operator WHERE s.digest = $1";
const SEE: &str = "UPDATE operator_sessions SET seen_at = greatest(seen_at, $2) WHERE digest = $1";
const END: &str = "DELETE FROM operator_sessions WHERE digest = $1 RETURNING operator";
const END_LINKS: &str = "DELETE FROM operator_links WHERE operator = $1";
const END_SESSIONS: &str = "DELETE FROM operator_sessions WHERE operator = $1";
/// What another transaction has locked is left to the next call.
const FORGET_LINKS: &str = "DELETE FROM operator_links WHERE digest = ANY(ARRAY(SELECT digest FROM operator_links \
    WHERE expires_at <= $1 ORDER BY expires_at LIMIT $2 FOR UPDATE SKIP LOCKED))";
const FORGET_SESSIONS: &str = "DELETE FROM operator_sessions WHERE digest = ANY(ARRAY(SELECT digest \
    FROM operator_sessions WHERE seen_at <= $1 ORDER BY seen_at LIMIT $2 FOR UPDATE SKIP LOCKED))";

async fn find(unit: &Unit, name: &OperatorName, sql: &str) -> Result<Option<Operator>, Fault> {
    unit.find(sql, &[&name.as_str()]).await?.as_ref().map(operator).transpose()
}

async fn page(unit: &Unit, after: Option<&OperatorName>, limit: usize) -> Result<Vec<Operator>, Fault> {
    let after = after.map_or("", OperatorName::as_str);
    unit.query(PAGE, &[&after, &rows::limit(limit)]).await?.iter().map(operator).collect()
}

async fn create(unit: &Unit, operator: &Operator) -> Result<(), Fault> {
    let inserted = unit
        .execute(
            INSERT,
            &[
                &operator.name.as_str(),
                &operator.role.as_str(),
                &operator.password.as_ref().map(PasswordHash::as_str),
                &operator.created_at.as_millis(),
                &rows::millis(operator.disabled_at),
            ],
        )
        .await?;
    if inserted == 0 { Err(Fault::Told(StoreError::AlreadyExists)) } else { Ok(()) }
}

async fn change_one(
    unit: &Unit,
    name: &OperatorName,
    change: &OperatorChange,
    now: Timestamp,
) -> Result<Operator, Fault> {
    let known = find(unit, name, LOCKED).await?.ok_or(Fault::Told(StoreError::NotFound))?;
    let changed = changed_operator(&known, change.clone(), now);
    if changed != known {
        let password = changed.password.as_ref().map(PasswordHash::as_str);
        let disabled_at = rows::millis(changed.disabled_at);
        unit.execute(UPDATE, &[&name.as_str(), &changed.role.as_str(), &password, &disabled_at]).await?;
        unit.execute(END_LINKS, &[&name.as_str()]).await?;
        unit.execute(END_SESSIONS, &[&name.as_str()]).await?;
    }
    Ok(changed)
}

/// An operator who may sign in, and whom nobody changes before this transaction is over.
async fn able(unit: &Unit, name: &OperatorName) -> Result<Option<Operator>, Fault> {
    Ok(find(unit, name, SHARED).await?.filter(|operator| operator.disabled_at.is_none()))
}

async fn link(unit: &Unit, digest: SecretDigest, name: &OperatorName, expires_at: Timestamp) -> Result<(), Fault> {
    able(unit, name).await?.ok_or(Fault::Told(StoreError::NotFound))?;
    let digest = digest.to_bytes();
    unit.execute(LINK, &[&&digest[..], &name.as_str(), &expires_at.as_millis()]).await.map(drop)
}

async fn begin(unit: &Unit, proof: &Proof, digest: SecretDigest, now: Timestamp) -> Result<Option<Operator>, Fault> {
    let proven = match proof {
        Proof::Link(link) => use_link(unit, *link, now).await?,
        Proof::Password(name, hash) => {
            able(unit, name).await?.filter(|operator| operator.password.as_ref() == Some(hash))
        }
    };
    if let Some(operator) = &proven {
        let digest = digest.to_bytes();
        unit.execute(BEGIN, &[&&digest[..], &operator.name.as_str(), &now.as_millis()]).await?;
    }
    Ok(proven)
}

/// Uses a link up. Its operator, if it is good. The operator's row is locked first, as by those who end its links.
async fn use_link(unit: &Unit, link: SecretDigest, now: Timestamp) -> Result<Option<Operator>, Fault> {
    let digest = link.to_bytes();
    let Some(found) = unit.find(LINK_OF, &[&&digest[..]]).await? else { return Ok(None) };
    let name: OperatorName = rows::word(&found, 0, |text| text.parse().ok())?;
    let operator = able(unit, &name).await?;
    let Some(used) = unit.find(USE_LINK, &[&&digest[..]]).await? else { return Ok(None) };
    let expires_at = rows::time(&used, 0)?;
    Ok(operator.filter(|_| now < expires_at))
}

async fn look(unit: &Unit, digest: SecretDigest, now: Timestamp) -> Result<Option<Session>, Fault> {
    let digest = digest.to_bytes();
    let found = unit.find(SESSION, &[&&digest[..]]).await?;
    let session = found.as_ref().map(session).transpose()?;
    Ok(session.filter(|session| !session.is_over(now)))
}

async fn forget(unit: &Unit, now: Timestamp, limit: usize) -> Result<u64, Fault> {
    let (limit, idle_since) = (rows::limit(limit), now - model::operator::SESSION_IDLE);
    let links = unit.execute(FORGET_LINKS, &[&now.as_millis(), &limit]).await?;
    let sessions = unit.execute(FORGET_SESSIONS, &[&idle_since.as_millis(), &limit]).await?;
    Ok(links.max(sessions))
}

fn operator(row: &Row) -> Result<Operator, Fault> {
    let password: Option<&str> = rows::get(row, 2)?;
    Ok(Operator {
        name: rows::word(row, 0, |text| text.parse().ok())?,
        role: rows::word(row, 1, Role::parse)?,
        password: password.map(PasswordHash::from_text),
        created_at: rows::time(row, 3)?,
        disabled_at: rows::time_if_any(row, 4)?,
    })
}

fn session(row: &Row) -> Result<Session, Fault> {
    Ok(Session { operator: operator(row)?, began_at: rows::time(row, 5)?, seen_at: rows::time(row, 6)? })
}
