//! Broadcasts: accepted as a whole, turned into messages step by step, counted with their messages.

use std::sync::Arc;

use async_trait::async_trait;
use model::message::MessageType;
use model::{
    AccountId, Assignment, Broadcast, BroadcastCounts, BroadcastId, BroadcastRecord, BroadcastStatus, ClientReference,
    MediaId, MessageId, Mode, Msisdn, Owner, Timestamp,
};
use rusqlite::{Connection, OptionalExtension, Row, params};

use super::Sqlite;
use super::admission::{Made, Payload};
use super::fault::Fault;
use super::life;
use super::messages::{insert_delivery, insert_message};
use super::retention::blank_broadcast;
use super::rows;
use super::writer::Group;
use ledger::StoreError;
use ledger::contract::admission::{Admission, Admitted, Earlier, IdempotencyClaim, NewBroadcast};
use ledger::contract::broadcasts::{BroadcastFilter, BroadcastPage, Broadcasts, Canceled, Expansion, Upcoming};
use ledger::contract::changes::Resource;
use ledger::contract::nodes::Epoch;
use ledger::listing::{self, BROADCASTS_PER_PAGE, Scope};
use ledger::packing::{CHUNK, PACKED_BYTES, pack, pack_values, unpack, unpack_values};
use ledger::reasons::CANCELED;
use ledger::turns::Work;

/// The columns of a broadcast, for [`broadcast`], and of how far it has come, for [`record`].
const COLUMNS: &str = "b.account_id, b.id, b.mode, b.kind, b.originator, b.body, b.media_url, b.encoding, b.segments, \
     b.total, b.blocked, b.created_at, b.expires_at, p.status, p.skipped, p.queued, p.sent, p.delivered, \
     p.undelivered, p.failed, b.media_id, b.client_reference";

/// How many columns [`COLUMNS`] has.
const COLUMN_COUNT: usize = 22;

#[async_trait]
impl Broadcasts for Sqlite {
    async fn admit_broadcast(&self, admission: Admission<NewBroadcast>) -> Result<Admitted<Broadcast>, StoreError> {
        self.admit_payload(admission).await
    }

    async fn replay_broadcast(
        &self,
        owner: Owner,
        claim: &IdempotencyClaim,
    ) -> Result<Option<Earlier<Broadcast>>, StoreError> {
        self.earlier::<NewBroadcast>(owner, claim).await
    }

    async fn broadcast(&self, owner: Option<Owner>, id: BroadcastId) -> Result<Option<BroadcastRecord>, StoreError> {
        self.readers.read_for(owner.into(), Work::One, move |connection| load(connection, owner, id)).await
    }

    async fn broadcasts(
        &self,
        owner: Option<Owner>,
        filter: BroadcastFilter,
        after: Option<BroadcastId>,
        limit: usize,
    ) -> Result<BroadcastPage, StoreError> {
        self.readers
            .read_for(owner.into(), Work::Page, move |connection| page(connection, owner, &filter, after, limit))
            .await
    }

    async fn unexpanded(
        &self,
        node: Epoch,
        after: Option<BroadcastId>,
        limit: usize,
    ) -> Result<Vec<Arc<Broadcast>>, StoreError> {
        let mut found = self.readers.read(move |connection| unexpanded(connection, node, after, limit)).await?;
        let unowned: Vec<(BroadcastId, u32)> =
            found.iter().filter(|(_, owner)| *owner != node.get()).map(|(found, owner)| (found.id, *owner)).collect();
        if !unowned.is_empty() {
            let lost = self.writer.write(move |group| own(group, node, &unowned)).await?;
            found.retain(|(broadcast, _)| !lost.contains(&broadcast.id));
        }
        Ok(found.into_iter().map(|(broadcast, _)| broadcast).collect())
    }

    async fn upcoming(&self, id: BroadcastId, limit: usize) -> Result<Option<Upcoming>, StoreError> {
        self.readers.read(move |connection| upcoming(connection, id, limit)).await
    }

    async fn expand(&self, expansion: Expansion) -> Result<bool, StoreError> {
        self.writer.write(move |group| expand(group, &expansion)).await
    }

    async fn cancel_broadcast(
        &self,
        owner: Option<Owner>,
        id: BroadcastId,
        now: Timestamp,
    ) -> Result<Option<Canceled>, StoreError> {
        self.writer.write(move |group| Ok(cancel(group, owner, id, now)?)).await
    }
}

impl Payload for NewBroadcast {
    type Made = Broadcast;

    fn made(&self) -> Made {
        let Broadcast { id, media, created_at, .. } = *self.broadcast;
        let recipients = self.recipients.len() as u64;
        Made { owner: self.broadcast.owner(), id: id.to_bytes(), media, recipients, created_at }
    }

    fn insert(&self, group: &mut Group, node: Epoch) -> rusqlite::Result<()> {
        let broadcast = &*self.broadcast;
        insert(&group.connection, broadcast)?;
        insert_progress(&group.connection, broadcast, self.recipients.len(), node)?;
        insert_chunks(&group.connection, broadcast.id, self)?;
        note(group, broadcast.id, broadcast.created_at)
    }

    fn load(connection: &Connection, owner: Owner, id: [u8; 16]) -> rusqlite::Result<Option<Arc<Broadcast>>> {
        let record = load(connection, Some(owner), BroadcastId::from_bytes(id))?;
        Ok(record.map(|record| record.broadcast))
    }
}

fn insert(connection: &Connection, broadcast: &Broadcast) -> rusqlite::Result<()> {
    let sql = "INSERT INTO broadcasts (account_id, id, mode, kind, originator, body, media_url, encoding, segments, \
               total, blocked, created_at, expires_at, media_id, client_reference) \
               VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15)";
    connection.prepare_cached(sql)?.execute(params![
        broadcast.account.to_bytes(),
        broadcast.id.to_bytes(),
        broadcast.mode.as_str(),
        broadcast.kind.as_str(),
        rows::text(broadcast.originator),
        broadcast.body,
        broadcast.media_url,
        broadcast.encoding.name(),
        broadcast.segments,
        broadcast.total,
        broadcast.blocked,
        broadcast.created_at.as_millis(),
        broadcast.expires_at.as_millis(),
        broadcast.media.map(MediaId::to_bytes),
        broadcast.client_reference.as_deref(),
    ])?;
    Ok(())
}

fn insert_progress(
    connection: &Connection,
    broadcast: &Broadcast,
    packed: usize,
    owner: Epoch,
) -> rusqlite::Result<()> {
    let sql = "INSERT INTO broadcast_progress (broadcast_id, account_id, status, packed, next_index, skipped, queued, \
        owner) VALUES (?1, ?2, ?3, ?4, 0, ?5, ?4, ?6)";
    let status = broadcast.status_at_acceptance().as_str();
    let values =
        params![broadcast.id.to_bytes(), broadcast.account.to_bytes(), status, packed, broadcast.blocked, owner.get()];
    connection.prepare_cached(sql)?.execute(values)?;
    Ok(())
}

fn insert_chunks(connection: &Connection, id: BroadcastId, new: &NewBroadcast) -> rusqlite::Result<()> {
    let sql = "INSERT INTO broadcast_chunks (broadcast_id, first, recipients, variables) VALUES (?1, ?2, ?3, ?4)";
    let (mut insert, mut values) = (connection.prepare_cached(sql)?, new.values.chunks(CHUNK));
    for (number, chunk) in new.recipients.as_numbers().chunks(CHUNK).enumerate() {
        let values = pack_values(values.next().unwrap_or_default());
        insert.execute(params![id.to_bytes(), number * CHUNK, pack(chunk), values])?;
    }
    Ok(())
}

pub(super) fn load(
    connection: &Connection,
    owner: Option<Owner>,
    id: BroadcastId,
) -> rusqlite::Result<Option<BroadcastRecord>> {
    let sql = format!(
        "SELECT {COLUMNS} FROM broadcast_progress p JOIN broadcasts b ON b.account_id = p.account_id \
         AND b.id = p.broadcast_id WHERE p.broadcast_id = ?1 AND (?2 IS NULL OR p.account_id = ?2) \
         AND (?3 IS NULL OR b.mode = ?3)"
    );
    let values =
        params![id.to_bytes(), owner.map(|owner| owner.account.to_bytes()), owner.map(|owner| owner.mode.as_str())];
    connection.prepare_cached(&sql)?.query_row(values, record).optional()
}

fn page(
    connection: &Connection,
    owner: Option<Owner>,
    filter: &BroadcastFilter,
    after: Option<BroadcastId>,
    limit: usize,
) -> rusqlite::Result<BroadcastPage> {
    if limit == 0 {
        return Ok(BroadcastPage { broadcasts: Vec::new(), next: after });
    }
    let Some(Scope { account, mode }) = Scope::of(owner, filter.account, filter.mode) else {
        return Ok(BroadcastPage { broadcasts: Vec::new(), next: None });
    };
    let sql = format!("SELECT {COLUMNS} FROM {}", listed(filter, account, mode));
    let ids = listing::broadcast_ids(filter, after);
    let mut select = connection.prepare_cached(&sql)?;
    let originator = filter.originator.map(rows::text);
    let mut found = select.query(params![
        ids.end.to_be_bytes(),
        ids.start.to_be_bytes(),
        account.map(AccountId::to_bytes),
        mode.map(Mode::as_str),
        originator,
        filter.status.map(BroadcastStatus::as_str),
        filter.reference.as_deref()
    ])?;
    let mut page = BroadcastPage { broadcasts: Vec::new(), next: None };
    let mut looked = 0;
    while let Some(row) = found.next()? {
        let record = record(row)?;
        looked += 1;
        let last = record.broadcast.id;
        if shows(filter, mode, &record) {
            if page.broadcasts.len() == limit {
                page.next = page.broadcasts.last().map(|record| record.broadcast.id);
                break;
            }
            page.broadcasts.push(record);
        }
        if looked == BROADCASTS_PER_PAGE {
            page.next = Some(last);
            break;
        }
    }
    Ok(page)
}

/// The rows that a page looks at, newest first: by the index that leaves the fewest to look at.
fn listed(filter: &BroadcastFilter, account: Option<AccountId>, mode: Option<Mode>) -> &'static str {
    match (account, mode, &filter.originator, filter.status) {
        (Some(_), Some(_), ..) if filter.reference.is_some() => {
            "broadcasts b INDEXED BY broadcasts_named CROSS JOIN broadcast_progress p ON p.broadcast_id = b.id \
             WHERE b.account_id = ?3 AND b.mode = ?4 AND b.client_reference = ?7 AND b.id < ?1 AND b.id >= ?2 \
             AND ?5 IS ?5 AND ?6 IS ?6 ORDER BY b.id DESC"
        }
        (Some(_), _, _, Some(_)) => {
            "broadcast_progress p INDEXED BY broadcast_progress_of CROSS JOIN broadcasts b ON b.account_id = \
             p.account_id AND b.id = p.broadcast_id WHERE p.account_id = ?3 AND p.status = ?6 AND p.broadcast_id < ?1 \
             AND p.broadcast_id >= ?2 AND ?4 IS ?4 AND ?5 IS ?5 AND ?7 IS ?7 \
             ORDER BY p.broadcast_id DESC"
        }
        (Some(_), Some(_), Some(_), None) => {
            "broadcasts b INDEXED BY broadcasts_from CROSS JOIN broadcast_progress p ON p.broadcast_id = b.id \
             WHERE b.account_id = ?3 AND b.mode = ?4 AND b.originator = ?5 AND b.id < ?1 AND b.id >= ?2 AND ?6 IS ?6 \
             AND ?7 IS ?7 ORDER BY b.id DESC"
        }
        (Some(_), Some(_), None, None) => {
            "broadcasts b INDEXED BY broadcasts_of CROSS JOIN broadcast_progress p ON p.broadcast_id = b.id \
             WHERE b.account_id = ?3 AND b.mode = ?4 AND b.id < ?1 AND b.id >= ?2 AND ?5 IS ?5 AND ?6 IS ?6 \
             AND ?7 IS ?7 ORDER BY b.id DESC"
        }
        (Some(_), None, _, None) => {
            "broadcasts b CROSS JOIN broadcast_progress p ON p.broadcast_id = b.id \
             WHERE b.account_id = ?3 AND b.id < ?1 AND b.id >= ?2 AND ?4 IS ?4 AND ?5 IS ?5 AND ?6 IS ?6 \
             AND ?7 IS ?7 ORDER BY b.id DESC"
        }
        (None, ..) => {
            "broadcast_progress p CROSS JOIN broadcasts b ON b.account_id = p.account_id AND b.id = p.broadcast_id \
             WHERE ?3 IS NULL AND p.broadcast_id < ?1 AND p.broadcast_id >= ?2 AND ?4 IS ?4 AND ?5 IS ?5 AND ?6 IS ?6 \
             AND ?7 IS ?7 ORDER BY p.broadcast_id DESC"
        }
    }
}

fn shows(filter: &BroadcastFilter, mode: Option<Mode>, record: &BroadcastRecord) -> bool {
    let broadcast = &record.broadcast;
    mode.is_none_or(|mode| broadcast.mode == mode)
        && filter.status.is_none_or(|status| record.status == status)
        && filter.originator.is_none_or(|originator| broadcast.originator == originator)
        && filter.reference.as_ref().is_none_or(|wanted| broadcast.client_reference.as_ref() == Some(wanted))
}

/// Open broadcasts of a node, and those that no living epoch owns, each with its owner.
fn unexpanded(
    connection: &Connection,
    node: Epoch,
    after: Option<BroadcastId>,
    limit: usize,
) -> rusqlite::Result<Vec<(Arc<Broadcast>, u32)>> {
    let sql = format!(
        "SELECT {COLUMNS}, p.owner FROM broadcast_progress p INDEXED BY broadcast_progress_open \
         JOIN broadcasts b ON b.account_id = p.account_id AND b.id = p.broadcast_id \
         WHERE p.status IN ('queued', 'sending') AND p.broadcast_id > ?1 AND p.next_index < p.packed \
         AND (p.owner = ?3 OR p.owner NOT IN (SELECT epoch FROM nodes WHERE is_over = 0)) ORDER BY p.broadcast_id \
         LIMIT ?2"
    );
    let after = after.map_or([0; 16], BroadcastId::to_bytes);
    connection
        .prepare_cached(&sql)?
        .query_map(params![after, limit, node.get()], |row| {
            Ok((broadcast(row).map(Arc::new)?, row.get(COLUMN_COUNT)?))
        })?
        .collect()
}

/// Makes a node the owner of these broadcasts, where they still have the owner that was seen. Returns those that
/// another node was quicker to get.
fn own(group: &Group, node: Epoch, unowned: &[(BroadcastId, u32)]) -> Result<Vec<BroadcastId>, Fault> {
    group.living.require(node)?;
    let mut update = group
        .connection
        .prepare_cached("UPDATE broadcast_progress SET owner = ?3 WHERE broadcast_id = ?1 AND owner = ?2")?;
    let mut lost = Vec::new();
    for (id, seen) in unowned {
        if update.execute(params![id.to_bytes(), seen, node.get()])? == 0 {
            lost.push(*id);
        }
    }
    Ok(lost)
}

fn upcoming(connection: &Connection, id: BroadcastId, limit: usize) -> rusqlite::Result<Option<Upcoming>> {
    let sql = "SELECT p.next_index, p.queued - (p.packed - p.next_index), c.first, c.recipients, c.variables \
               FROM broadcast_progress p JOIN broadcast_chunks c ON c.broadcast_id = p.broadcast_id \
               AND c.first <= p.next_index WHERE p.broadcast_id = ?1 AND p.status IN ('queued', 'sending') \
               AND p.next_index < p.packed ORDER BY c.first DESC LIMIT 1";
    let read = |row: &Row<'_>| {
        let (from, first): (u32, u32) = (row.get(0)?, row.get(2)?);
        Ok((from, row.get(1)?, (from - first) as usize, row.get::<_, Vec<u8>>(3)?, row.get::<_, Option<String>>(4)?))
    };
    let Some((from, outstanding, passed, octets, values)) =
        connection.prepare_cached(sql)?.query_row([id.to_bytes()], read).optional()?
    else {
        return Ok(None);
    };
    let broken = |column: usize, kind: rusqlite::types::Type, why: &'static str| {
        rusqlite::Error::FromSqlConversionFailure(column, kind, why.into())
    };
    let no_number = || broken(3, rusqlite::types::Type::Blob, "a recipient is no number");
    let no_values = || broken(4, rusqlite::types::Type::Text, "values of variables cannot be read");
    let recipients = unpack(&octets).skip(passed).take(limit).map(|recipient| recipient.ok_or_else(no_number));
    let recipients: Vec<Msisdn> = recipients.collect::<rusqlite::Result<_>>()?;
    let values = unpack_values(values.as_deref()).ok_or_else(no_values)?;
    let values = values.into_iter().skip(passed).take(recipients.len()).collect();
    Ok(Some(Upcoming { from, recipients, values, outstanding }).filter(|upcoming| !upcoming.recipients.is_empty()))
}

fn expand(group: &mut Group, expansion: &Expansion) -> Result<bool, Fault> {
    group.living.require(expansion.node)?;
    let id = expansion.broadcast.to_bytes();
    let before = "SELECT status = 'queued' FROM broadcast_progress WHERE broadcast_id = ?1";
    // Once its first recipients had their turn, it is sending already.
    let begins = expansion.from == 0
        && group.connection.prepare_cached(before)?.query_row([id], |row| row.get(0)).optional()? == Some(true);
    let sql = "UPDATE broadcast_progress SET next_index = next_index + ?3, status = 'sending' \
               WHERE broadcast_id = ?1 AND next_index = ?2 AND next_index + ?3 <= packed \
               AND status IN ('queued', 'sending') AND owner = ?4";
    if group.connection.prepare_cached(sql)?.execute(params![
        id,
        expansion.from,
        expansion.turns,
        expansion.node.get()
    ])? == 0
    {
        return Ok(false);
    }
    if begins {
        note(group, expansion.broadcast, expansion.at)?;
    }
    for made in &expansion.messages {
        insert_message(&group.connection, &made.message)?;
        insert_delivery(group, &made.message, &made.carrier, made.lease, expansion.due_at)?;
    }
    group.note_inserted(Some(expansion.broadcast), expansion.messages.iter().map(|made| &*made.message))?;
    let skipped = u64::from(expansion.turns).saturating_sub(expansion.messages.len() as u64);
    group.tally(expansion.broadcast).skip(skipped, expansion.at);
    let sql = "DELETE FROM broadcast_chunks WHERE broadcast_id = ?1 AND first + length(recipients) / ?3 <= ?2";
    group.connection.prepare_cached(sql)?.execute(params![id, expansion.from + expansion.turns, PACKED_BYTES])?;
    Ok(true)
}

fn cancel(
    group: &mut Group,
    owner: Option<Owner>,
    id: BroadcastId,
    now: Timestamp,
) -> rusqlite::Result<Option<Canceled>> {
    // Changes by calls that share this transaction count too.
    group.write_tallies()?;
    let Some(record) = load(&group.connection, owner, id)? else { return Ok(None) };
    if !record.status.is_open() {
        return Ok(Some(Canceled { record, stopped: 0 }));
    }
    let sql = "UPDATE broadcast_progress SET status = 'canceled', queued = queued - (packed - next_index), skipped = \
               skipped + (packed - next_index), packed = next_index WHERE broadcast_id = ?1";
    group.connection.prepare_cached(sql)?.execute([id.to_bytes()])?;
    group
        .connection
        .prepare_cached("DELETE FROM broadcast_chunks WHERE broadcast_id = ?1")?
        .execute([id.to_bytes()])?;
    for message in waiting(&group.connection, record.broadcast.account, id)? {
        let Some(mut life) = life::load(&group.connection, message)? else { continue };
        if life.skip(now, CANCELED) {
            life::save(group, &life)?;
        }
    }
    group.write_tallies()?;
    note(group, id, now)?;
    let now = load(&group.connection, owner, id)?;
    Ok(now.map(|now| Canceled { stopped: now.counts.skipped - record.counts.skipped, record: now }))
}

/// Notes that a broadcast was accepted or came to another status at `at`, and removes its text where that goes with its
/// end. What changes the status of a row calls this.
pub(super) fn note(group: &mut Group, id: BroadcastId, at: Timestamp) -> rusqlite::Result<()> {
    if let Some(BroadcastRecord { broadcast, status, counts }) = load(&group.connection, None, id)? {
        group.note(at, Some(broadcast.owner()), Resource::Broadcast { id, status, counts });
        let number = u128::from_be_bytes(id.to_bytes());
        if !status.is_open() && group.texts.goes_with_broadcast(broadcast.account, number) {
            blank_broadcast(&group.connection, broadcast.account, id)?;
        }
    }
    Ok(())
}

/// The messages of a broadcast that wait and are not under way. What is held back may have left, and only a receipt
/// will tell.
fn waiting(connection: &Connection, account: AccountId, id: BroadcastId) -> rusqlite::Result<Vec<MessageId>> {
    let next_carrier = "SELECT carrier FROM delivery INDEXED BY delivery_due WHERE status = 'queued' AND carrier > ?1 \
        ORDER BY carrier LIMIT 1";
    let of_carrier = "SELECT message_id FROM delivery INDEXED BY delivery_due WHERE status = 'queued' AND carrier = ?1 \
                      AND account_id = ?2 AND lane = 1 AND broadcast_id = ?3 AND in_flight = 0 AND held = 0";
    let mut waiting = Vec::new();
    // Messages without a route sort before those of every carrier.
    let mut carrier = Some(Assignment::NoRoute.as_str().to_owned());
    while let Some(name) = carrier {
        let mut select = connection.prepare_cached(of_carrier)?;
        let found = select
            .query_map(params![name, account.to_bytes(), id.to_bytes()], |row| row.get(0).map(MessageId::from_bytes))?;
        waiting.extend(found.collect::<rusqlite::Result<Vec<_>>>()?);
        carrier = connection.prepare_cached(next_carrier)?.query_row([name], |row| row.get(0)).optional()?;
    }
    Ok(waiting)
}

/// Whether a broadcast was canceled.
pub(super) fn is_canceled(connection: &Connection, id: BroadcastId) -> rusqlite::Result<bool> {
    let sql = "SELECT status = 'canceled' FROM broadcast_progress WHERE broadcast_id = ?1";
    Ok(connection.prepare_cached(sql)?.query_row([id.to_bytes()], |row| row.get(0)).optional()?.unwrap_or(false))
}

fn broadcast(row: &Row<'_>) -> rusqlite::Result<Broadcast> {
    Ok(Broadcast {
        account: AccountId::from_bytes(row.get(0)?),
        id: BroadcastId::from_bytes(row.get(1)?),
        mode: rows::word(row, 2, Mode::parse)?,
        kind: rows::word(row, 3, MessageType::parse)?,
        originator: rows::originator(row, 4)?,
        body: row.get(5)?,
        media_url: row.get(6)?,
        media: row.get::<_, Option<[u8; 16]>>(20)?.map(MediaId::from_bytes),
        encoding: rows::word(row, 7, model::message::Encoding::parse)?,
        segments: row.get(8)?,
        total: row.get(9)?,
        blocked: row.get(10)?,
        created_at: rows::time(row, 11)?,
        expires_at: rows::time(row, 12)?,
        client_reference: rows::word_if_any(row, 21, ClientReference::parse)?,
    })
}

fn record(row: &Row<'_>) -> rusqlite::Result<BroadcastRecord> {
    let counts = BroadcastCounts {
        total: row.get(9)?,
        skipped: row.get(14)?,
        queued: row.get(15)?,
        sent: row.get(16)?,
        delivered: row.get(17)?,
        undelivered: row.get(18)?,
        failed: row.get(19)?,
    };
    Ok(BroadcastRecord {
        broadcast: Arc::new(broadcast(row)?),
        status: rows::word(row, 13, BroadcastStatus::parse)?,
        counts,
    })
}
