//! Holding a database that was restored, and releasing it.

use std::collections::HashSet;

use async_trait::async_trait;
use model::{Moment, Timestamp};

use super::dispatch::end;
use super::fault::Fault;
use super::nodes::take_latch;
use super::unit::Unit;
use super::{Postgres, peppers, rows, schedule};
use ledger::contract::holds::{Hold, Holds, RUNNING, Waiting};
use ledger::contract::nodes::Epoch;
use ledger::verdict::Ending;
use ledger::{Standing, StoreError};

#[async_trait]
impl Holds for Postgres {
    async fn hold(&self, hold: Hold, now: Timestamp) -> Result<(), StoreError> {
        self.core.write((hold, now), |unit, (hold, now)| Box::pin(begin(unit, *hold, *now))).await
    }

    async fn held(&self) -> Result<Option<Hold>, StoreError> {
        self.core.read((), |unit, ()| Box::pin(held(unit))).await
    }

    async fn release_hold(&self) -> Result<bool, StoreError> {
        self.core
            .write((), |unit, ()| Box::pin(async move { Ok(unit.execute("DELETE FROM holds", &[]).await? > 0) }))
            .await
    }

    async fn waiting_in_all(&self, now: Timestamp) -> Result<Waiting, StoreError> {
        self.core.read(now, |unit, now| Box::pin(waiting(unit, *now))).await
    }

    async fn end_queued(&self, node: Epoch, now: Moment, limit: usize) -> Result<usize, StoreError> {
        self.core
            .write((node, now, limit), |unit, (node, now, limit)| {
                Box::pin(async move {
                    let ended = end(unit, *node, *now, &HashSet::new(), Ending::ByOperator, *limit).await?;
                    Ok(ended + schedule::end_due(unit, Ending::ByOperator, now.wall, *limit - ended).await?)
                })
            })
            .await
    }
}

/// A node that joins waits for this, and this for one that joins.
async fn begin(unit: &Unit, hold: Hold, now: Timestamp) -> Result<(), Fault> {
    take_latch(unit).await?;
    let living = "SELECT EXISTS (SELECT 1 FROM nodes WHERE NOT is_over AND ends_at > $1)";
    let now = unit.shared_now(now).await?.as_millis();
    if rows::get(&unit.one(living, &[&now]).await?, 0)? {
        return Err(Fault::Told(StoreError::Refused(RUNNING.to_owned())));
    }
    let sql = "INSERT INTO holds (id, since, backed_up_at) VALUES (1, $1, $2) \
        ON CONFLICT (id) DO UPDATE SET since = excluded.since, backed_up_at = excluded.backed_up_at";
    unit.execute(sql, &[&hold.since.as_millis(), &hold.backed_up_at.as_millis()]).await.map(drop)
}

async fn held(unit: &Unit) -> Result<Option<Hold>, Fault> {
    let found = unit.find("SELECT since, backed_up_at FROM holds", &[]).await?;
    found.map(|row| Ok(Hold { since: rows::time(&row, 0)?, backed_up_at: rows::time(&row, 1)? })).transpose()
}

async fn waiting(unit: &Unit, now: Timestamp) -> Result<Waiting, Fault> {
    let queue = unit.one("SELECT count(*), count(attempt_began) FROM queue", &[]).await?;
    let sql = "SELECT count(*), coalesce(sum(packed - next_index), 0)::bigint FROM broadcast_progress \
        WHERE status IN ('queued', 'sending')";
    let open = unit.one(sql, &[]).await?;
    let sql = "SELECT count(*) FILTER (WHERE send_at > $1), count(*) FILTER (WHERE send_at <= $1) FROM schedule";
    let schedule = unit.one(sql, &[&schedule::earlier(unit, now).await?.as_millis()]).await?;
    Ok(Waiting {
        queued: rows::count(&queue, 0)?,
        under_way: rows::count(&queue, 1)?,
        broadcasts: rows::count(&open, 0)?,
        recipients: rows::count(&open, 1)?,
        scheduled: rows::count(&schedule, 0)?,
        overdue: rows::count(&schedule, 1)?,
    })
}

impl Postgres {
    /// The standing of this store.
    pub(super) async fn look_at_standing(&self, now: Timestamp) -> Result<Standing, StoreError> {
        self.core
            .read(now, |unit, now| {
                Box::pin(async move {
                    Ok(Standing {
                        hold: held(unit).await?,
                        pepper: peppers::current(unit).await?,
                        has_keys: peppers::has_keys(unit).await?,
                        keys_of_other_peppers: peppers::of_others(unit, *now).await?,
                    })
                })
            })
            .await
    }
}
