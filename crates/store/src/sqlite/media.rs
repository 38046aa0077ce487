//! Which media are kept, and for how long.

use async_trait::async_trait;
use model::media::{Digest, StoredMedia};
use model::{MediaId, MediaType, Timestamp};
use rusqlite::{Connection, OptionalExtension, Row, params};

use super::Sqlite;
use super::rows;
use super::writer::Group;
use ledger::StoreError;
use ledger::contract::media::{MediaRecords, SweptMedia};

/// The columns of [`stored`].
const COLUMNS: &str = "id, kind, digest, bytes, stored_at";

#[async_trait]
impl MediaRecords for Sqlite {
    async fn find_media(&self, digest: Digest, kind: MediaType) -> Result<Option<MediaId>, StoreError> {
        let find = move |connection: &Connection| {
            let sql = "SELECT id FROM media WHERE digest = ?1 AND kind = ?2 ORDER BY id DESC LIMIT 1";
            connection
                .prepare_cached(sql)?
                .query_row(params![digest.0, kind.as_str()], |row| row.get(0).map(MediaId::from_bytes))
                .optional()
        };
        self.readers.read(find).await
    }

    async fn media(&self, id: MediaId) -> Result<Option<StoredMedia>, StoreError> {
        let sql = format!("SELECT {COLUMNS} FROM media WHERE id = ?1");
        self.readers
            .read(move |connection| connection.prepare_cached(&sql)?.query_row([id.to_bytes()], stored).optional())
            .await
    }

    async fn sweep_media(
        &self,
        after: Option<MediaId>,
        now: Timestamp,
        unneeded_since: Timestamp,
        limit: usize,
    ) -> Result<SweptMedia, StoreError> {
        self.writer.write(move |group| Ok(sweep(&group.connection, after, now, unneeded_since, limit)?)).await
    }

    async fn has_object(&self, id: MediaId) -> Result<bool, StoreError> {
        let look = move |connection: &Connection| {
            let name = [id.to_bytes()];
            Ok(connection.prepare_cached("SELECT 1 FROM media WHERE id = ?1")?.exists(name)?
                || connection.prepare_cached(HAS_FILE)?.exists(name)?)
        };
        self.readers.read(look).await
    }

    async fn sweep_inbound_media(&self, limit: usize) -> Result<Vec<String>, StoreError> {
        let gone = move |connection: &Connection| {
            let mut select = connection.prepare_cached(GONE)?;
            select.query_map([limit], |row| row.get(0))?.collect::<rusqlite::Result<Vec<String>>>()
        };
        if self.readers.read(gone).await?.is_empty() {
            return Ok(Vec::new());
        }
        let take = move |group: &mut Group| {
            let names = gone(&group.connection)?;
            for name in &names {
                group.connection.prepare_cached(FORGET_GONE)?.execute([name])?;
            }
            Ok(names)
        };
        self.writer.write(take).await
    }
}

const HAS_FILE: &str = "SELECT 1 FROM inbound_media WHERE media_id = ?1";
const GONE: &str = "SELECT name FROM inbound_objects_gone WHERE name > '' ORDER BY name LIMIT ?1";
const FORGET_GONE: &str = "DELETE FROM inbound_objects_gone WHERE name = ?1";

/// Statements about files of inbound messages.
#[cfg(test)]
pub(super) const MAINTENANCE: &[&str] = &[HAS_FILE, GONE, FORGET_GONE];

/// Whether a message may name these media: it brings them, or they are kept.
pub(super) fn can_carry(
    connection: &Connection,
    named: Option<MediaId>,
    brought: Option<&StoredMedia>,
) -> rusqlite::Result<bool> {
    match (named, brought) {
        (Some(id), None) => connection.prepare_cached("SELECT 1 FROM media WHERE id = ?1")?.exists([id.to_bytes()]),
        _ => Ok(true),
    }
}

/// Keeps the media that a message names.
pub(super) fn carry(
    connection: &Connection,
    named: Option<MediaId>,
    brought: Option<&StoredMedia>,
) -> rusqlite::Result<()> {
    match (named, brought) {
        (_, Some(media)) => keep(connection, media),
        (Some(id), None) => need(connection, id),
        (None, None) => Ok(()),
    }
}

fn keep(connection: &Connection, media: &StoredMedia) -> rusqlite::Result<()> {
    let sql = "INSERT INTO media (id, digest, kind, bytes, stored_at) VALUES (?1, ?2, ?3, ?4, ?5)";
    let values =
        params![media.id.to_bytes(), media.digest.0, media.kind.as_str(), media.bytes, media.stored_at.as_millis()];
    connection.prepare_cached(sql)?.execute(values)?;
    Ok(())
}

/// Somebody needs media again.
fn need(connection: &Connection, id: MediaId) -> rusqlite::Result<()> {
    connection
        .prepare_cached("UPDATE media SET unneeded_since = NULL WHERE id = ?1 AND unneeded_since IS NOT NULL")?
        .execute([id.to_bytes()])?;
    Ok(())
}

fn sweep(
    connection: &Connection,
    after: Option<MediaId>,
    now: Timestamp,
    unneeded_since: Timestamp,
    limit: usize,
) -> rusqlite::Result<SweptMedia> {
    let sql = format!("SELECT {COLUMNS}, unneeded_since FROM media WHERE id > ?1 ORDER BY id LIMIT ?2");
    let after = after.map_or([0; 16], MediaId::to_bytes);
    let read = |row: &Row<'_>| Ok((stored(row)?, rows::time_if_any(row, 5)?));
    let looked: Vec<(StoredMedia, Option<Timestamp>)> =
        connection.prepare_cached(&sql)?.query_map(params![after, limit], read)?.collect::<rusqlite::Result<_>>()?;
    let mut swept = SweptMedia {
        removed: Vec::new(),
        next: looked.last().filter(|_| looked.len() == limit).map(|(media, _)| media.id),
    };
    for (media, unneeded) in looked {
        let id = media.id.to_bytes();
        match unneeded {
            _ if is_needed(connection, media.id)? => need(connection, media.id)?,
            Some(since) if since <= unneeded_since => {
                connection.prepare_cached("DELETE FROM media WHERE id = ?1")?.execute([id])?;
                swept.removed.push(media);
            }
            Some(_) => {}
            None => drop(
                connection
                    .prepare_cached("UPDATE media SET unneeded_since = ?2 WHERE id = ?1")?
                    .execute(params![id, now.as_millis()])?,
            ),
        }
    }
    Ok(swept)
}

/// Keeps media no longer, unless a queued message or an open broadcast needs them. Returns those whose bytes can go.
pub(super) fn drop_unneeded(connection: &Connection, id: MediaId) -> rusqlite::Result<Option<StoredMedia>> {
    if is_needed(connection, id)? {
        return Ok(None);
    }
    let sql = format!("DELETE FROM media WHERE id = ?1 RETURNING {COLUMNS}");
    connection.prepare_cached(&sql)?.query_row([id.to_bytes()], stored).optional()
}

/// Whether a message waits that carries them, or a broadcast may still make one.
fn is_needed(connection: &Connection, id: MediaId) -> rusqlite::Result<bool> {
    let messages = "SELECT 1 FROM delivery INDEXED BY delivery_media WHERE media_id = ?1 AND status = 'queued'";
    let scheduled =
        "SELECT 1 FROM delivery INDEXED BY delivery_scheduled_media WHERE media_id = ?1 AND status = 'scheduled'";
    let broadcasts = "SELECT 1 FROM broadcasts b INDEXED BY broadcasts_media \
                      JOIN broadcast_progress p ON p.broadcast_id = b.id WHERE b.media_id = ?1 \
                      AND p.status IN ('queued', 'sending')";
    Ok(connection.prepare_cached(messages)?.exists([id.to_bytes()])?
        || connection.prepare_cached(scheduled)?.exists([id.to_bytes()])?
        || connection.prepare_cached(broadcasts)?.exists([id.to_bytes()])?)
}

fn stored(row: &Row<'_>) -> rusqlite::Result<StoredMedia> {
    Ok(StoredMedia {
        id: MediaId::from_bytes(row.get(0)?),
        kind: rows::word(row, 1, MediaType::parse)?,
        digest: Digest(row.get(2)?),
        bytes: row.get(3)?,
        stored_at: rows::time(row, 4)?,
    })
}
