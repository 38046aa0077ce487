//! Admission, and the reading of messages.

use std::sync::Arc;

use async_trait::async_trait;
use model::event::{Event, EventKind};
use model::idempotency::AnswerForm;
use model::{Delivery, MediaId, Message, MessageId, MessageRecord, Owner, Timestamp};
use rusqlite::{Connection, OptionalExtension, params};

use super::Sqlite;
use super::lists;
use super::media::{can_carry, carry};
use super::requests::Holding;
use super::rows::{self, DELIVERY, MESSAGE};
use super::screening::insert_screening;
use super::turns::{Reader, Work};
use super::writer::{Fault, Group};
use crate::StoreError;
use crate::contract::changes::{Kind, Resource};
use crate::contract::dispatch::Lease;
use crate::contract::messages::{Admission, Admitted, IdempotencyClaim, MessageFilter, Messages, Page, Quota, Replay};

#[async_trait]
impl Messages for Sqlite {
    async fn admit(&self, admission: Admission) -> Result<Admitted, StoreError> {
        let (admitted, holding) = self.writer.write(move |group| admit(group, &admission)).await?;
        if admitted == Admitted::New {
            holding.keep();
        }
        Ok(admitted)
    }

    async fn replay(&self, owner: Owner, claim: &IdempotencyClaim) -> Result<Option<Admitted>, StoreError> {
        self.settled(owner, claim, replay, is_open, Admitted::UnderWay).await
    }

    async fn message(&self, owner: Owner, id: MessageId) -> Result<Option<MessageRecord>, StoreError> {
        let sql = format!(
            "SELECT {MESSAGE}, {DELIVERY} FROM messages m JOIN delivery d ON d.message_id = m.id WHERE m.account_id = \
             ?1 AND m.id = ?2 AND m.mode = ?3"
        );
        let read = move |connection: &Connection| {
            let name = params![owner.account.to_bytes(), id.to_bytes(), owner.mode.as_str()];
            connection.prepare_cached(&sql)?.query_row(name, rows::record).optional()
        };
        self.readers.read_for(Reader::Owner(owner), Work::One, read).await
    }

    async fn message_of_any_account(&self, id: MessageId) -> Result<Option<MessageRecord>, StoreError> {
        let sql = format!(
            "SELECT {MESSAGE}, {DELIVERY} FROM delivery d JOIN messages m ON m.account_id = d.account_id AND m.id = \
             d.message_id WHERE d.message_id = ?1"
        );
        let read = move |connection: &Connection| {
            connection.prepare_cached(&sql)?.query_row([id.to_bytes()], rows::record).optional()
        };
        self.readers.read_for(Reader::Operator, Work::One, read).await
    }

    async fn messages(
        &self,
        owner: Option<Owner>,
        filter: MessageFilter,
        after: Option<MessageId>,
        limit: usize,
    ) -> Result<Page, StoreError> {
        let rows = self.rows_per_page;
        self.readers
            .read_for(owner.into(), Work::Page, move |connection| {
                lists::page(connection, owner, &filter, after, limit, rows)
            })
            .await
    }

    async fn events(&self, id: MessageId) -> Result<Vec<Event>, StoreError> {
        self.readers.read_for(Reader::Operator, Work::One, move |connection| events(connection, id)).await
    }
}

/// Admits a message. The key that its request holds from then on is free again when the [`Holding`] is dropped.
fn admit(group: &mut Group, admission: &Admission) -> Result<(Admitted, Holding), Fault> {
    group.living.require(admission.node)?;
    let owner = admission.message.owner();
    if let Some(claim) = &admission.idempotency
        && let Some(earlier) = replay(&group.connection, owner, claim)?
    {
        let is_under_way = is_open(&earlier) && group.keys.is_awaited(owner, claim);
        return Ok((if is_under_way { Admitted::UnderWay } else { earlier }, Holding::NOTHING));
    }
    let Some(holding) = group.keys.hold(admission.node, owner, admission.idempotency.as_ref()) else {
        return Ok((Admitted::UnderWay, Holding::NOTHING));
    };
    Ok((insert_admitted(group, admission)?, holding))
}

fn insert_admitted(group: &mut Group, admission: &Admission) -> Result<Admitted, Fault> {
    let message = &*admission.message;
    if !can_carry(&group.connection, message.media, admission.media.as_ref())? {
        return Ok(Admitted::MediaGone);
    }
    if !group.use_quota(message.owner(), admission.quota, 1)? {
        return Ok(Admitted::QuotaReached);
    }
    carry(&group.connection, message.media, admission.media.as_ref())?;
    insert_message(&group.connection, message)?;
    group.note_inserted(None, std::iter::once(message))?;
    insert_delivery(group, message, &admission.carrier, admission.lease, admission.due_at)?;
    if let Some(claim) = &admission.idempotency {
        insert_claim(group, message.owner(), claim, message.id.to_bytes(), message.created_at)?;
    }
    if let Some(flagged) = &admission.flagged {
        insert_screening(group, flagged)?;
        add_event(
            &group.connection,
            message.id,
            message.created_at,
            EventKind::Flagged,
            None,
            None,
            &flagged.categories.join(", "),
        )?;
    }
    Ok(Admitted::New)
}

impl Group {
    /// Counts recipients, unless they do not all fit the quota. The count is written once for the whole group, by
    /// [`Self::write_quota`].
    pub(super) fn use_quota(&mut self, owner: Owner, quota: Quota, recipients: u64) -> rusqlite::Result<bool> {
        let name = (owner, quota.day.0);
        if !self.quota.contains_key(&name) {
            let mut select = self
                .connection
                .prepare_cached("SELECT used FROM quota WHERE day = ?1 AND account_id = ?2 AND mode = ?3")?;
            let used = select
                .query_row(params![quota.day.0, owner.account.to_bytes(), owner.mode.as_str()], |row| row.get(0))
                .optional()?;
            self.quota.insert(name, (used.unwrap_or(0), false));
        }
        let Some((used, unwritten)) = self.quota.get_mut(&name) else { return Ok(false) };
        let fits = used.checked_add(recipients).is_some_and(|used| used <= quota.limit);
        if fits {
            *used += recipients;
            *unwritten = true;
        }
        Ok(fits)
    }

    /// Writes the counts that changed. Part of every commit.
    pub(super) fn write_quota(&mut self) -> rusqlite::Result<()> {
        for ((owner, day), (used, unwritten)) in self.quota.iter_mut().filter(|(_, (_, unwritten))| *unwritten) {
            let sql = "INSERT INTO quota (day, account_id, mode, used) VALUES (?1, ?2, ?3, ?4) ON CONFLICT DO UPDATE \
                SET used = excluded.used";
            self.connection.prepare_cached(sql)?.execute(params![
                day,
                owner.account.to_bytes(),
                owner.mode.as_str(),
                *used
            ])?;
            *unwritten = false;
        }
        // Yesterday's counts are not asked for again; a bound keeps a million idle accounts out of memory.
        if self.quota.len() > 10_000 {
            self.quota.clear();
        }
        Ok(())
    }
}

pub(super) fn insert_message(connection: &Connection, message: &Message) -> rusqlite::Result<()> {
    let sql = "INSERT INTO messages (account_id, id, broadcast_id, direction, mode, kind, originator, recipient, body, \
               media_url, encoding, segments, reference, created_at, expires_at, media_id) \
               VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16)";
    connection.prepare_cached(sql)?.execute(params![
        message.account.to_bytes(),
        message.id.to_bytes(),
        message.broadcast.map(model::BroadcastId::to_bytes),
        message.direction.as_str(),
        message.mode.as_str(),
        message.kind.as_str(),
        message.originator.as_str(),
        message.recipient.as_str(),
        message.body,
        message.media_url,
        message.encoding.name(),
        message.segments,
        message.reference,
        message.created_at.as_millis(),
        message.expires_at.as_millis(),
        message.media.map(MediaId::to_bytes),
    ])?;
    Ok(())
}

/// Writes the row of a message that changes, and notes that the message was accepted.
pub(super) fn insert_delivery(
    group: &mut Group,
    message: &Message,
    carrier: &str,
    lease: Option<Lease>,
    due_at: Timestamp,
) -> rusqlite::Result<()> {
    if group.wants(Kind::Accepted) {
        let resource =
            Resource::Message { id: message.id, broadcast: message.broadcast, delivery: Delivery::queued(carrier) };
        group.note(message.created_at, Some(message.owner()), resource);
    }
    let (due_at, lease) = lease.map_or((due_at, 0), |lease| (lease.until, lease.token));
    let sql = "INSERT INTO delivery (message_id, account_id, status, carrier, due_at, lease, expires_at, segments, \
               broadcast_id, media_id, test) VALUES (?1, ?2, 'queued', ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)";
    group.connection.prepare_cached(sql)?.execute(params![
        message.id.to_bytes(),
        message.account.to_bytes(),
        carrier,
        due_at.as_millis(),
        rows::mask_to_sql(lease),
        message.expires_at.as_millis(),
        message.segments,
        message.broadcast.map(model::BroadcastId::to_bytes),
        message.media.map(MediaId::to_bytes),
        rows::is_test(message.mode),
    ])?;
    Ok(())
}

/// Notes what a claim's request made: the message or the broadcast of this id.
pub(super) fn insert_claim(
    group: &Group,
    owner: Owner,
    claim: &IdempotencyClaim,
    id: [u8; 16],
    now: Timestamp,
) -> rusqlite::Result<()> {
    // A record that is too old to count is replaced.
    let sql = "INSERT OR REPLACE INTO idempotency (account_id, mode, endpoint, key, fingerprint, message_id, form, \
               answer, created_at) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, NULL, ?8)";
    group.connection.prepare_cached(sql)?.execute(params![
        owner.account.to_bytes(),
        owner.mode.as_str(),
        claim.endpoint.as_str(),
        claim.key.as_str(),
        claim.fingerprint.0,
        id,
        AnswerForm::NEWEST.number(),
        now.as_millis(),
    ])?;
    Ok(())
}

/// What is on record under a claim's key.
pub(super) enum Claimed {
    /// Another request.
    Other,
    /// The same: what it made, the answer where one was recorded, and which fields an answer has.
    Same([u8; 16], Option<String>, AnswerForm),
}

/// What is on record under a claim's key, if it is not too old to count.
pub(super) fn find_claim(
    connection: &Connection,
    owner: Owner,
    claim: &IdempotencyClaim,
) -> rusqlite::Result<Option<Claimed>> {
    let sql = "SELECT fingerprint, message_id, answer, form FROM idempotency \
               WHERE account_id = ?1 AND mode = ?2 AND endpoint = ?3 AND key = ?4 AND created_at >= ?5";
    let mut select = connection.prepare_cached(sql)?;
    let name = params![
        owner.account.to_bytes(),
        owner.mode.as_str(),
        claim.endpoint.as_str(),
        claim.key.as_str(),
        claim.not_before.as_millis()
    ];
    let claimed = |row: &rusqlite::Row<'_>| {
        let is_same = row.get::<_, [u8; 32]>(0)? == claim.fingerprint.0;
        Ok(if is_same {
            Claimed::Same(row.get(1)?, row.get(2)?, AnswerForm::from_number(row.get(3)?))
        } else {
            Claimed::Other
        })
    };
    select.query_row(name, claimed).optional()
}

fn replay(connection: &Connection, owner: Owner, claim: &IdempotencyClaim) -> rusqlite::Result<Option<Admitted>> {
    let (id, answer, form) = match find_claim(connection, owner, claim)? {
        None => return Ok(None),
        Some(Claimed::Other) => return Ok(Some(Admitted::KeyTaken)),
        Some(Claimed::Same(id, answer, form)) => (id, answer, form),
    };
    let sql = format!("SELECT {MESSAGE} FROM messages m WHERE m.account_id = ?1 AND m.id = ?2");
    // A message that is kept no longer leaves nothing to replay.
    let message = connection
        .prepare_cached(&sql)?
        .query_row(params![owner.account.to_bytes(), id], |row| rows::message(row, 0))
        .optional()?;
    Ok(message.map(|message| Admitted::Replayed(Replay { message, answer, form })))
}

/// Whether an answer may still be recorded for what was admitted.
const fn is_open(earlier: &Admitted) -> bool {
    matches!(earlier, Admitted::Replayed(Replay { answer: None, .. }))
}

fn events(connection: &Connection, id: MessageId) -> rusqlite::Result<Vec<Event>> {
    // The acceptance is the messages row itself, which never changes: a row of its own would say the same again for
    // every message.
    let accepted = "SELECT m.created_at, m.encoding, m.segments, m.mode, m.kind = 'MMS', m.media_id IS NOT NULL \
                    FROM delivery d JOIN messages m ON m.account_id = d.account_id AND m.id = d.message_id \
                    WHERE d.message_id = ?1";
    let accepted = connection.prepare_cached(accepted)?.query_row([id.to_bytes()], |row| {
        let (encoding, segments, mode): (String, u16, String) = (row.get(1)?, row.get(2)?, row.get(3)?);
        let form = match (row.get(4)?, row.get(5)?) {
            (true, true) => "MMS with media".to_owned(),
            (true, false) => "MMS".to_owned(),
            (false, _) => format!("{encoding}, {segments} segment{}", if segments == 1 { "" } else { "s" }),
        };
        let detail = format!("{form}, {mode} key");
        Ok(Event { at: rows::time(row, 0)?, kind: EventKind::Accepted, carrier: None, attempt: None, detail })
    });
    let Some(accepted) = accepted.optional()? else { return Ok(Vec::new()) };
    let mut select = connection
        .prepare_cached("SELECT at, kind, carrier, attempt, detail FROM events WHERE message_id = ?1 ORDER BY seq")?;
    let later = select.query_map([id.to_bytes()], |row| {
        Ok(Event {
            at: rows::time(row, 0)?,
            kind: rows::word(row, 1, EventKind::parse)?,
            carrier: row.get(2)?,
            attempt: row.get(3)?,
            detail: row.get(4)?,
        })
    })?;
    std::iter::once(Ok(accepted)).chain(later).collect()
}

/// Adds an event to a message's life.
pub(super) fn add_event(
    connection: &Connection,
    id: MessageId,
    at: Timestamp,
    kind: EventKind,
    carrier: Option<&str>,
    attempt: Option<u32>,
    detail: &str,
) -> rusqlite::Result<()> {
    let sql = "INSERT INTO events (message_id, seq, at, kind, carrier, attempt, detail) \
               VALUES (?1, (SELECT coalesce(max(seq), 0) + 1 FROM events WHERE message_id = ?1), ?2, ?3, ?4, ?5, ?6)";
    connection.prepare_cached(sql)?.execute(params![
        id.to_bytes(),
        at.as_millis(),
        kind.as_str(),
        carrier,
        attempt,
        detail
    ])?;
    Ok(())
}

/// A message by its id, for those who hold its delivery row.
pub(super) fn load_message(
    connection: &Connection,
    account: &[u8],
    id: &[u8],
) -> rusqlite::Result<Arc<model::Message>> {
    let sql = format!("SELECT {MESSAGE} FROM messages m WHERE m.account_id = ?1 AND m.id = ?2");
    connection.prepare_cached(&sql)?.query_row(params![account, id], |row| rows::message(row, 0))
}
