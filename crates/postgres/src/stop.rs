//! The end of messages that wait for a handset that opts out.
//!
//! A transaction ends a bounded number of messages; where there are more, others follow. No message leaves meanwhile:
//! the opt-out is in force, and the transaction that begins an attempt finds it. So does one that is admitted at
//! another node at the same moment.

use std::collections::BTreeMap;

use model::{KeywordKind, MessageId, Msisdn, Originator};
use tokio_postgres::Row;
use uuid::Uuid;

use super::Postgres;
use super::fault::Fault;
use super::unit::Unit;
use super::{life, rows};
use ledger::StoreError;
use ledger::handsets::stop::{Stops, may_end};
use ledger::life::Life;

/// How many messages one transaction looks at.
const STEP: i64 = 500;

/// Found by the index of recipients first, however the planner thinks of the order of ids.
const WAITING: &str = "WITH waiting AS MATERIALIZED (SELECT message_id, recipient, originator FROM queue \
    WHERE recipient = ANY($1) AND account_id = $2 AND test = $3 AND message_id > $4) \
    SELECT message_id, recipient, originator FROM waiting ORDER BY message_id LIMIT $5";

const AUTOMATIC: &str = "SELECT id, automatic FROM messages WHERE id = ANY($1) AND id BETWEEN $2 AND $3 \
    AND automatic IS NOT NULL";

/// Messages that are still to be ended because of opt-outs of one owner.
#[derive(Clone, Debug)]
pub(super) struct Rest {
    stops: Stops,
    /// The last message that was looked at.
    after: Uuid,
}

/// Ends queued messages that opt-outs are about, unless an attempt of them is under way: as many as one transaction
/// may. Returns how many, and the rest.
pub(super) async fn end_queued(unit: &mut Unit, stops: Stops) -> Result<(u64, Option<Rest>), Fault> {
    step(unit, &Rest { stops, after: Uuid::nil() }).await
}

impl Postgres {
    /// Ends what one transaction had to leave. The opt-out is on record and stops it as well where this fails. Returns
    /// how many messages.
    pub(super) async fn end_rest_if_possible(&self, rest: Rest) -> u64 {
        let (mut rest, mut ended) = (Some(rest), 0);
        while let Some(some) = rest {
            match self.core.write(some, |unit, rest| Box::pin(step(unit, rest))).await {
                Ok((more, next)) => (ended, rest) = (ended + more, next),
                Err(error) => {
                    warn(&error);
                    break;
                }
            }
        }
        ended
    }
}

fn warn(error: &StoreError) {
    tracing::warn!(%error, "Could not fail the queued messages to a recipient that opted out at once; each fails when \
        it is due: {error}");
}

async fn step(unit: &mut Unit, rest: &Rest) -> Result<(u64, Option<Rest>), Fault> {
    let Rest { stops, after } = rest;
    let handsets: Vec<i64> = stops.handsets.keys().map(|number| number.to_u64().cast_signed()).collect();
    let account = rows::id(stops.owner.account.to_bytes());
    let values: [&(dyn tokio_postgres::types::ToSql + Sync); 5] =
        [&handsets, &account, &rows::is_test(stops.owner.mode), after, &STEP];
    let found = unit.query(WAITING, &values).await?;
    let waiting: Vec<(MessageId, Msisdn, Originator)> = found.iter().map(waiting).collect::<Result<_, _>>()?;
    let next = match waiting.last() {
        Some((last, ..)) if i64::try_from(waiting.len()).is_ok_and(|found| found == STEP) => {
            Some(Rest { stops: stops.clone(), after: rows::id(last.to_bytes()) })
        }
        _ => None,
    };
    let covered = waiting.into_iter().filter(|(_, recipient, originator)| stops.cover(*recipient, *originator));
    let ids = without_answers(unit, covered.map(|(id, ..)| id).collect()).await?;
    let mut lives: Vec<Life> = life::lock(unit, ids).await?.into_values().collect();
    lives.retain_mut(|life| stops.end(life));
    let ended = lives.len() as u64;
    life::save(unit, lives).await?;
    Ok((ended, next))
}

fn waiting(row: &Row) -> Result<(MessageId, Msisdn, Originator), Fault> {
    let number: i64 = rows::get(row, 1)?;
    let recipient = Msisdn::from_u64(number.cast_unsigned()).ok_or_else(|| rows::unknown(1, &number.to_string()))?;
    Ok((MessageId::from_bytes(rows::octets(row, 0)?), recipient, rows::originator(row, 2)?))
}

/// Those of these messages that are no automatic ones which go out all the same.
async fn without_answers(unit: &Unit, ids: Vec<MessageId>) -> Result<Vec<MessageId>, Fault> {
    let uuids: Vec<Uuid> = ids.iter().map(|id| rows::id(id.to_bytes())).collect();
    let (Some(low), Some(high)) = (uuids.iter().min(), uuids.iter().max()) else { return Ok(ids) };
    let mut automatic: BTreeMap<MessageId, Option<KeywordKind>> = BTreeMap::new();
    for row in unit.query(AUTOMATIC, &[&uuids, low, high]).await? {
        let kind = rows::word_if_any(&row, 1, KeywordKind::parse)?;
        automatic.insert(MessageId::from_bytes(rows::octets(&row, 0)?), kind);
    }
    Ok(ids.into_iter().filter(|id| may_end(automatic.get(id).copied().flatten())).collect())
}
