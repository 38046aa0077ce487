//! Messages that are held, since nobody knows whether their carriers took them: receipts that nobody claims may mean
//! them.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use model::{CarrierName, MessageId, Timestamp};

use super::super::fault::Fault;
use super::super::unit::Unit;
use super::super::{life, rows};
use super::records::{Records, filed};
use super::{entries, parked};
use ledger::contract::receipts::{HeldStep, Receipt};
use ledger::receipts::Filed;
use ledger::receipts::held::is_meant;
use ledger::receipts::matching::Segments;
use ledger::receipts::numbers::key_of_recipient;
use ledger::receipts::parking::seen_under;

/// One step through the held messages.
pub(super) async fn settle_held(
    unit: &mut Unit,
    now: Timestamp,
    unclaimed: Duration,
    after: Option<MessageId>,
    limit: usize,
) -> Result<HeldStep, Fault> {
    if unit.find(IS_PARKED, &[]).await?.is_none() {
        return Ok(HeldStep::default());
    }
    if after.is_none() {
        parked::sweep(unit, now, limit).await?;
    }
    let after = rows::id(after.map_or([0; 16], MessageId::to_bytes));
    let held = unit.query(HELD, &[&after, &(limit as i64)]).await?;
    let last = held.last().filter(|_| held.len() == limit).map(|row| rows::octets(row, 0)).transpose()?;
    let mut keys: BTreeSet<(CarrierName, String)> = BTreeSet::new();
    for row in &held {
        keys.insert((rows::carrier(row, 1)?, key_of_recipient(&rows::get::<i64>(row, 2)?.to_string())));
    }
    let keys: Vec<(CarrierName, String)> = keys.into_iter().collect();
    settle_unclaimed(unit, &keys, now, now - unclaimed).await?;
    Ok(HeldStep { next: last.map(MessageId::from_bytes) })
}

/// Gives receipts that came before `unclaimed_since`, and are parked under these keys of recipients, to the messages
/// that they can only mean.
async fn settle_unclaimed(
    unit: &mut Unit,
    keys: &[(CarrierName, String)],
    now: Timestamp,
    unclaimed_since: Timestamp,
) -> Result<(), Fault> {
    let found = parked::under_keys(unit, keys).await?;
    if found.is_empty() {
        return Ok(());
    }
    let keys: BTreeMap<usize, &(CarrierName, String)> =
        found.iter().filter_map(|(place, _)| Some((*place, keys.get(*place)?))).collect();
    let mut held = the_only_held(unit, &keys).await?;
    // Messages are locked before parked receipts, as by those who record outcomes.
    let lives = life::lock(unit, held.values().map(|filed| filed.id)).await?;
    held.retain(|_, filed| lives.get(&filed.id).is_some_and(|life| life.delivery.held));
    let found: Vec<(usize, i64)> = found.into_iter().filter(|(place, _)| held.contains_key(place)).collect();
    let parked: Vec<i64> = found.iter().map(|(_, parked)| *parked).collect();
    let parked = entries::lock_free(unit, &parked).await?;
    let mut records = Records::default();
    let accepted_at = |records: &mut Records| {
        let at = |(place, filed): (&usize, &Filed)| {
            let Ok(at) = records.accepted_at(filed.id);
            (*place, at)
        };
        held.iter().map(at).collect::<BTreeMap<usize, Timestamp>>()
    };
    let accepted_at = records.decide(unit, accepted_at).await?;
    let mut seen: BTreeMap<i64, (Receipt, &Filed)> = BTreeMap::new();
    for (place, id) in found {
        if let (Some(filed), Some(accepted_at), Some(one)) =
            (held.get(&place), accepted_at.get(&place), parked.get(&id))
            && is_meant(&one.receipt, unclaimed_since, *accepted_at)
        {
            seen.entry(id).or_insert_with(|| (seen_under(&filed.key, one.receipt.clone()), filed));
        }
    }
    let mut meant: Vec<(i64, &Receipt, Filed)> = Vec::with_capacity(seen.len());
    for (id, (receipt, filed)) in &seen {
        let standing = records.standing(&receipt.carrier, filed);
        records.give_fate(receipt, &standing);
        meant.push((*id, receipt, standing));
    }
    parked::settle_and_end(unit, meant, now).await
}

/// The message that is held under each of these keys, where there is just one.
async fn the_only_held(
    unit: &Unit,
    keys: &BTreeMap<usize, &(CarrierName, String)>,
) -> Result<BTreeMap<usize, Filed>, Fault> {
    let places: Vec<i64> = keys.keys().map(|place| *place as i64).collect();
    let carriers: Vec<&str> = keys.values().map(|(carrier, _)| carrier.as_str()).collect();
    let texts: Vec<&str> = keys.values().map(|(_, key)| key.as_str()).collect();
    let mut held: BTreeMap<usize, Vec<Filed>> = BTreeMap::new();
    for row in unit.query(HELD_UNDER_KEYS, &[&places, &carriers, &texts]).await? {
        held.entry(rows::count(&row, 6)?).or_default().push(filed(&row)?);
    }
    let only = |(place, mut held): (usize, Vec<Filed>)| {
        let first = held.pop()?;
        held.is_empty().then_some((place, first))
    };
    Ok(held.into_iter().filter_map(only).collect())
}

const IS_PARKED: &str = "SELECT 1 FROM unmatched WHERE fate = 'waiting' LIMIT 1";

const HELD: &str =
    "SELECT message_id, carrier, recipient FROM queue WHERE held AND message_id > $1 ORDER BY message_id LIMIT $2";

const HELD_UNDER_KEYS: &str = "SELECT s.key, s.message_id, s.number, s.total, s.recipient, s.fate, n.place \
    FROM unnest($1::bigint[], $2::text[], $3::text[]) n(place, carrier, key) CROSS JOIN LATERAL \
    (SELECT f.key, f.message_id, f.number, f.total, f.recipient, f.fate FROM segments f \
    JOIN queue q ON q.message_id = f.message_id AND q.held \
    WHERE f.carrier = n.carrier AND f.key = n.key AND f.fate = '' LIMIT 2) s";
