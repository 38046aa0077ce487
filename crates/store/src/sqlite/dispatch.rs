//! The way to a carrier: leases, and the outcomes of attempts.

use std::collections::HashSet;
use std::time::Duration;

use async_trait::async_trait;
use model::{MessageId, Moment, Timestamp};
use rusqlite::{Connection, OptionalExtension, params};

use super::Sqlite;
use super::attempts::begin;
use super::blank;
use super::broadcasts::is_canceled;
use super::fault::Fault;
use super::flights;
use super::life;
use super::messages::load_message;
use super::opted;
use super::parked;
use super::receipts::{file_held, file_segment};
use super::rows::{self, mask_from_sql, mask_to_sql};
use super::waiting;
use super::writer::Group;
use ledger::StoreError;
use ledger::contract::dispatch::{
    Attempt, Dispatch, Lease, LeaseRequest, Leased, Outcome, QueueDepth, Verdict, Waiting,
};
use ledger::contract::nodes::Epoch;
use ledger::contract::requests::REMEMBERED;
use ledger::life::Life;
use ledger::reasons::{CANCELED, ERASED, OPTED_OUT};
use ledger::shares::Shares;
use ledger::turns::{Reader, Work};
use ledger::verdict::{self, Ending};

#[async_trait]
impl Dispatch for Sqlite {
    async fn recover(&self, node: Epoch, now: Timestamp, retry_within: Duration) -> Result<u64, StoreError> {
        let write = move |group: &mut Group| {
            group.living.require(node)?;
            let interrupted = free_leases(&group.connection, Some(node), now)?;
            bound_retries(&group.connection, now + retry_within)?;
            Ok(interrupted)
        };
        self.writer.write(write).await
    }

    async fn lease_due(&self, request: LeaseRequest) -> Result<Vec<Leased>, StoreError> {
        self.writer.write(move |group| lease_due(group, &request)).await
    }

    async fn begin_attempts(&self, attempts: Vec<Attempt>, now: Moment) -> Result<Vec<Option<u32>>, StoreError> {
        let write = move |group: &mut Group| {
            let begun = attempts.iter().map(|attempt| begin(group, attempt, now));
            Ok(begun.collect::<rusqlite::Result<_>>()?)
        };
        self.writer.write(write).await
    }

    async fn record_outcomes(&self, outcomes: Vec<Outcome>) -> Result<(), StoreError> {
        let write = move |group: &mut Group| {
            for outcome in &outcomes {
                record_outcome(group, outcome)?;
            }
            Ok(())
        };
        self.writer.write(write).await
    }

    async fn release(&self, leases: Vec<(MessageId, u64)>, now: Timestamp) -> Result<(), StoreError> {
        let write = move |group: &mut Group| {
            let sql = "UPDATE delivery SET lease = 0, due_at = ?3 WHERE message_id = ?1 AND lease = ?2 AND lease <> 0 \
                AND in_flight = 0 AND status = 'queued'";
            for (id, token) in leases.into_iter().filter(|(_, token)| group.living.holds(*token)) {
                group.connection.prepare_cached(sql)?.execute(params![
                    id.to_bytes(),
                    mask_to_sql(token),
                    now.as_millis()
                ])?;
            }
            Ok(())
        };
        self.writer.write(write).await
    }

    async fn expire(
        &self,
        node: Epoch,
        now: Moment,
        under_way: HashSet<MessageId>,
        limit: usize,
    ) -> Result<usize, StoreError> {
        let write = move |group: &mut Group| {
            group.living.require(node)?;
            Ok(end(group, node, now, &under_way, Ending::ByValidity, limit)?)
        };
        self.writer.write(write).await
    }

    async fn forget_requests(&self, now: Timestamp, limit: usize) -> Result<u64, StoreError> {
        self.writer.write(move |group| Ok(forget_requests(&group.connection, now, limit)?)).await
    }

    async fn waiting(&self, id: MessageId) -> Result<Option<Waiting>, StoreError> {
        self.readers.read_for(Reader::Operator, Work::One, move |connection| waiting::waiting(connection, id)).await
    }

    async fn count_held(&self, limit: usize) -> Result<u64, StoreError> {
        self.readers.read_for(Reader::Platform, Work::One, move |connection| waiting::held(connection, limit)).await
    }

    async fn queue_depths(&self) -> Result<Vec<QueueDepth>, StoreError> {
        self.readers.read_for(Reader::Platform, Work::Page, queue_depths).await
    }
}

/// Single messages, and those of broadcasts: the order in which an account's are leased.
const LANES: [i64; 2] = [0, 1];

/// Makes what epochs that are over have leased due at `now`, and what `node` has. Returns how many of those leases had
/// an attempt under way.
pub(super) fn free_leases(connection: &Connection, node: Option<Epoch>, now: Timestamp) -> rusqlite::Result<u64> {
    // A lease that has not ended lies ahead of now in the index; what lies behind is due anyway, however its lease
    // ended.
    let select = "SELECT count(*) FROM delivery INDEXED BY delivery_due WHERE status = 'queued' AND carrier = ?1 \
                  AND account_id = ?2 AND lane = ?4 AND due_at > ?3 AND lease <> 0 \
                  AND lease >> 32 & 4294967295 NOT IN (SELECT epoch FROM nodes WHERE is_over = 0 AND epoch <> ?5) \
                  AND in_flight = 1";
    let update = "UPDATE delivery INDEXED BY delivery_due SET due_at = ?3 WHERE status = 'queued' AND carrier = ?1 \
                  AND account_id = ?2 AND lane = ?4 AND due_at > ?3 AND lease <> 0 \
                  AND lease >> 32 & 4294967295 NOT IN (SELECT epoch FROM nodes WHERE is_over = 0 AND epoch <> ?5)";
    let mut interrupted = 0;
    each_line(connection, |carrier, account, lane| {
        let line = params![carrier, account, now.as_millis(), lane, node.map_or(0, Epoch::get)];
        interrupted += connection.prepare_cached(select)?.query_row(line, |row| row.get::<_, u64>(0))?;
        connection.prepare_cached(update)?.execute(line).map(drop)
    })?;
    Ok(interrupted)
}

/// Has everything that nobody has leased due by `latest`.
fn bound_retries(connection: &Connection, latest: Timestamp) -> rusqlite::Result<()> {
    let sql = "UPDATE delivery INDEXED BY delivery_due SET due_at = ?3 WHERE status = 'queued' AND carrier = ?1 \
               AND account_id = ?2 AND lane = ?4 AND due_at > ?3 \
               AND (lease = 0 OR lease >> 32 & 4294967295 NOT IN (SELECT epoch FROM nodes WHERE is_over = 0))";
    each_line(connection, |carrier, account, lane| {
        connection.prepare_cached(sql)?.execute(params![carrier, account, latest.as_millis(), lane]).map(drop)
    })
}

/// Visits every carrier, account and lane with something queued.
fn each_line(
    connection: &Connection,
    mut visit: impl FnMut(&str, &[u8], i64) -> rusqlite::Result<()>,
) -> rusqlite::Result<()> {
    let mut place = (String::new(), Vec::new());
    while let Some((carrier, account)) = next_line(connection, &place)? {
        for lane in LANES {
            visit(&carrier, &account, lane)?;
        }
        place = (carrier, account);
    }
    Ok(())
}

/// The carrier and account with something queued that follow `place`.
fn next_line(connection: &Connection, place: &(String, Vec<u8>)) -> rusqlite::Result<Option<(String, Vec<u8>)>> {
    let sql = "SELECT carrier, account_id FROM delivery INDEXED BY delivery_due WHERE status = 'queued' \
               AND (carrier, account_id) > (?1, ?2) ORDER BY carrier, account_id LIMIT 1";
    connection
        .prepare_cached(sql)?
        .query_row(params![place.0, place.1], |row| Ok((row.get(0)?, row.get(1)?)))
        .optional()
}

/// Goes round the accounts from where the last lease left off, once.
fn lease_due(group: &mut Group, request: &LeaseRequest) -> Result<Vec<Leased>, Fault> {
    let node = Epoch::of_token(request.lease.token).ok_or(Fault::Told(StoreError::Over))?;
    group.living.require(node)?;
    let mut leased = Vec::new();
    let begin = group.turns.get(&request.carrier).cloned().unwrap_or_default();
    let mut place = begin.clone();
    let mut wrapped = false;
    let mut room_for_broadcasts = request.limit_of_broadcasts;
    while leased.len() < request.limit {
        match next_account(&group.connection, request.carrier.as_str(), &place)?
            .filter(|account| !wrapped || *account <= begin)
        {
            Some(account) => {
                if !request.passed_over.iter().any(|passed_over| passed_over.to_bytes()[..] == account) {
                    let limit = request.limit_per_account.min(request.limit - leased.len());
                    let before = leased.len();
                    lease_of_account(group, request, &account, LANES[0], limit, &mut leased)?;
                    let singles = leased.len();
                    let limit = room_for_broadcasts.min(limit - (singles - before));
                    lease_of_account(group, request, &account, LANES[1], limit, &mut leased)?;
                    room_for_broadcasts -= leased.len() - singles;
                }
                place = account;
            }
            None if wrapped || begin.is_empty() => break,
            None => {
                wrapped = true;
                place.clear();
            }
        }
    }
    group.turns.insert(request.carrier.clone(), if leased.len() < request.limit { Vec::new() } else { place });
    Ok(leased)
}

fn next_account(connection: &Connection, carrier: &str, after: &[u8]) -> rusqlite::Result<Option<Vec<u8>>> {
    let sql = "SELECT account_id FROM delivery INDEXED BY delivery_due WHERE status = 'queued' AND carrier = ?1 \
               AND account_id > ?2 ORDER BY account_id LIMIT 1";
    connection.prepare_cached(sql)?.query_row(params![carrier, after], |row| row.get(0)).optional()
}

fn lease_of_account(
    group: &Group,
    request: &LeaseRequest,
    account: &[u8],
    lane: i64,
    limit: usize,
    leased: &mut Vec<Leased>,
) -> rusqlite::Result<()> {
    if limit == 0 {
        return Ok(());
    }
    let (connection, asks) = (&group.connection, Epoch::of_token(request.lease.token));
    let sql = "SELECT message_id, attempts, accepted_segments, in_flight, lease, shares \
               FROM delivery INDEXED BY delivery_due WHERE status = 'queued' AND carrier = ?1 AND account_id = ?2 \
               AND lane = ?4 AND due_at <= ?3 AND held = 0 AND expires_at > ?5 ORDER BY due_at";
    let Moment { wall, steady } = request.now;
    let due: Vec<([u8; 16], u32, i64, bool, i64, Shares)> = connection
        .prepare_cached(sql)?
        .query_map(params![request.carrier.as_str(), account, steady.as_millis(), lane, wall.as_millis()], |row| {
            Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?, row.get(4)?, rows::shares(row, 5)?))
        })?
        .filter(
            |row| !matches!(row, Ok((id, _, _, true, ..)) if request.under_way.contains(&MessageId::from_bytes(*id))),
        )
        .filter(|row| {
            !matches!(row, Ok((_, _, _, true, lease, _))
                if asks.is_some_and(|node| group.living.is_of_another(mask_from_sql(*lease), node)))
        })
        .take(limit)
        .collect::<rusqlite::Result<_>>()?;
    let Lease { token, until } = request.lease;
    for (id, attempts, accepted, interrupted, _, shares) in due {
        let mut update =
            connection.prepare_cached("UPDATE delivery SET due_at = ?2, lease = ?3 WHERE message_id = ?1")?;
        update.execute(params![id, until.as_millis(), mask_to_sql(token)])?;
        leased.push(Leased {
            message: load_message(connection, account, &id)?,
            lease: request.lease,
            carrier: request.carrier.clone(),
            attempts,
            accepted_segments: mask_from_sql(accepted),
            refused_by: shares.refused_by(),
            interrupted,
        });
    }
    Ok(())
}

fn record_outcome(group: &mut Group, outcome: &Outcome) -> Result<(), Fault> {
    let Some(mut life) = life::load(&group.connection, outcome.id)? else { return Ok(()) };
    let outcome = &*verdict::unless_erased(outcome, &life);
    if outcome.verdict == Verdict::Sent || life.is_held_under(outcome.token) && group.living.holds(outcome.token) {
        let stops = match outcome.verdict {
            Verdict::Retry(_) => canceled(&group.connection, &life, outcome)?,
            _ => None,
        };
        verdict::apply(&mut life, outcome, stops);
        if outcome.verdict == Verdict::Hold && outcome.total == 1 {
            file_held(&group.connection, outcome)?;
        }
        life::save(group, &life)?;
    }
    // Whatever became of the message, receipts for what the carrier took will come.
    for segment in &outcome.accepted {
        if let Some(key) = &segment.key {
            file_segment(&group.connection, outcome, segment.number, key)?;
            if let Some(carrier) = outcome.carrier.carrier()
                && group.parked.has(carrier)
            {
                parked::apply(group, carrier, key, outcome.at)?;
            }
        }
    }
    Ok(flights::settle_waiting(group, outcome.id, outcome.at)?)
}

/// Why a message is not to be tried again: its broadcast was canceled, or its recipient is being erased or opted out.
fn canceled(connection: &Connection, life: &Life, outcome: &Outcome) -> rusqlite::Result<Option<&'static str>> {
    if let Some(broadcast) = life.broadcast
        && is_canceled(connection, broadcast)?
    {
        return Ok(Some(CANCELED));
    }
    if blank::is_being_erased(connection, outcome.recipient)? {
        return Ok(Some(ERASED));
    }
    Ok(opted::stops(connection, life.id, outcome.recipient)?.then_some(OPTED_OUT))
}

/// Ends queued messages that no other node owns. Returns their number.
pub(super) fn end(
    group: &mut Group,
    node: Epoch,
    now: Moment,
    under_way: &HashSet<MessageId>,
    ending: Ending,
    limit: usize,
) -> rusqlite::Result<usize> {
    let Moment { wall: now, steady } = now;
    let ids: Vec<MessageId> = group
        .connection
        .prepare_cached(EXPIRED)?
        .query_map(params![ending.valid_until(now).as_millis(), steady.as_millis()], |row| {
            Ok((row.get(0).map(MessageId::from_bytes)?, row.get(1).map(mask_from_sql)?))
        })?
        .filter(
            |row| !matches!(row, Ok((id, lease)) if under_way.contains(id) || group.living.is_of_another(*lease, node)),
        )
        .map(|row| row.map(|(id, _)| id))
        .take(limit)
        .collect::<rusqlite::Result<_>>()?;
    let mut ended = 0;
    for id in ids {
        let Some(mut life) = life::load(&group.connection, id)? else { continue };
        if ending.apply(&mut life, now) {
            life::save(group, &life)?;
            ended += 1;
        }
    }
    Ok(ended)
}

const EXPIRED: &str = "SELECT message_id, lease FROM delivery INDEXED BY delivery_expiry WHERE status = 'queued' \
    AND expires_at <= ?1 AND (lease = 0 OR due_at <= ?2)";
const FORGET_QUOTA: &str = "DELETE FROM quota WHERE (day, account_id, mode) IN \
    (SELECT day, account_id, mode FROM quota WHERE day < ?1 ORDER BY day LIMIT ?2)";
const FORGET_IDEMPOTENCY: &str = "DELETE FROM idempotency WHERE (account_id, mode, endpoint, key) IN \
    (SELECT account_id, mode, endpoint, key FROM idempotency INDEXED BY idempotency_age WHERE created_at < ?1 \
    ORDER BY created_at LIMIT ?2)";

/// Every statement of this file that maintenance runs.
#[cfg(test)]
pub(super) const MAINTENANCE: &[&str] =
    &[EXPIRED, FORGET_QUOTA, FORGET_IDEMPOTENCY, FIRST_CARRIER, NEXT_CARRIER, DEPTH, CREATED_AT, LAUNCHED, ACCEPTED];

/// Forgets idempotency records and quotas that count no more, the oldest first.
fn forget_requests(connection: &Connection, now: Timestamp, limit: usize) -> rusqlite::Result<u64> {
    let before = now - REMEMBERED;
    let day = model::quota::UtcDay::of(before).0;
    let quotas = connection.prepare_cached(FORGET_QUOTA)?.execute(params![day, limit])?;
    let records =
        connection.prepare_cached(FORGET_IDEMPOTENCY)?.execute(params![before.as_millis(), limit - quotas])?;
    Ok((quotas + records) as u64)
}

/// What waits for each carrier, one carrier after the other.
pub(super) fn queue_depths(connection: &Connection) -> rusqlite::Result<Vec<QueueDepth>> {
    let mut depths = Vec::new();
    let mut carrier: Option<String> =
        connection.prepare_cached(FIRST_CARRIER)?.query_row([], |row| row.get(0)).optional()?;
    while let Some(name) = carrier {
        let read = |row: &rusqlite::Row<'_>| Ok((row.get(0)?, row.get::<_, [u8; 16]>(1)?, row.get::<_, [u8; 16]>(2)?));
        let (queued, oldest, account) = connection.prepare_cached(DEPTH)?.query_row([&name], read)?;
        let waits_since = waits_since(connection, &name, (account, oldest))?;
        depths.push(QueueDepth { carrier: model::Assignment::parse(&name), queued, waits_since });
        carrier = connection.prepare_cached(NEXT_CARRIER)?.query_row([&name], |row| row.get(0)).optional()?;
    }
    Ok(depths)
}

/// Since when the message waits that has waited longest for a carrier, of whose messages `oldest` was accepted first.
/// One that was scheduled waits since its time has come, and others may have waited longer than it.
fn waits_since(
    connection: &Connection,
    carrier: &str,
    mut oldest: ([u8; 16], [u8; 16]),
) -> rusqlite::Result<Option<Timestamp>> {
    let mut launched = connection.prepare_cached(LAUNCHED)?;
    let launched = launched.query_row([carrier], |row| rows::time_if_any(row, 0))?;
    if launched.is_some() {
        let read = |row: &rusqlite::Row<'_>| Ok((row.get(0)?, row.get::<_, Option<[u8; 16]>>(1)?));
        match connection.prepare_cached(ACCEPTED)?.query_row([carrier], read)? {
            (Some(account), Some(id)) => oldest = (account, id),
            _ => return Ok(launched),
        }
    }
    let (account, id) = oldest;
    let mut created_at = connection.prepare_cached(CREATED_AT)?;
    let accepted = created_at.query_row(params![account, id], |row| rows::time(row, 0)).optional()?;
    Ok(accepted.into_iter().chain(launched).min())
}

// No route leads to the carrier without a name, but messages may wait there; nothing sorts before it.
const FIRST_CARRIER: &str = "SELECT carrier FROM delivery INDEXED BY delivery_due WHERE status = 'queued' \
    AND carrier >= '' ORDER BY carrier LIMIT 1";
const NEXT_CARRIER: &str = "SELECT carrier FROM delivery INDEXED BY delivery_due WHERE status = 'queued' \
    AND carrier > ?1 ORDER BY carrier LIMIT 1";

/// Ids sort in the order of acceptance, so the lowest one is of the oldest message, and the index holds all that is
/// counted. The time in an id may be ahead of the clock; the message has the time of the clock. SQLite takes
/// `account_id` from the row with the lowest id ("bare columns in an aggregate query").
const DEPTH: &str = "SELECT count(*), min(message_id), account_id FROM delivery INDEXED BY delivery_due WHERE status = \
    'queued' AND carrier = ?1";
const CREATED_AT: &str = "SELECT created_at FROM messages WHERE account_id = ?1 AND id = ?2";
const LAUNCHED: &str = "SELECT min(queued_at) FROM delivery INDEXED BY delivery_launched WHERE status = 'queued' \
    AND queued_at IS NOT NULL AND carrier = ?1";
/// As [`DEPTH`], of those that were not scheduled.
const ACCEPTED: &str = "SELECT account_id, min(message_id) FROM delivery INDEXED BY delivery_due \
    WHERE status = 'queued' AND carrier = ?1 AND message_id NOT IN (SELECT message_id FROM delivery \
    INDEXED BY delivery_launched WHERE status = 'queued' AND queued_at IS NOT NULL AND carrier = ?1)";
