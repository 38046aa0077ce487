//! The consumers of the log of changes.

use async_trait::async_trait;

use super::change_rows::{self, WRITER};
use super::fault::Fault;
use super::unit::Unit;
use super::{Postgres, listeners, rows};
use ledger::StoreError;
use ledger::contract::changes::{Batch, Changes, Consumer, Kind, Kinds, Position, Tail};

#[async_trait]
impl Changes for Postgres {
    async fn register_consumer(&self, name: &str, kinds: Kinds) -> Result<(), StoreError> {
        let input = (name.to_owned(), kinds);
        self.core.write(input, |unit, (name, kinds)| Box::pin(register(unit, name, *kinds))).await
    }

    async fn remove_consumer(&self, name: &str) -> Result<(), StoreError> {
        self.core
            .write(name.to_owned(), |unit, name| Box::pin(async move { unit.execute(REMOVE, &[name]).await.map(drop) }))
            .await
    }

    async fn consumers(&self) -> Result<Vec<Consumer>, StoreError> {
        self.core.read((), |unit, ()| Box::pin(consumers(unit))).await
    }

    async fn changes(&self, consumer: &str, limit: usize) -> Result<Batch, StoreError> {
        let input = (consumer.to_owned(), limit);
        self.core.read(input, |unit, (name, limit)| Box::pin(batch(unit, name, *limit))).await
    }

    async fn move_cursor(&self, consumer: &str, to: Position) -> Result<(), StoreError> {
        let input = (consumer.to_owned(), to);
        self.core.write(input, |unit, (name, to)| Box::pin(move_cursor(unit, name, *to))).await
    }

    async fn forget_changes(&self, limit: usize) -> Result<u64, StoreError> {
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        self.core.write(limit, |unit, limit| Box::pin(async move { unit.execute(DROP, &[limit]).await })).await
    }

    fn subscribe(&self, kinds: Kinds) -> Tail {
        self.core.tails.subscribe(kinds)
    }
}

const KINDS: &str = "SELECT kinds, seq FROM change_consumers WHERE name = $1";
const REGISTER: &str = "INSERT INTO change_consumers (name, kinds, seq) VALUES ($1, $2, (SELECT last FROM change_log)) \
    ON CONFLICT (name) DO UPDATE SET kinds = excluded.kinds";
const REMOVE: &str = "DELETE FROM change_consumers WHERE name = $1";
const CONSUMERS: &str = "SELECT c.name, c.kinds, c.seq, l.last FROM change_consumers c CROSS JOIN change_log l \
    ORDER BY c.name COLLATE \"C\"";
const BATCH: &str = "SELECT seq, kind, at, account_id, test, facts FROM changes WHERE seq > $1 ORDER BY seq LIMIT $2";
/// What a consumer has seen was written; a number beyond it would let the consumer pass over what comes.
const MOVE: &str = "UPDATE change_consumers SET seq = greatest(seq, least($2, (SELECT last FROM change_log))) \
    WHERE name = $1";
const DROP: &str = "DELETE FROM changes WHERE seq = ANY(ARRAY(SELECT seq FROM changes WHERE seq <= \
    (SELECT coalesce(min(c.seq), (SELECT last FROM change_log)) FROM change_consumers c) ORDER BY seq LIMIT $1))";

async fn register(unit: &Unit, name: &str, kinds: Kinds) -> Result<(), Fault> {
    let bits = i64::from(kinds.bits());
    if let Some(known) = unit.find(KINDS, &[&name]).await?
        && rows::get::<i64>(&known, 0)? == bits
    {
        return Ok(());
    }
    listeners::begin(unit).await?;
    unit.execute(REGISTER, &[&name, &bits]).await.map(drop)
}

async fn consumers(unit: &Unit) -> Result<Vec<Consumer>, Fault> {
    let mut consumers = Vec::new();
    for row in unit.query(CONSUMERS, &[]).await? {
        let (seq, last): (u64, u64) = (rows::count(&row, 2)?, rows::count(&row, 3)?);
        consumers.push(Consumer {
            name: rows::get(&row, 0)?,
            kinds: Kinds::from_bits(rows::count(&row, 1)?),
            cursor: (seq > 0).then_some(Position { writer: WRITER, seq }).into_iter().collect(),
            behind: last - seq,
        });
    }
    Ok(consumers)
}

async fn batch(unit: &Unit, name: &str, limit: usize) -> Result<Batch, Fault> {
    let consumer = unit.find(KINDS, &[&name]).await?.ok_or(Fault::Told(StoreError::NotFound))?;
    let (kinds, after) = (Kinds::from_bits(rows::count(&consumer, 0)?), rows::get::<i64>(&consumer, 1)?);
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    let mut batch = Batch { changes: Vec::new(), end: None };
    for row in unit.query(BATCH, &[&after, &limit]).await? {
        let (seq, kind): (i64, i16) = (rows::get(&row, 0)?, rows::get(&row, 1)?);
        batch.end = Some(Position { writer: WRITER, seq: seq.cast_unsigned() });
        if Kind::ALL.iter().any(|known| i16::from(known.number()) == kind && kinds.has(*known)) {
            batch.changes.push(change_rows::change(&row, 2, Some(seq))?);
        }
    }
    Ok(batch)
}

async fn move_cursor(unit: &Unit, name: &str, to: Position) -> Result<(), Fault> {
    let seq = if to.writer == WRITER { i64::try_from(to.seq).unwrap_or(i64::MAX) } else { 0 };
    match unit.execute(MOVE, &[&name, &seq]).await? {
        0 => Err(Fault::Told(StoreError::NotFound)),
        _ => Ok(()),
    }
}
