//! The rows of a new broadcast.

use std::collections::BTreeMap;
use std::sync::Arc;

use model::{Broadcast, BroadcastId, MediaId};
use uuid::Uuid;

use super::super::fault::Fault;
use super::super::unit::{Doing, Unit};
use super::super::{broadcast_records, rows};
use super::{Made, Payload};
use ledger::contract::admission::{Admission, NewBroadcast};
use ledger::contract::nodes::Epoch;
use ledger::packing::{CHUNK, pack, pack_values};

impl Payload for NewBroadcast {
    type Made = Broadcast;

    fn made(&self) -> Made {
        let Broadcast { id, media, created_at, .. } = *self.broadcast;
        let recipients = self.recipients.len() as u64;
        Made { owner: self.broadcast.owner(), id: id.to_bytes(), media, recipients, created_at }
    }

    fn insert<'u>(unit: &'u Unit, new: &'u [&'u Admission<Self>]) -> Doing<'u, ()> {
        Box::pin(async move {
            for Admission { payload, node, .. } in new {
                let Self { broadcast, recipients, .. } = payload;
                tokio::try_join!(
                    biased;
                    insert_facts(unit, broadcast),
                    insert_progress(unit, broadcast, recipients.len(), *node),
                    insert_chunks(unit, broadcast.id, payload)
                )?;
            }
            Ok(())
        })
    }

    fn remove<'u>(unit: &'u Unit, ids: Vec<Uuid>) -> Doing<'u, ()> {
        Box::pin(async move {
            unit.execute("DELETE FROM broadcasts WHERE id = ANY($1)", &[&ids]).await?;
            unit.execute("DELETE FROM broadcast_progress WHERE broadcast_id = ANY($1)", &[&ids]).await?;
            unit.execute("DELETE FROM broadcast_chunks WHERE broadcast_id = ANY($1)", &[&ids]).await.map(drop)
        })
    }

    fn note<'u>(&'u self, unit: &'u mut Unit) -> Doing<'u, ()> {
        Box::pin(broadcast_records::note(unit, self.broadcast.id, self.broadcast.created_at))
    }

    fn load<'u>(unit: &'u Unit, ids: Vec<Uuid>) -> Doing<'u, BTreeMap<Uuid, Arc<Broadcast>>> {
        Box::pin(async move {
            let mut found = BTreeMap::new();
            for id in ids {
                let record = broadcast_records::load(unit, None, BroadcastId::from_bytes(id.into_bytes())).await?;
                found.extend(record.map(|record| (id, record.broadcast)));
            }
            Ok(found)
        })
    }
}

async fn insert_facts(unit: &Unit, broadcast: &Broadcast) -> Result<(), Fault> {
    let sql = "INSERT INTO broadcasts (id, account_id, test, kind, originator, body, media_url, media_id, encoding, \
        segments, total, blocked, client_reference, created_at, expires_at) \
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)";
    unit.execute(
        sql,
        &[
            &rows::id(broadcast.id.to_bytes()),
            &rows::id(broadcast.account.to_bytes()),
            &rows::is_test(broadcast.mode),
            &broadcast.kind.as_str(),
            &rows::address(broadcast.originator),
            &broadcast.body.as_deref().map(rows::kept),
            &broadcast.media_url.as_deref().map(rows::kept),
            &broadcast.media.map(MediaId::to_bytes).map(rows::id),
            &broadcast.encoding.name(),
            &i32::from(broadcast.segments),
            &i64::from(broadcast.total),
            &i64::from(broadcast.blocked),
            &broadcast.client_reference.as_deref(),
            &broadcast.created_at.as_millis(),
            &broadcast.expires_at.as_millis(),
        ],
    )
    .await
    .map(drop)
}

async fn insert_progress(unit: &Unit, broadcast: &Broadcast, packed: usize, owner: Epoch) -> Result<(), Fault> {
    let sql = "INSERT INTO broadcast_progress (broadcast_id, account_id, test, status, owner, packed, next_index, \
        skipped, queued) VALUES ($1, $2, $3, $4, $5, $6, 0, $7, $6)";
    unit.execute(
        sql,
        &[
            &rows::id(broadcast.id.to_bytes()),
            &rows::id(broadcast.account.to_bytes()),
            &rows::is_test(broadcast.mode),
            &broadcast.status_at_acceptance().as_str(),
            &rows::epoch_number(owner),
            &i64::try_from(packed).unwrap_or(i64::MAX),
            &i64::from(broadcast.blocked),
        ],
    )
    .await
    .map(drop)
}

async fn insert_chunks(unit: &Unit, id: BroadcastId, new: &NewBroadcast) -> Result<(), Fault> {
    let sql = "INSERT INTO broadcast_chunks (broadcast_id, first, recipients, variables) \
        SELECT $1, * FROM unnest($2::bigint[], $3::bytea[], $4::text[])";
    let chunks: Vec<Vec<u8>> = new.recipients.as_numbers().chunks(CHUNK).map(pack).collect();
    let first: Vec<i64> = (0..).step_by(CHUNK).take(chunks.len()).collect();
    let mut values: Vec<Option<String>> = new.values.chunks(CHUNK).map(pack_values).collect();
    values.resize(chunks.len(), None);
    unit.execute(sql, &[&rows::id(id.to_bytes()), &first, &chunks, &values]).await.map(drop)
}
