//! Messages of a person, and everything that was recorded of them: some statements, however many messages.

use std::collections::BTreeMap;

use model::event::EventKind;
use model::media::StoredMedia;
use model::{BroadcastId, ErasureCounts, MediaId, MessageId, Msisdn, Status, Timestamp};
use tokio_postgres::Row;
use uuid::Uuid;

use crate::fault::Fault;
use crate::unit::{Unit, Values};
use crate::{life, living, media, rows, webhooks};
use ledger::contract::erase::ErasedMessages;
use ledger::contract::nodes::Epoch;
use ledger::life::{Life, NewEvent};
use ledger::reasons::ERASED;

/// What of a message is the person's.
struct Subject {
    id: Uuid,
    broadcast: Option<BroadcastId>,
    has_text: bool,
    media: Option<MediaId>,
    is_recipient: bool,
}

const SUBJECTS: &str = "SELECT id, broadcast_id, body IS NOT NULL, media_id, recipient = $4 FROM messages \
    WHERE id = ANY($1) AND id BETWEEN $2 AND $3 AND (recipient = $4 OR originator = $4) ORDER BY id";

impl Subject {
    /// Those of these messages that are to the number or from it, which the erased ones are not.
    async fn find(unit: &Unit, number: Msisdn, messages: &[MessageId]) -> Result<Vec<Self>, Fault> {
        let ids: Vec<Uuid> = messages.iter().map(|id| rows::id(id.to_bytes())).collect();
        let (Some(low), Some(high)) = (ids.iter().min(), ids.iter().max()) else { return Ok(Vec::new()) };
        let found = unit.query(SUBJECTS, &[&ids, low, high, &number.to_string()]).await?;
        found.iter().map(Self::of).collect()
    }

    fn of(row: &Row) -> Result<Self, Fault> {
        Ok(Self {
            id: rows::get(row, 0)?,
            broadcast: rows::octets_if_any(row, 1)?.map(BroadcastId::from_bytes),
            has_text: rows::get(row, 2)?,
            media: rows::octets_if_any(row, 3)?.map(MediaId::from_bytes),
            is_recipient: rows::get(row, 4)?,
        })
    }

    const fn message(&self) -> MessageId {
        MessageId::from_bytes(self.id.into_bytes())
    }
}

/// How many of some things there are.
fn count<T>(of: &[T], counts: impl Fn(&T) -> bool) -> u64 {
    of.iter().filter(|one| counts(one)).count() as u64
}

const WAITING: &str = "SELECT (SELECT count(*) FROM queue WHERE message_id = ANY($1)) \
    + (SELECT count(*) FROM schedule WHERE message_id = ANY($1))";
const DETAILS: &str =
    "SELECT count(*) FROM events WHERE message_id = ANY($1) AND message_id BETWEEN $2 AND $3 AND detail <> ''";
const CLAIMS: &str = "SELECT count(*) FROM idempotency WHERE message_id = ANY($1) AND fingerprint <> $2";
const SCREENINGS: &str = "SELECT count(*) FROM screening_log WHERE about = ANY($1)";

/// What [`erase`] would blank. Changes nothing.
pub(super) async fn look(unit: &Unit, number: Msisdn, messages: &[MessageId]) -> Result<ErasureCounts, Fault> {
    let subjects = Subject::find(unit, number, messages).await?;
    let ids: Vec<Uuid> = subjects.iter().map(|subject| subject.id).collect();
    let (Some(low), Some(high)) = (ids.first(), ids.last()) else { return Ok(ErasureCounts::default()) };
    let how_many = async |sql: &str, values: Values<'_>| rows::count(&unit.one(sql, values).await?, 0);
    Ok(ErasureCounts {
        messages: subjects.len() as u64,
        canceled: how_many(WAITING, &[&ids]).await?,
        texts: count(&subjects, |subject| subject.has_text),
        events: how_many(DETAILS, &[&ids, low, high]).await?,
        media: count(&subjects, |subject| subject.media.is_some()),
        screenings: how_many(SCREENINGS, &[&names(&ids)]).await?,
        requests: how_many(CLAIMS, &[&ids, &UNKNOWN]).await?,
        ..ErasureCounts::default()
    })
}

/// Blanks messages, but those that are under way.
pub(super) async fn erase(
    unit: &mut Unit,
    number: Msisdn,
    messages: &[MessageId],
    now: Timestamp,
) -> Result<(ErasureCounts, ErasedMessages), Fault> {
    let (mut counts, mut erased) = (ErasureCounts::default(), ErasedMessages::default());
    let mut lives = life::lock(unit, messages.iter().copied()).await?;
    let mut subjects = Subject::find(unit, number, messages).await?;
    let under_way = under_way(unit, &lives).await?;
    subjects.retain(|subject| {
        let is_under_way = under_way.contains(&subject.message());
        erased.under_way.extend(is_under_way.then(|| subject.message()));
        !is_under_way && lives.contains_key(&subject.message())
    });
    let ids: Vec<Uuid> = subjects.iter().map(|subject| subject.id).collect();
    let (Some(low), Some(high)) = (ids.first(), ids.last()) else { return Ok((counts, erased)) };
    let bounds: Bounds<'_> = (&ids, *low, *high);
    counts.events = unit.execute(BLANK_DETAILS, &[&ids, low, high]).await?;
    let waiting = subjects.iter().filter_map(|subject| lives.remove(&subject.message()));
    let canceled: Vec<Life> = waiting
        .filter_map(|mut life| (life.delivery.status.is_waiting() && life.skip(now, ERASED)).then_some(life))
        .collect();
    counts.canceled = canceled.len() as u64;
    life::save(unit, canceled).await?;
    blank(unit, number, bounds, &subjects, now).await?;
    webhooks::erase_resources(unit, &ids).await?;
    counts.messages = subjects.len() as u64;
    counts.texts = count(&subjects, |subject| subject.has_text);
    counts.media = count(&subjects, |subject| subject.media.is_some());
    counts = counts.and(forget_requests(unit, &ids).await?);
    let broadcasts: Vec<Uuid> =
        subjects.iter().filter_map(|subject| Some(rows::id(subject.broadcast?.to_bytes()))).collect();
    let (more, media) = erase_broadcasts(unit, &broadcasts).await?;
    counts = counts.and(more);
    erased.media = drop_media(unit, subjects.iter().filter_map(|subject| subject.media).chain(media)).await?;
    for subject in &subjects {
        unit.add_event(NewEvent::plain(subject.message(), now, EventKind::Erased, ""));
    }
    Ok((counts, erased))
}

fn is_queued(life: &Life) -> bool {
    life.delivery.status == Status::Queued
}

/// Messages that a node has handed to a carrier, whose answer it still awaits. Nobody awaits one of an epoch that is
/// over.
async fn under_way(unit: &Unit, lives: &BTreeMap<MessageId, Life>) -> Result<Vec<MessageId>, Fault> {
    let in_flight: Vec<&Life> = lives.values().filter(|life| is_queued(life) && life.in_flight).collect();
    if in_flight.is_empty() {
        return Ok(Vec::new());
    }
    let living = living::all(unit).await?;
    let lives = |life: &&&Life| Epoch::of_token(life.lease).is_some_and(|epoch| living.contains(&epoch));
    Ok(in_flight.iter().filter(lives).map(|life| life.id).collect())
}

async fn drop_media(unit: &Unit, ids: impl Iterator<Item = MediaId>) -> Result<Vec<StoredMedia>, Fault> {
    media::drop_unneeded(unit, ids).await
}

/// The ids of messages in their order, the first and the last.
type Bounds<'i> = (&'i [Uuid], Uuid, Uuid);

const BLANK_DETAILS: &str = "UPDATE events SET detail = '' WHERE message_id = ANY($1) \
    AND message_id BETWEEN $2 AND $3 AND detail <> ''";
const BLANK_MESSAGES: &str = "UPDATE messages SET recipient = CASE recipient WHEN $4 THEN $5 ELSE recipient END, \
    originator = CASE originator WHEN $4 THEN $5 ELSE originator END, body = NULL, media_url = NULL, media_id = NULL, \
    client_reference = NULL, status_callback = NULL WHERE id = ANY($1) AND id BETWEEN $2 AND $3";
const BLANK_DELIVERY: &str =
    "UPDATE delivery SET erased_at = $4 WHERE message_id = ANY($1) AND message_id BETWEEN $2 AND $3";
/// A held message is filed under the last digits of its recipient; no id of a carrier has a blank.
const FORGET_HELD: &str = "DELETE FROM segments WHERE message_id = ANY($1) AND message_id BETWEEN $2 AND $3 \
    AND starts_with(key, 'to ')";
const BLANK_SEGMENTS: &str =
    "UPDATE segments SET recipient = $4 WHERE message_id = ANY($1) AND message_id BETWEEN $2 AND $3";

/// Blanks the rows of messages.
async fn blank(
    unit: &Unit,
    number: Msisdn,
    (ids, low, high): Bounds<'_>,
    subjects: &[Subject],
    now: Timestamp,
) -> Result<(), Fault> {
    let (was, is) = (number.to_string(), Msisdn::nobody().to_string());
    unit.execute(BLANK_MESSAGES, &[&ids, &low, &high, &was, &is]).await?;
    unit.execute(BLANK_DELIVERY, &[&ids, &low, &high, &now.as_millis()]).await?;
    let received: Vec<Uuid> =
        subjects.iter().filter(|subject| subject.is_recipient).map(|subject| subject.id).collect();
    unit.execute(FORGET_HELD, &[&received, &low, &high]).await?;
    unit.execute(BLANK_SEGMENTS, &[&received, &low, &high, &is.trim_start_matches('+')]).await.map(drop)
}

/// The fingerprint of an unknown request.
const UNKNOWN: &[u8] = &[0; 32];

const BLANK_CLAIMS: &str = "UPDATE idempotency SET fingerprint = $2, answer = NULL WHERE message_id = ANY($1) \
    AND fingerprint <> $2";
const FORGET_SCREENINGS: &str = "DELETE FROM screening_log WHERE about = ANY($1)";

/// Makes the idempotency records of what has these ids those of unknown requests, without their answers, and removes
/// what the screen recorded of it.
async fn forget_requests(unit: &Unit, ids: &[Uuid]) -> Result<ErasureCounts, Fault> {
    let requests = unit.execute(BLANK_CLAIMS, &[&ids, &UNKNOWN]).await?;
    let screenings = unit.execute(FORGET_SCREENINGS, &[&names(ids)]).await?;
    Ok(ErasureCounts { requests, screenings, ..ErasureCounts::default() })
}

/// Ids as the screen's log has them.
fn names(ids: &[Uuid]) -> Vec<String> {
    ids.iter().map(|id| MessageId::from_bytes(id.into_bytes()).to_string()).collect()
}

const BLANK_BROADCASTS: &str = "WITH found AS (SELECT id, body IS NOT NULL AS has_text, media_id FROM broadcasts \
    WHERE id = ANY($1) AND total = 1 ORDER BY id FOR UPDATE), blanked AS (UPDATE broadcasts b SET body = NULL, \
    media_url = NULL, media_id = NULL, client_reference = NULL FROM found f WHERE b.id = f.id) \
    SELECT id, has_text, media_id FROM found";

/// Blanks the texts and the media of those of these broadcasts that have one recipient. Returns their media.
pub(super) async fn erase_broadcasts(unit: &Unit, broadcasts: &[Uuid]) -> Result<(ErasureCounts, Vec<MediaId>), Fault> {
    let (mut counts, mut media) = (ErasureCounts::default(), Vec::new());
    if broadcasts.is_empty() {
        return Ok((counts, media));
    }
    let mut ids: Vec<Uuid> = Vec::new();
    for row in unit.query(BLANK_BROADCASTS, &[&broadcasts]).await? {
        ids.push(rows::get(&row, 0)?);
        counts.texts += u64::from(rows::get::<bool>(&row, 1)?);
        media.extend(rows::octets_if_any(&row, 2)?.map(MediaId::from_bytes));
    }
    Ok((counts.and(forget_requests(unit, &ids).await?), media))
}
