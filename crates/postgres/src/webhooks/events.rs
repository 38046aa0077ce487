//! Reading the log: what an endpoint is to receive, and what an event says.

use model::webhook::EventType;
use model::{Owner, Timestamp, WebhookId};
use tokio_postgres::Row;

use super::content::{self, Read};
use super::found::{self, Found};
use super::{logs, number, rows_at_most};
use crate::fault::Fault;
use crate::rows;
use crate::unit::Unit;
use ledger::contract::webhooks::{EventHead, EventPage, EventRecord, EventsAfter, Heads, ToSend};
use ledger::event_log::{Facts, Halves};

const HEADS: &str = "SELECT e.seq, e.at, e.type, e.facts, d.state FROM webhook_events e \
    LEFT JOIN webhook_deliveries d ON d.webhook = $5 AND d.seq = e.seq \
    WHERE e.log = $1 AND e.seq > $2 AND e.seq <= $3 ORDER BY e.seq LIMIT $4";
const SOME: &str = "SELECT seq, at, type, facts FROM webhook_events WHERE log = $1 AND seq = ANY($2) ORDER BY seq";
const REPLAY: &str = "SELECT end_seq, state FROM webhook_replays WHERE replay = $1";
const BODY: &str = "SELECT body FROM webhook_deliveries WHERE webhook = $1 AND seq = $2";
const PAGE: &str = "SELECT seq, at, type, facts, sequence FROM webhook_events WHERE log = $1 AND seq > $2 \
    ORDER BY seq LIMIT $3";
const PAGE_OF: &str = "SELECT seq, at, type, facts, sequence FROM webhook_events WHERE log = $1 AND seq > $2 \
    AND type = $4 ORDER BY seq LIMIT $3";
const ONE: &str = "SELECT seq, at, type, facts, sequence FROM webhook_events WHERE log = $1 AND seq = $2";
const ENDS: &str = "SELECT min(seq), max(seq) FROM webhook_events WHERE log = $1";
const FROM: &str = "SELECT seq, at FROM webhook_events WHERE log = $1 AND seq >= $2 ORDER BY seq LIMIT 1";

/// The type of an event and its facts, from two columns; `None` for what cannot be read.
pub(super) fn facts(row: &Row, at: usize) -> Result<Option<(EventType, Facts)>, Fault> {
    let Some(kind) = kind(row, at)? else { return Ok(None) };
    Ok(Facts::read(kind, rows::get(row, at + 1)?).map(|facts| (kind, facts)))
}

/// The type of an event; `None` for one that is not known here.
pub(super) fn kind(row: &Row, at: usize) -> Result<Option<EventType>, Fault> {
    Ok(u8::try_from(rows::get::<i16>(row, at)?).ok().and_then(EventType::from_number))
}

pub(super) async fn heads(
    unit: &Unit,
    id: WebhookId,
    after: u64,
    replay: Option<u64>,
    limit: usize,
) -> Result<Heads, Fault> {
    let Some(found) = found::find(unit, id).await? else { return Ok(Heads::default()) };
    let Found { number: webhook, log, endpoint } = found;
    let mut heads = Heads { heads: Vec::new(), looked_to: after };
    let (end, state) = match replay {
        Some(replay) => {
            let Some(row) = unit.find(REPLAY, &[&number(replay)]).await? else { return Ok(heads) };
            (rows::count(&row, 0)?, rows::get::<Option<i16>>(&row, 1)?)
        }
        None => (endpoint.last, None),
    };
    let (log, from, to) = (i64::from(log), number(after), number(end));
    let rows = unit.query(HEADS, &[&log, &from, &to, &rows_at_most(limit), &webhook]).await?;
    for row in &rows {
        heads.looked_to = rows::count(row, 0)?;
        if state.is_some() && rows::get::<Option<i16>>(row, 4)? != state {
            continue;
        }
        let wanted = facts(row, 2)?.filter(|(kind, facts)| {
            endpoint.webhook.events.has(*kind) && facts.is_for(id, *kind, endpoint.webhook.broadcast_messages)
        });
        if let Some((kind, facts)) = wanted {
            heads.heads.push(EventHead { seq: heads.looked_to, at: rows::time(row, 1)?, kind, resource: facts.key() });
        }
    }
    if rows.len() < limit {
        // Rows at the end may be gone.
        heads.looked_to = heads.looked_to.max(end);
    }
    Ok(heads)
}

/// The heads of those of these events that are there.
pub(super) async fn heads_of(unit: &Unit, log: u32, seqs: &[i64]) -> Result<Vec<EventHead>, Fault> {
    let mut heads = Vec::with_capacity(seqs.len());
    for row in unit.query(SOME, &[&i64::from(log), &seqs]).await? {
        if let Some((kind, facts)) = facts(&row, 2)? {
            let (seq, at) = (rows::count(&row, 0)?, rows::time(&row, 1)?);
            heads.push(EventHead { seq, at, kind, resource: facts.key() });
        }
    }
    Ok(heads)
}

pub(super) async fn to_send(unit: &Unit, id: WebhookId, seq: u64) -> Result<Option<ToSend>, Fault> {
    let Some(Found { number: webhook, log, endpoint }) = found::find(unit, id).await? else { return Ok(None) };
    let Some(event) = find(unit, endpoint.webhook.owner, log, seq).await? else { return Ok(None) };
    let body = match unit.find(BODY, &[&webhook, &number(seq)]).await? {
        Some(row) => rows::text_if_any(&row, 0)?.map(Into::into),
        None => None,
    };
    Ok(Some(ToSend { event, body }))
}

pub(super) async fn page(
    unit: &Unit,
    owner: Owner,
    kind: Option<EventType>,
    after: Option<EventsAfter>,
    limit: usize,
) -> Result<EventPage, Fault> {
    let Some(log) = logs::number(unit, owner).await? else { return Ok(EventPage::default()) };
    let after = match after {
        Some(EventsAfter::Seq(seq)) => number(seq),
        Some(EventsAfter::Time(at)) => number(before(unit, log, at).await?),
        None => 0,
    };
    let (of_log, most) = (i64::from(log), rows_at_most(limit));
    let rows = match kind {
        Some(kind) => unit.query(PAGE_OF, &[&of_log, &after, &most, &i16::from(kind.number())]).await?,
        None => unit.query(PAGE, &[&of_log, &after, &most]).await?,
    };
    let next = if rows.len() == limit { rows.last().map(|row| rows::count(row, 0)).transpose()? } else { None };
    let events = content::fill(unit, owner, log, read(&rows)?).await?;
    Ok(EventPage { events, next })
}

/// The number before the first event of this time or later.
pub(super) async fn before(unit: &Unit, log: u32, at: Timestamp) -> Result<u64, Fault> {
    let log = i64::from(log);
    let ends = unit.one(ENDS, &[&log]).await?;
    let (first, last) = (rows::get::<Option<i64>>(&ends, 0)?, rows::get::<Option<i64>>(&ends, 1)?);
    let Some((first, last)) = first.zip(last) else { return Ok(0) };
    let mut halves = Halves::new(first.cast_unsigned(), last.cast_unsigned(), at);
    while let Some(from) = halves.next() {
        let row = unit.find(FROM, &[&log, &number(from)]).await?;
        let found = row.map(|row| Ok::<_, Fault>((rows::count(&row, 0)?, rows::time(&row, 1)?))).transpose()?;
        halves.look(from, found);
    }
    Ok(halves.found())
}

/// The event with this number, unless it or its resource is gone.
pub(super) async fn find(unit: &Unit, owner: Owner, log: u32, seq: u64) -> Result<Option<EventRecord>, Fault> {
    let rows = unit.query(ONE, &[&i64::from(log), &number(seq)]).await?;
    Ok(content::fill(unit, owner, log, read(&rows)?).await?.pop())
}

/// The events in these rows, but for those that cannot be read.
fn read(rows: &[Row]) -> Result<Vec<Read>, Fault> {
    let mut events = Vec::with_capacity(rows.len());
    for row in rows {
        if let Some((kind, facts)) = facts(row, 2)? {
            let (seq, at) = (rows::count(row, 0)?, rows::time(row, 1)?);
            events.push(Read { seq, at, kind, sequence: rows::count(row, 4)?, facts });
        }
    }
    Ok(events)
}
