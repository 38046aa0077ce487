//! Leases: fair rounds over the accounts with something due, and what is given back.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use model::{Assignment, MessageId, Timestamp};
use uuid::Uuid;

use crate::fault::Fault;
use crate::living::{self, Owners};
use crate::rows::{self, MESSAGE, MESSAGE_COLUMNS};
use crate::unit::Unit;
use ledger::StoreError;
use ledger::contract::dispatch::{Lease, LeaseRequest, Leased};
use ledger::contract::nodes::Epoch;

/// How many accounts are looked at together: few at first, since more messages of them may be found than there is room
/// for, and more where they had little.
const ACCOUNTS_AT_FIRST: usize = 32;
const ACCOUNTS_AT_MOST: usize = 1_024;

/// The accounts after $2 with something queued, each found by one look into the index.
const ACCOUNTS: &str = "WITH RECURSIVE walk (account_id) AS ( \
    (SELECT account_id FROM queue WHERE carrier = $1 AND account_id > $2 ORDER BY account_id LIMIT 1) UNION ALL \
    SELECT (SELECT q.account_id FROM queue q WHERE q.carrier = $1 AND q.account_id > walk.account_id \
    ORDER BY q.account_id LIMIT 1) FROM walk WHERE walk.account_id IS NOT NULL) \
    SELECT account_id FROM walk WHERE account_id IS NOT NULL LIMIT $3";

/// That a message of `queue` may be leased, but for its carrier, its account and its lane.
macro_rules! is_due {
    () => {
        "due_at <= $5 AND NOT held AND expires_at > $6 \
         AND (attempt_began IS NULL OR (lease >> 32) & 4294967295 <= $7 AND (lease >> 32) & 4294967295 <> ALL($8)) \
         AND NOT (attempt_began IS NOT NULL AND message_id = ANY($9))"
    };
}

/// What is due of these accounts: $2 single messages of each, and $3 of broadcasts.
const DUE: &str = concat!(
    "SELECT a.account_id, l.lane, q.message_id \
    FROM unnest($1::uuid[]) WITH ORDINALITY AS a (account_id, place) \
    CROSS JOIN (VALUES (0::smallint, $2::bigint), (1::smallint, $3::bigint)) AS l (lane, most) \
    CROSS JOIN LATERAL (SELECT message_id, due_at FROM queue \
        WHERE carrier = $4 AND account_id = a.account_id AND lane = l.lane AND ",
    is_due!(),
    " \
        ORDER BY due_at, message_id LIMIT l.most) q \
    ORDER BY a.place, l.lane, q.due_at, q.message_id"
);

/// Puts the lease on those that are due still. What others hold at this moment is left to them.
const LEASE: &str = concat!(
    "WITH free AS MATERIALIZED (SELECT message_id FROM queue \
    WHERE message_id = ANY($1) AND carrier = $4 AND ",
    is_due!(),
    " \
    ORDER BY message_id FOR UPDATE SKIP LOCKED) \
    UPDATE queue q SET due_at = $2, lease = $3 FROM free WHERE q.message_id = free.message_id \
    RETURNING q.message_id, q.attempts, q.attempt_began IS NOT NULL"
);

/// Where each carrier's last round over the accounts ended, so that the next one goes on from there.
#[derive(Default)]
pub(super) struct Turns(Mutex<BTreeMap<Assignment, Uuid>>);

impl Turns {
    /// The account after which the next round begins; the nil UUID for the first one.
    pub(super) fn of(&self, carrier: &Assignment) -> Uuid {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get(carrier).copied().unwrap_or_default()
    }

    /// A round has ended at `place`.
    pub(super) fn set(&self, carrier: Assignment, place: Uuid) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(carrier, place);
    }
}

/// What a round has taken so far.
struct Taken {
    due: Vec<Uuid>,
    room_for_broadcasts: usize,
    /// The account that it was at last.
    place: Uuid,
}

/// Goes round the accounts from `begin`, once. Returns what was leased, and the account after which the next round
/// begins.
pub(super) async fn lease_due(unit: &Unit, request: &LeaseRequest, begin: Uuid) -> Result<(Vec<Leased>, Uuid), Fault> {
    let node = Epoch::of_token(request.lease.token).ok_or(Fault::Told(StoreError::Over))?;
    living::require(unit, node).await?;
    let owners = living::owners(unit, Some(node)).await?;
    let mut taken = Taken { due: Vec::new(), room_for_broadcasts: request.limit_of_broadcasts, place: begin };
    let (mut has_wrapped, mut many) = (false, ACCOUNTS_AT_FIRST);
    while taken.due.len() < request.limit {
        let mut accounts = accounts_after(unit, &request.carrier, taken.place, many).await?;
        accounts.retain(|account| !has_wrapped || *account <= begin);
        let Some(last) = accounts.last().copied() else {
            if has_wrapped || begin.is_nil() {
                break;
            }
            (taken.place, has_wrapped) = (Uuid::nil(), true);
            continue;
        };
        accounts.retain(|account| {
            !request.passed_over.iter().any(|passed_over| passed_over.to_bytes() == account.into_bytes())
        });
        take(unit, request, &owners, &accounts, &mut taken).await?;
        if taken.due.len() < request.limit {
            taken.place = last;
        }
        many = (many * 2).min(ACCOUNTS_AT_MOST);
    }
    let place = if taken.due.len() < request.limit { Uuid::nil() } else { taken.place };
    Ok((lease(unit, request, &owners, &taken.due).await?, place))
}

async fn accounts_after(unit: &Unit, carrier: &Assignment, place: Uuid, many: usize) -> Result<Vec<Uuid>, Fault> {
    let found = unit.query(ACCOUNTS, &[&carrier.as_str(), &place, &rows::limit(many)]).await?;
    found.iter().map(|row| rows::get(row, 0)).collect()
}

/// Takes what is due of these accounts, as far as there is room.
async fn take(
    unit: &Unit,
    request: &LeaseRequest,
    owners: &Owners,
    accounts: &[Uuid],
    taken: &mut Taken,
) -> Result<(), Fault> {
    if accounts.is_empty() {
        return Ok(());
    }
    let most = request.limit_per_account.min(request.limit - taken.due.len());
    let found = unit
        .query(
            DUE,
            &[
                &accounts,
                &rows::limit(most),
                &rows::limit(most.min(taken.room_for_broadcasts)),
                &request.carrier.as_str(),
                &request.now.steady.as_millis(),
                &request.now.wall.as_millis(),
                &owners.last,
                &owners.living,
                &under_way(request),
            ],
        )
        .await?;
    let mut of_account = 0;
    for row in &found {
        let account: Uuid = rows::get(row, 0)?;
        let is_of_broadcast = rows::get::<i16>(row, 1)? != 0;
        if taken.due.len() == request.limit {
            return Ok(());
        }
        if std::mem::replace(&mut taken.place, account) != account {
            of_account = 0;
        }
        if of_account == request.limit_per_account || is_of_broadcast && taken.room_for_broadcasts == 0 {
            continue;
        }
        of_account += 1;
        taken.room_for_broadcasts -= usize::from(is_of_broadcast);
        taken.due.push(rows::get(row, 2)?);
    }
    Ok(())
}

/// Puts the lease on the messages, and reads what is to be sent.
async fn lease(unit: &Unit, request: &LeaseRequest, owners: &Owners, due: &[Uuid]) -> Result<Vec<Leased>, Fault> {
    if due.is_empty() {
        return Ok(Vec::new());
    }
    let leased = put(unit, request, owners, due).await?;
    let ids: Vec<Uuid> = due.iter().filter(|id| leased.contains_key(*id)).copied().collect();
    let sql = format!(
        "SELECT {MESSAGE}, d.accepted_segments, d.shares FROM messages m JOIN delivery d ON d.message_id = m.id \
         WHERE m.id = ANY($1) AND d.message_id = ANY($1)"
    );
    let mut found = BTreeMap::new();
    for row in unit.query(&sql, &[&ids]).await? {
        let message = rows::message(&row, 0)?;
        let accepted = rows::get::<i64>(&row, MESSAGE_COLUMNS)?.cast_unsigned();
        found.insert(message.id, (message, accepted, rows::shares(&row, MESSAGE_COLUMNS + 1)?.refused_by()));
    }
    let told = |id: &Uuid| {
        let (attempts, interrupted) = leased[id];
        let id = MessageId::from_bytes(id.into_bytes());
        let gone = || Fault::Broken(format!("the queued message {id} is gone"));
        let (message, accepted_segments, refused_by) = found.remove(&id).ok_or_else(gone)?;
        let (lease, carrier) = (request.lease, request.carrier.clone());
        Ok(Leased { message, lease, carrier, attempts, accepted_segments, refused_by, interrupted })
    };
    ids.iter().map(told).collect()
}

/// Puts the lease on those of these messages that are due still. Says of each how often it was attempted, and whether
/// an attempt was under way.
async fn put(
    unit: &Unit,
    request: &LeaseRequest,
    owners: &Owners,
    due: &[Uuid],
) -> Result<BTreeMap<Uuid, (u32, bool)>, Fault> {
    let Lease { token, until } = request.lease;
    let found = unit
        .query(
            LEASE,
            &[
                &due,
                &until.as_millis(),
                &token.cast_signed(),
                &request.carrier.as_str(),
                &request.now.steady.as_millis(),
                &request.now.wall.as_millis(),
                &owners.last,
                &owners.living,
                &under_way(request),
            ],
        )
        .await?;
    found.iter().map(|row| Ok((rows::get(row, 0)?, (rows::count(row, 1)?, rows::get(row, 2)?)))).collect()
}

/// What the asking process has under way itself.
fn under_way(request: &LeaseRequest) -> Vec<Uuid> {
    request.under_way.iter().map(|id| rows::id(id.to_bytes())).collect()
}

const LOCK: &str = "SELECT q.message_id FROM queue q JOIN unnest($1::uuid[], $2::bigint[]) AS n (id, lease) \
    ON q.message_id = n.id AND q.lease = n.lease WHERE q.lease <> 0 AND q.attempt_began IS NULL \
    ORDER BY q.message_id FOR UPDATE OF q";
const RELEASE: &str = "UPDATE queue SET lease = 0, due_at = $2 WHERE message_id = ANY($1)";

/// Gives messages back that were not attempted.
pub(super) async fn release(unit: &Unit, leases: &[(MessageId, u64)], now: Timestamp) -> Result<(), Fault> {
    let living = living::held(unit, leases.iter().map(|(_, token)| *token)).await?;
    let holds = |token: u64| Epoch::of_token(token).is_some_and(|epoch| living.contains(&epoch));
    let (ids, tokens): (Vec<Uuid>, Vec<i64>) = leases
        .iter()
        .filter(|(_, token)| holds(*token))
        .map(|(id, token)| (rows::id(id.to_bytes()), token.cast_signed()))
        .unzip();
    let found = unit.query(LOCK, &[&ids, &tokens]).await?;
    let held: Vec<Uuid> = found.iter().map(|row| rows::get(row, 0)).collect::<Result<_, _>>()?;
    unit.execute(RELEASE, &[&held, &now.as_millis()]).await?;
    Ok(())
}
