//! The records of kept media.
//!
//! Whoever names kept media has their row locked until the commit, and so has whoever removes it: what is removed,
//! nobody can name any more, and what was named by then is needed.

use std::collections::BTreeSet;

use async_trait::async_trait;
use model::media::{Digest, StoredMedia};
use model::{MediaId, MediaType, Timestamp};
use tokio_postgres::Row;
use uuid::Uuid;

use super::fault::Fault;
use super::unit::Unit;
use super::{Postgres, rows};
use ledger::StoreError;
use ledger::contract::media::{MediaRecords, SweptMedia};

/// The columns of media, for [`stored`].
const COLUMNS: &str = "id, kind, digest, bytes, stored_at";

#[async_trait]
impl MediaRecords for Postgres {
    async fn find_media(&self, digest: Digest, kind: MediaType) -> Result<Option<MediaId>, StoreError> {
        let find = "SELECT id FROM media WHERE digest = $1 AND kind = $2 ORDER BY id DESC LIMIT 1";
        self.core
            .read((digest, kind), |unit, (digest, kind)| {
                Box::pin(async move {
                    let found = unit.find(find, &[&digest.0.as_slice(), &kind.as_str()]).await?;
                    found.map(|row| rows::octets(&row, 0).map(MediaId::from_bytes)).transpose()
                })
            })
            .await
    }

    async fn media(&self, id: MediaId) -> Result<Option<StoredMedia>, StoreError> {
        self.core
            .read(id, |unit, id| {
                Box::pin(async move {
                    let sql = format!("SELECT {COLUMNS} FROM media WHERE id = $1");
                    unit.find(&sql, &[&rows::id(id.to_bytes())]).await?.as_ref().map(stored).transpose()
                })
            })
            .await
    }

    async fn sweep_media(
        &self,
        after: Option<MediaId>,
        now: Timestamp,
        unneeded_since: Timestamp,
        limit: usize,
    ) -> Result<SweptMedia, StoreError> {
        let look = Look { after, now, unneeded_since, limit };
        self.core.write(look, |unit, look| Box::pin(sweep(unit, look))).await
    }

    async fn has_object(&self, id: MediaId) -> Result<bool, StoreError> {
        let look = "SELECT EXISTS (SELECT 1 FROM media WHERE id = $1) \
            OR EXISTS (SELECT 1 FROM inbound_media WHERE media_id = $1)";
        self.core
            .read(id, |unit, id| {
                Box::pin(async move { rows::get(&unit.one(look, &[&rows::id(id.to_bytes())]).await?, 0) })
            })
            .await
    }

    async fn sweep_inbound_media(&self, limit: usize) -> Result<Vec<String>, StoreError> {
        let take = "DELETE FROM inbound_objects_gone WHERE name = ANY(ARRAY(SELECT name FROM inbound_objects_gone \
            ORDER BY name LIMIT $1 FOR UPDATE SKIP LOCKED)) RETURNING name";
        self.core
            .write(limit, |unit, limit| {
                Box::pin(async move {
                    let taken = unit.query(take, &[&limit_of(*limit)]).await?;
                    let mut names: Vec<String> = taken.iter().map(|row| rows::get(row, 0)).collect::<Result<_, _>>()?;
                    names.sort_unstable();
                    Ok(names)
                })
            })
            .await
    }
}

fn limit_of(limit: usize) -> i64 {
    i64::try_from(limit).unwrap_or(i64::MAX)
}

/// Locks media that messages name, and notes that they are needed again. Returns those that are kept.
pub(super) async fn name(unit: &Unit, named: BTreeSet<Uuid>) -> Result<BTreeSet<Uuid>, Fault> {
    if named.is_empty() {
        return Ok(named);
    }
    let lock = "SELECT id, unneeded_since IS NOT NULL FROM media WHERE id = ANY($1) ORDER BY id FOR NO KEY UPDATE";
    let found = unit.query(lock, &[&named.into_iter().collect::<Vec<_>>()]).await?;
    let mut kept = BTreeSet::new();
    let mut unneeded = Vec::new();
    for row in &found {
        let id: Uuid = rows::get(row, 0)?;
        kept.insert(id);
        if rows::get(row, 1)? {
            unneeded.push(id);
        }
    }
    need(unit, &unneeded).await?;
    Ok(kept)
}

/// Keeps media that messages bring.
pub(super) async fn keep(unit: &Unit, brought: &[&StoredMedia]) -> Result<(), Fault> {
    if brought.is_empty() {
        return Ok(());
    }
    let sql = "INSERT INTO media (id, digest, kind, bytes, stored_at) \
        SELECT * FROM unnest($1::uuid[], $2::bytea[], $3::text[], $4::bigint[], $5::bigint[])";
    let ids: Vec<Uuid> = brought.iter().map(|media| rows::id(media.id.to_bytes())).collect();
    let digests: Vec<&[u8]> = brought.iter().map(|media| media.digest.0.as_slice()).collect();
    let kinds: Vec<&str> = brought.iter().map(|media| media.kind.as_str()).collect();
    let bytes: Vec<i64> = brought.iter().map(|media| media.bytes.cast_signed()).collect();
    let stored: Vec<i64> = brought.iter().map(|media| media.stored_at.as_millis()).collect();
    unit.execute(sql, &[&ids, &digests, &kinds, &bytes, &stored]).await.map(drop)
}

/// Somebody needs these media again, whose rows are locked.
async fn need(unit: &Unit, ids: &[Uuid]) -> Result<(), Fault> {
    if ids.is_empty() {
        return Ok(());
    }
    unit.execute("UPDATE media SET unneeded_since = NULL WHERE id = ANY($1)", &[&ids]).await.map(drop)
}

/// A look at some of the kept media.
struct Look {
    after: Option<MediaId>,
    now: Timestamp,
    unneeded_since: Timestamp,
    limit: usize,
}

async fn sweep(unit: &Unit, look: &Look) -> Result<SweptMedia, Fault> {
    let after = rows::id(look.after.map_or([0; 16], MediaId::to_bytes));
    let looked: Vec<Uuid> = unit
        .query("SELECT id FROM media WHERE id > $1 ORDER BY id LIMIT $2", &[&after, &limit_of(look.limit)])
        .await?
        .iter()
        .map(|row| rows::get(row, 0))
        .collect::<Result<_, _>>()?;
    let next = looked.last().filter(|_| looked.len() == look.limit).map(|id| MediaId::from_bytes(id.into_bytes()));
    let locked = lock(unit, &looked).await?;
    let needed = needed(unit, &looked).await?;
    let mut swept = SweptMedia { removed: Vec::new(), next };
    let (mut again, mut no_more, mut gone) = (Vec::new(), Vec::new(), Vec::new());
    for (media, unneeded) in locked {
        let id = rows::id(media.id.to_bytes());
        match unneeded {
            _ if needed.contains(&id) => again.extend(unneeded.map(|_| id)),
            Some(since) if since <= look.unneeded_since => {
                gone.push(id);
                swept.removed.push(media);
            }
            Some(_) => {}
            None => no_more.push(id),
        }
    }
    need(unit, &again).await?;
    if !no_more.is_empty() {
        let sql = "UPDATE media SET unneeded_since = $2 WHERE id = ANY($1)";
        unit.execute(sql, &[&no_more, &look.now.as_millis()]).await?;
    }
    remove(unit, &gone).await?;
    Ok(swept)
}

/// Locks media. Who named them by then has committed, and whoever names them later waits.
async fn lock(unit: &Unit, ids: &[Uuid]) -> Result<Vec<(StoredMedia, Option<Timestamp>)>, Fault> {
    let sql = format!("SELECT {COLUMNS}, unneeded_since FROM media WHERE id = ANY($1) ORDER BY id FOR UPDATE");
    let locked = unit.query(&sql, &[&ids]).await?;
    locked.iter().map(|row| Ok((stored(row)?, rows::time_if_any(row, 5)?))).collect()
}

/// Those of these media that a message carries which waits, or of which a broadcast may still make one.
async fn needed(unit: &Unit, ids: &[Uuid]) -> Result<BTreeSet<Uuid>, Fault> {
    let sql = "SELECT n.id FROM unnest($1::uuid[]) AS n(id) WHERE EXISTS (SELECT 1 FROM queue WHERE media_id = n.id) \
        OR EXISTS (SELECT 1 FROM schedule WHERE media_id = n.id) \
        OR EXISTS (SELECT 1 FROM broadcasts b JOIN broadcast_progress p ON p.broadcast_id = b.id \
        WHERE b.media_id = n.id AND p.status IN ('queued', 'sending'))";
    unit.query(sql, &[&ids]).await?.iter().map(|row| rows::get(row, 0)).collect()
}

async fn remove(unit: &Unit, ids: &[Uuid]) -> Result<(), Fault> {
    if ids.is_empty() {
        return Ok(());
    }
    unit.execute("DELETE FROM media WHERE id = ANY($1)", &[&ids]).await.map(drop)
}

/// Keeps these media no longer, unless a queued message or an open broadcast needs them. Returns those whose bytes can
/// go.
pub(super) async fn drop_unneeded(
    unit: &Unit,
    ids: impl IntoIterator<Item = MediaId>,
) -> Result<Vec<StoredMedia>, Fault> {
    let ids: BTreeSet<Uuid> = ids.into_iter().map(|id| rows::id(id.to_bytes())).collect();
    let ids: Vec<Uuid> = ids.into_iter().collect();
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let locked = lock(unit, &ids).await?;
    let needed = needed(unit, &ids).await?;
    let unneeded = locked.into_iter().map(|(media, _)| media);
    let unneeded: Vec<StoredMedia> =
        unneeded.filter(|media| !needed.contains(&rows::id(media.id.to_bytes()))).collect();
    let gone: Vec<Uuid> = unneeded.iter().map(|media| rows::id(media.id.to_bytes())).collect();
    remove(unit, &gone).await?;
    Ok(unneeded)
}

fn stored(row: &Row) -> Result<StoredMedia, Fault> {
    let digest: &[u8] = rows::get(row, 2)?;
    Ok(StoredMedia {
        id: MediaId::from_bytes(rows::octets(row, 0)?),
        kind: rows::word(row, 1, MediaType::parse)?,
        digest: Digest(digest.try_into().map_err(|_| rows::unknown(2, "a digest of another length"))?),
        bytes: rows::count(row, 3)?,
        stored_at: rows::time(row, 4)?,
    })
}
