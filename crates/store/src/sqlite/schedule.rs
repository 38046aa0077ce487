//! Messages that leave later.

use async_trait::async_trait;
use model::{MessageId, Moment, Timestamp};
use rusqlite::{Connection, Row, params};

use super::Sqlite;
use super::life;
use super::messages::load_message;
use super::rows;
use super::screening::insert_if_new;
use super::writer::Group;
use ledger::StoreError;
use ledger::contract::nodes::Epoch;
use ledger::contract::schedule::{DueMessage, Launch, Launched, Schedule};
use ledger::verdict::Ending;

#[async_trait]
impl Schedule for Sqlite {
    async fn scheduled_until(
        &self,
        now: Timestamp,
        after: Option<(Timestamp, MessageId)>,
        limit: usize,
    ) -> Result<Vec<DueMessage>, StoreError> {
        self.readers.read(move |connection| scheduled_until(connection, now, after, limit)).await
    }

    async fn launch(&self, node: Epoch, launches: Vec<Launch>, now: Moment) -> Result<Vec<Launched>, StoreError> {
        let write = move |group: &mut Group| {
            group.living.require(node)?;
            let mut launched = Vec::new();
            for Launch { id, decision, found } in &launches {
                let Some(mut life) = life::load(&group.connection, *id)? else { continue };
                if life.launch(decision, now) {
                    life::save(group, &life)?;
                    let has_recorded = found.as_ref().map(|found| insert_if_new(group, found)).transpose()?;
                    launched.push(Launched { id: *id, has_recorded: has_recorded == Some(true) });
                }
            }
            Ok(launched)
        };
        self.writer.write(write).await
    }
}

/// A scheduled message is due at a time of day, all others in steady time.
const DUE: &str = "SELECT account_id, message_id, due_at FROM delivery INDEXED BY delivery_scheduled \
    WHERE status = 'scheduled' AND due_at <= ?1 AND (due_at, message_id) > (?3, ?4) ORDER BY due_at, message_id \
    LIMIT ?2";

/// Every statement of this file that maintenance runs.
#[cfg(test)]
pub(super) const MAINTENANCE: &[&str] = &[DUE];

/// A row of [`DUE`].
struct DueRow {
    account: [u8; 16],
    id: [u8; 16],
    send_at: Timestamp,
}

fn due(
    connection: &Connection,
    now: Timestamp,
    after: Option<(Timestamp, MessageId)>,
    limit: usize,
) -> rusqlite::Result<Vec<DueRow>> {
    let (send_at, id) = after.unwrap_or((Timestamp::from_millis(i64::MIN), MessageId::from_bytes([0; 16])));
    let values = params![now.as_millis(), limit, send_at.as_millis(), id.to_bytes()];
    let read = |row: &Row<'_>| Ok(DueRow { account: row.get(0)?, id: row.get(1)?, send_at: rows::time(row, 2)? });
    connection.prepare_cached(DUE)?.query_map(values, read)?.collect()
}

fn scheduled_until(
    connection: &Connection,
    now: Timestamp,
    after: Option<(Timestamp, MessageId)>,
    limit: usize,
) -> rusqlite::Result<Vec<DueMessage>> {
    let read = |DueRow { account, id, send_at }| {
        let message = match load_message(connection, &account, &id) {
            Ok(message) => Some(message),
            Err(error @ rusqlite::Error::SqliteFailure(..)) => return Err(error),
            // What is in the row cannot be read, or there is none.
            Err(_) => None,
        };
        Ok(DueMessage { id: MessageId::from_bytes(id), send_at, message })
    };
    due(connection, now, after, limit)?.into_iter().map(read).collect()
}

/// Ends messages whose time has come, instead of queueing them. Returns how many.
pub(super) fn end_due(group: &mut Group, ending: Ending, now: Timestamp, limit: usize) -> rusqlite::Result<usize> {
    let mut ended = 0;
    for DueRow { id, .. } in due(&group.connection, now, None, limit)? {
        let Some(mut life) = life::load(&group.connection, MessageId::from_bytes(id))? else { continue };
        if ending.apply(&mut life, now) {
            life::save(group, &life)?;
            ended += 1;
        }
    }
    Ok(ended)
}
