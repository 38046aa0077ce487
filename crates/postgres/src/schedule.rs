//! Messages that leave later.

use async_trait::async_trait;
use model::{MessageId, Moment, Status, Timestamp};
use tokio_postgres::Row;

use super::fault::Fault;
use super::unit::Unit;
use super::{Postgres, life, living, rows, screening};
use ledger::StoreError;
use ledger::contract::nodes::Epoch;
use ledger::contract::schedule::{DueMessage, Launch, Launched, Schedule};
use ledger::verdict::Ending;

#[async_trait]
impl Schedule for Postgres {
    async fn scheduled_until(
        &self,
        now: Timestamp,
        after: Option<(Timestamp, MessageId)>,
        limit: usize,
    ) -> Result<Vec<DueMessage>, StoreError> {
        self.core
            .read((now, after, rows::limit(limit)), |unit, (now, after, limit)| {
                Box::pin(scheduled_until(unit, *now, *after, *limit))
            })
            .await
    }

    async fn launch(&self, node: Epoch, launches: Vec<Launch>, now: Moment) -> Result<Vec<Launched>, StoreError> {
        self.core
            .write((node, launches, now), |unit, (node, launches, now)| Box::pin(launch(unit, *node, launches, *now)))
            .await
    }
}

/// The present moment by the clock of the node, or by the one of the database if that is behind.
pub(super) async fn earlier(unit: &Unit, now: Timestamp) -> Result<Timestamp, Fault> {
    Ok(now.min(unit.shared_now(now).await?))
}

async fn scheduled_until(
    unit: &Unit,
    now: Timestamp,
    after: Option<(Timestamp, MessageId)>,
    limit: i64,
) -> Result<Vec<DueMessage>, Fault> {
    let sql = format!(
        "SELECT s.message_id, s.send_at, {} FROM (SELECT message_id, send_at FROM schedule WHERE send_at <= $1 \
         AND (send_at, message_id) > ($3, $4) ORDER BY send_at, message_id LIMIT $2) s \
         LEFT JOIN LATERAL (SELECT m.* FROM messages m WHERE m.id = s.message_id OFFSET 0) m ON true \
         ORDER BY s.send_at, s.message_id",
        rows::MESSAGE
    );
    let now = earlier(unit, now).await?.as_millis();
    let (send_at, id) = after.unwrap_or((Timestamp::from_millis(i64::MIN), MessageId::from_bytes([0; 16])));
    let found = unit.query(&sql, &[&now, &limit, &send_at.as_millis(), &rows::id(id.to_bytes())]).await?;
    let due = |row: &Row| {
        let (id, send_at) = (MessageId::from_bytes(rows::octets(row, 0)?), rows::time(row, 1)?);
        Ok(DueMessage { id, send_at, message: rows::message(row, 2).ok() })
    };
    found.iter().map(due).collect()
}

/// Of two nodes that launch a message, the second one waits for the row that the first one has locked, and finds that
/// it is scheduled no more.
async fn launch(unit: &mut Unit, node: Epoch, launches: &[Launch], now: Moment) -> Result<Vec<Launched>, Fault> {
    living::require(unit, node).await?;
    let mut lives = life::lock(unit, launches.iter().map(|launch| launch.id)).await?;
    let (mut changed, mut launched) = (Vec::new(), Vec::new());
    for Launch { id, decision, found } in launches {
        let Some(mut life) = lives.remove(id) else { continue };
        if life.launch(decision, now) {
            changed.push(life);
            let has_recorded = match found {
                Some(found) => screening::insert_if_new(unit, found).await?,
                None => false,
            };
            launched.push(Launched { id: *id, has_recorded });
        }
    }
    life::save(unit, changed).await?;
    Ok(launched)
}

/// Ends messages whose time has come, instead of queueing them. Returns how many.
pub(super) async fn end_due(unit: &mut Unit, ending: Ending, now: Timestamp, limit: usize) -> Result<usize, Fault> {
    let sql = "SELECT message_id FROM schedule WHERE send_at <= $1 ORDER BY send_at LIMIT $2";
    let due = unit.query(sql, &[&earlier(unit, now).await?.as_millis(), &rows::limit(limit)]).await?;
    let ids = due.iter().map(|row| rows::octets(row, 0).map(MessageId::from_bytes));
    let mut lives = life::lock(unit, ids.collect::<Result<Vec<_>, Fault>>()?).await?;
    // Another node may have queued one before it was locked.
    lives.retain(|_, life| life.delivery.status == Status::Scheduled && ending.apply(life, now));
    let count = lives.len();
    life::save(unit, lives.into_values().collect()).await?;
    Ok(count)
}
