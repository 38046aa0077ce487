//! Messages that leave later.

use std::sync::Arc;

use async_trait::async_trait;
use model::message::Message;
use model::{MessageId, Moment, Status, Timestamp};

use super::fault::Fault;
use super::unit::Unit;
use super::{Postgres, life, living, rows, screening};
use crate::StoreError;
use crate::contract::nodes::Epoch;
use crate::contract::schedule::{Launch, Launched, Schedule};
use crate::verdict::Ending;

#[async_trait]
impl Schedule for Postgres {
    async fn scheduled_until(&self, now: Timestamp, limit: usize) -> Result<Vec<Arc<Message>>, StoreError> {
        self.core
            .read((now, rows::limit(limit)), |unit, (now, limit)| Box::pin(scheduled_until(unit, *now, *limit)))
            .await
    }

    async fn launch(&self, node: Epoch, launches: Vec<Launch>, now: Moment) -> Result<Vec<Launched>, StoreError> {
        self.core
            .write((node, launches, now), |unit, (node, launches, now)| Box::pin(launch(unit, *node, launches, *now)))
            .await
    }
}

async fn scheduled_until(unit: &Unit, now: Timestamp, limit: i64) -> Result<Vec<Arc<Message>>, Fault> {
    let sql = format!(
        "SELECT {} FROM (SELECT message_id, send_at FROM schedule WHERE send_at <= $1 ORDER BY send_at LIMIT $2) s \
         JOIN LATERAL (SELECT m.* FROM messages m WHERE m.id = s.message_id OFFSET 0) m ON true ORDER BY s.send_at",
        rows::MESSAGE
    );
    let found = unit.query(&sql, &[&now.as_millis(), &limit]).await?;
    found.iter().map(|row| rows::message(row, 0)).collect()
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
    let due = unit.query(sql, &[&now.as_millis(), &rows::limit(limit)]).await?;
    let ids = due.iter().map(|row| rows::octets(row, 0).map(MessageId::from_bytes));
    let mut lives = life::lock(unit, ids.collect::<Result<Vec<_>, Fault>>()?).await?;
    // Another node may have queued one before it was locked.
    lives.retain(|_, life| life.delivery.status == Status::Scheduled && ending.apply(life, now));
    let count = lives.len();
    life::save(unit, lives.into_values().collect()).await?;
    Ok(count)
}
