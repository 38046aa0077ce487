//! The audit log.

use async_trait::async_trait;
use model::{
    ActorKind, AuditActor, AuditEntry, AuditId, AuditOutcome, AuditRecord, ErasureCounts, Msisdn, Timestamp, Via,
};
use tokio_postgres::Row;
use uuid::Uuid;

use super::fault::Fault;
use super::unit::Unit;
use super::{Postgres, rows};
use ledger::StoreError;
use ledger::audited::{self, ENTRIES, LOOKED_AT, Texts};
use ledger::contract::audit::{Audit, AuditFilter, AuditPage};
use ledger::contract::erase::AuditOf;
use ledger::turns::{Reader, Work};

#[async_trait]
impl Audit for Postgres {
    async fn begin_audit(&self, entry: AuditEntry) -> Result<(), StoreError> {
        self.core.write(entry, |unit, entry| Box::pin(begin(unit, entry))).await
    }

    async fn end_audit(&self, id: AuditId, outcome: AuditOutcome) -> Result<(), StoreError> {
        self.core.write((id, outcome), |unit, (id, outcome)| Box::pin(end(unit, *id, outcome))).await
    }

    async fn audit(&self, filter: AuditFilter, after: Option<AuditId>, limit: usize) -> Result<AuditPage, StoreError> {
        self.core
            .read_for(Reader::Operator, Work::Page, (filter, after, limit), |unit, (filter, after, limit)| {
                Box::pin(page(unit, filter, *after, *limit))
            })
            .await
    }

    async fn audit_record(&self, id: AuditId) -> Result<Option<AuditRecord>, StoreError> {
        self.core
            .read_for(Reader::Operator, Work::One, id, |unit, id| {
                Box::pin(async move { unit.find(ONE, &[&uuid(*id)]).await?.as_ref().map(record).transpose() })
            })
            .await
    }

    async fn forget_audit(&self, before: Timestamp, limit: usize) -> Result<u64, StoreError> {
        self.core.write((before, limit), |unit, (before, limit)| Box::pin(forget(unit, *before, *limit))).await
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

const ONE: &str = select!("WHERE l.id = $1");
const ALL: &str = select!(
    "WHERE l.id >= $1 AND l.id < $2 AND starts_with(l.path, $3) AND $4::text IS NULL ORDER BY l.id DESC LIMIT $5"
);
const OF: &str = select!(
    "WHERE l.actor = $4::text AND l.id >= $1 AND l.id < $2 AND starts_with(l.path, $3) ORDER BY l.id DESC LIMIT $5"
);
/// The last entry that a page looks at.
const LAST: &str = "SELECT id FROM audit_log WHERE id >= $1 AND id < $2 AND $3::text IS NULL ORDER BY id DESC LIMIT 1 \
    OFFSET $4";
const LAST_OF: &str = "SELECT id FROM audit_log WHERE actor = $3::text AND id >= $1 AND id < $2 ORDER BY id DESC \
    LIMIT 1 OFFSET $4";
const BEGIN: &str = "INSERT INTO audit_log (id, at, actor_kind, actor, address, via, method, route, path, request, \
    before) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11) ON CONFLICT DO NOTHING";
/// The lock keeps the entry until its outcome is there.
const IS_KNOWN: &str = "SELECT 1 FROM audit_log WHERE id = $1 FOR SHARE";
const END: &str = "INSERT INTO audit_outcomes (id, at, status, after) VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING";
const OLD: &str = "SELECT id FROM audit_log WHERE id < $1 ORDER BY id LIMIT $2 FOR UPDATE SKIP LOCKED";
const FORGET: &str = "DELETE FROM audit_log WHERE id = ANY($1)";
const FORGET_OUTCOMES: &str = "DELETE FROM audit_outcomes WHERE id = ANY($1)";
const TEXTS: &str = "SELECT l.id, l.path, l.request, l.before, o.after FROM audit_log l \
    LEFT JOIN audit_outcomes o ON o.id = l.id WHERE l.id > $1 ORDER BY l.id LIMIT $2";
const LOCK: &str = "SELECT id FROM audit_log WHERE id = ANY($1) ORDER BY id FOR UPDATE";
const TEXTS_OF: &str = "SELECT l.id, l.path, l.request, l.before, o.after FROM audit_log l \
    LEFT JOIN audit_outcomes o ON o.id = l.id WHERE l.id = ANY($1) ORDER BY l.id";
const BLANK: &str = "UPDATE audit_log SET path = $2, request = $3, before = $4 WHERE id = $1";
const BLANK_OUTCOME: &str = "UPDATE audit_outcomes SET after = $2 WHERE id = $1";

const fn uuid(id: AuditId) -> Uuid {
    rows::id(id.to_bytes())
}

async fn begin(unit: &Unit, entry: &AuditEntry) -> Result<(), Fault> {
    let (kind, address, via) = audited::entry_words(entry);
    let kept = |text: &Option<std::sync::Arc<str>>| text.as_deref().map(|text| rows::kept(text).into_owned());
    let inserted = unit
        .execute(
            BEGIN,
            &[
                &uuid(entry.id),
                &entry.at.as_millis(),
                &kind,
                &rows::kept(&entry.actor.name),
                &address,
                &via,
                &rows::kept(&entry.method),
                &rows::kept(&entry.route),
                &rows::kept(&entry.path),
                &kept(&entry.request),
                &kept(&entry.before),
            ],
        )
        .await?;
    if inserted == 0 { Err(Fault::Told(StoreError::AlreadyExists)) } else { Ok(()) }
}

async fn end(unit: &Unit, id: AuditId, outcome: &AuditOutcome) -> Result<(), Fault> {
    unit.find(IS_KNOWN, &[&uuid(id)]).await?.ok_or(Fault::Told(StoreError::NotFound))?;
    let after = outcome.after.as_deref().map(rows::kept);
    let values: super::unit::Values<'_> = &[&uuid(id), &outcome.at.as_millis(), &i64::from(outcome.status), &after];
    unit.execute(END, values).await.map(drop)
}

async fn page(unit: &Unit, filter: &AuditFilter, after: Option<AuditId>, limit: usize) -> Result<AuditPage, Fault> {
    let (low, high) = audited::bounds(filter, after);
    let (last, all) = if filter.actor.is_some() { (LAST_OF, OF) } else { (LAST, ALL) };
    let actor = filter.actor.as_deref().map(rows::kept);
    let last = unit.find(last, &[&uuid(low), &uuid(high), &actor, &rows::limit(LOOKED_AT - 1)]).await?;
    let last = last.map(|row| rows::octets(&row, 0).map(AuditId::from_bytes)).transpose()?;
    let prefix = rows::kept(filter.path.as_deref().unwrap_or_default());
    let low = uuid(last.unwrap_or(low));
    let found = unit.query(all, &[&low, &uuid(high), &prefix, &actor, &rows::limit(limit + 1)]).await?;
    let records = found.iter().map(record).collect::<Result<_, _>>()?;
    Ok(audited::page(records, limit, last))
}

async fn forget(unit: &Unit, before: Timestamp, limit: usize) -> Result<u64, Fault> {
    let old = unit.query(OLD, &[&uuid(AuditId::lowest_at(before)), &rows::limit(limit)]).await?;
    let ids: Vec<Uuid> = old.iter().map(|row| rows::get(row, 0)).collect::<Result<_, _>>()?;
    if !ids.is_empty() {
        unit.execute(FORGET_OUTCOMES, &[&ids]).await?;
        unit.execute(FORGET, &[&ids]).await?;
    }
    Ok(ids.len() as u64)
}

fn record(row: &Row) -> Result<AuditRecord, Fault> {
    let text = |at| rows::text(row, at).map(Into::into);
    let entry = AuditEntry {
        id: AuditId::from_bytes(rows::octets(row, 0)?),
        at: rows::time(row, 1)?,
        actor: AuditActor { kind: rows::word(row, 2, ActorKind::parse)?, name: text(3)? },
        address: rows::word_if_any(row, 4, |text| text.parse().ok())?,
        via: rows::word(row, 5, Via::parse)?,
        method: text(6)?,
        route: text(7)?,
        path: text(8)?,
        request: rows::text_if_any(row, 9)?.map(Into::into),
        before: rows::text_if_any(row, 10)?.map(Into::into),
    };
    let status: Option<i64> = rows::get(row, 12)?;
    let status = status.and_then(|status| status.try_into().ok());
    Ok(AuditRecord {
        entry,
        outcome: audited::outcome(rows::time_if_any(row, 11)?, status, rows::text_if_any(row, 13)?),
    })
}

fn texts(row: &Row) -> Result<(AuditId, Texts), Fault> {
    let texts = Texts {
        path: rows::text(row, 1)?,
        request: rows::text_if_any(row, 2)?,
        before: rows::text_if_any(row, 3)?,
        after: rows::text_if_any(row, 4)?,
    };
    Ok((AuditId::from_bytes(rows::octets(row, 0)?), texts))
}

/// Which of the next entries mention a number.
pub(super) async fn mentions(unit: &Unit, number: Msisdn, after: Option<AuditId>) -> Result<AuditOf, Fault> {
    let after = uuid(after.unwrap_or(AuditId::from_bytes([0; 16])));
    let looked = unit.query(TEXTS, &[&after, &rows::limit(ENTRIES)]).await?;
    Ok(audited::mentions(looked.iter().map(texts).collect::<Result<_, _>>()?, number))
}

/// Takes a number out of these entries.
pub(super) async fn erase(unit: &Unit, number: Msisdn, entries: &[AuditId]) -> Result<(ErasureCounts, ()), Fault> {
    let ids: Vec<Uuid> = entries.iter().map(|id| uuid(*id)).collect();
    unit.query(LOCK, &[&ids]).await?;
    for row in unit.query(TEXTS_OF, &[&ids]).await? {
        let (id, mut texts) = texts(&row)?;
        if texts.forget(number) {
            let kept = |text: &Option<String>| text.as_deref().map(|text| rows::kept(text).into_owned());
            let (path, request, before) = (rows::kept(&texts.path), kept(&texts.request), kept(&texts.before));
            unit.execute(BLANK, &[&uuid(id), &path, &request, &before]).await?;
            unit.execute(BLANK_OUTCOME, &[&uuid(id), &kept(&texts.after)]).await?;
        }
    }
    Ok((ErasureCounts::default(), ()))
}
