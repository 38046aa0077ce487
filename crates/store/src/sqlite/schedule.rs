//! Messages that leave later.

use std::sync::Arc;

use async_trait::async_trait;
use model::message::Message;
use model::{MessageId, Moment, Timestamp};
use rusqlite::{Connection, params};

use super::Sqlite;
use super::life;
use super::messages::load_message;
use super::screening::insert_if_new;
use super::writer::Group;
use crate::StoreError;
use crate::contract::nodes::Epoch;
use crate::contract::schedule::{Launch, Launched, Schedule};
use crate::verdict::Ending;

#[async_trait]
impl Schedule for Sqlite {
    async fn scheduled_until(&self, now: Timestamp, limit: usize) -> Result<Vec<Arc<Message>>, StoreError> {
        self.readers.read(move |connection| scheduled_until(connection, now, limit)).await
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
const DUE: &str = "SELECT account_id, message_id FROM delivery INDEXED BY delivery_scheduled \
    WHERE status = 'scheduled' AND due_at <= ?1 ORDER BY due_at LIMIT ?2";

/// Every statement of this file that maintenance runs.
#[cfg(test)]
pub(super) const MAINTENANCE: &[&str] = &[DUE];

/// The accounts and the ids of messages whose time has come.
fn due(connection: &Connection, now: Timestamp, limit: usize) -> rusqlite::Result<Vec<([u8; 16], [u8; 16])>> {
    let mut select = connection.prepare_cached(DUE)?;
    select.query_map(params![now.as_millis(), limit], |row| Ok((row.get(0)?, row.get(1)?)))?.collect()
}

fn scheduled_until(connection: &Connection, now: Timestamp, limit: usize) -> rusqlite::Result<Vec<Arc<Message>>> {
    due(connection, now, limit)?.iter().map(|(account, id)| load_message(connection, account, id)).collect()
}

/// Ends messages whose time has come, instead of queueing them. Returns how many.
pub(super) fn end_due(group: &mut Group, ending: Ending, now: Timestamp, limit: usize) -> rusqlite::Result<usize> {
    let mut ended = 0;
    for (_, id) in due(&group.connection, now, limit)? {
        let Some(mut life) = life::load(&group.connection, MessageId::from_bytes(id))? else { continue };
        if ending.apply(&mut life, now) {
            life::save(group, &life)?;
            ended += 1;
        }
    }
    Ok(ended)
}
