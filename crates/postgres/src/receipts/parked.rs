//! Parked receipts are looked at again: when their acknowledgements come, when attempts that they wait for have ended,
//! and when nobody claims them.

use std::collections::{BTreeMap, BTreeSet};

use model::unmatched::Fate;
use model::{CarrierName, MessageId, Timestamp};
use uuid::Uuid;

use super::super::fault::Fault;
use super::super::rows;
use super::super::unit::Unit;
use super::entries::{self, Parked};
use super::records::{Meaning, Records};
use super::settle::{Meant, settle};
use ledger::contract::receipts::Receipt;
use ledger::receipts::Filed;
use ledger::receipts::parking::{SAME_KEY_MAX, seen_under};

/// Applies receipts that came before the acknowledgements that have just filed segments under these carriers and keys,
/// at `at`. The gate was passed before the segments were filed. Of a receipt to which a key is another reading of its
/// id, all readings are looked at, the exact ids first.
pub(crate) async fn apply(unit: &mut Unit, filed: &[(CarrierName, String)], at: Timestamp) -> Result<(), Fault> {
    let found = under_keys(unit, filed).await?;
    if found.is_empty() {
        return Ok(());
    }
    let parked: Vec<i64> = found.iter().map(|(_, parked)| *parked).collect();
    let parked = entries::lock(unit, &parked).await?;
    let look = |(place, id): (usize, i64)| {
        let (key, Parked { receipt, came, .. }) = (&filed.get(place)?.1, parked.get(&id)?);
        let seen = seen_under(key, receipt.clone());
        let is_exact = seen.keys.first().is_none_or(|first| first == key);
        Some(if is_exact { Look::exact(id, seen) } else { Look::any(id, receipt.clone(), *came) })
    };
    let looks = found.into_iter().filter_map(look).collect();
    settle_looks(unit, looks, &parked, at).await
}

/// Looks again at the receipts that waited for attempts of these messages, which have ended.
pub(crate) async fn settle_waiting(unit: &mut Unit, ended: &[MessageId], at: Timestamp) -> Result<(), Fault> {
    let ended: Vec<Uuid> = ended.iter().map(|id| rows::id(id.to_bytes())).collect();
    let waiting = ids(unit, WAITING_FOR, &[&ended]).await?;
    if waiting.is_empty() {
        return Ok(());
    }
    let parked = entries::lock(unit, &waiting).await?;
    settle_parked(unit, parked, at).await
}

/// Looks again at receipts whose attempts have ended otherwise than by an outcome, at most `limit` of them.
pub(super) async fn sweep(unit: &mut Unit, now: Timestamp, limit: usize) -> Result<(), Fault> {
    let waiting = ids(unit, WAITING_FOR_NOTHING, &[&(limit as i64)]).await?;
    if waiting.is_empty() {
        return Ok(());
    }
    let parked = entries::lock_free(unit, &waiting).await?;
    settle_parked(unit, parked, now).await
}

/// Ends the wait of those of these receipts that are parked, at `at`.
pub(crate) async fn drop_if_waiting(unit: &Unit, parked: &[i64], at: Timestamp) -> Result<(), Fault> {
    let parked: Vec<(i64, Timestamp)> = parked.iter().map(|parked| (*parked, at)).collect();
    entries::end(unit, &parked, Fate::Dropped).await
}

/// The receipts that are parked under each of these keys, with the place of the key, the longest parked first.
pub(super) async fn under_keys(unit: &Unit, keys: &[(CarrierName, String)]) -> Result<Vec<(usize, i64)>, Fault> {
    if keys.is_empty() {
        return Ok(Vec::new());
    }
    let carriers: Vec<&str> = keys.iter().map(|(carrier, _)| carrier.as_str()).collect();
    let texts: Vec<_> = keys.iter().map(|(_, key)| rows::kept(key)).collect();
    let found = unit.query(UNDER_KEYS, &[&carriers, &texts, &i64::from(SAME_KEY_MAX)]).await?;
    found.iter().map(|row| Ok((rows::count::<usize>(row, 0)? - 1, rows::get(row, 1)?))).collect()
}

async fn ids(unit: &Unit, sql: &str, values: super::super::unit::Values<'_>) -> Result<Vec<i64>, Fault> {
    unit.query(sql, values).await?.iter().map(|row| rows::get(row, 0)).collect()
}

/// A parked receipt that is looked at again.
struct Look {
    parked: i64,
    receipt: Receipt,
    /// When it came, where any of its readings may be meant; `None` where its exact id is.
    came: Option<i64>,
}

impl Look {
    const fn exact(parked: i64, receipt: Receipt) -> Self {
        Self { parked, receipt, came: None }
    }

    const fn any(parked: i64, receipt: Receipt, came: i64) -> Self {
        Self { parked, receipt, came: Some(came) }
    }
}

/// Settles what parked receipts mean by any of their readings, unless attempts that began before they came may still
/// bring their exact ids.
async fn settle_parked(unit: &mut Unit, parked: BTreeMap<i64, Parked>, at: Timestamp) -> Result<(), Fault> {
    let looks = parked.iter().map(|(id, parked)| Look::any(*id, parked.receipt.clone(), parked.came)).collect();
    settle_looks(unit, looks, &parked, at).await
}

/// Looks at parked receipts, one after the other, each until it has found its segment.
async fn settle_looks(
    unit: &mut Unit,
    looks: Vec<Look>,
    parked: &BTreeMap<i64, Parked>,
    at: Timestamp,
) -> Result<(), Fault> {
    let decided = Records::default().decide(unit, |records| Decided::of(records, &looks)).await?;
    let meant = decided.meant.into_iter().map(|(look, filed)| (looks[look].parked, &looks[look].receipt, filed));
    settle_and_end(unit, meant.collect(), at).await?;
    let is_new =
        |id: &i64, waits_for: &Option<MessageId>| parked.get(id).is_some_and(|parked| parked.waits_for != *waits_for);
    let waits = decided.waits.into_iter().filter(|(id, waits_for)| is_new(id, waits_for));
    let (ids, attempts): (Vec<i64>, Vec<Option<Uuid>>) =
        waits.map(|(id, waits_for)| (id, waits_for.map(|attempt| rows::id(attempt.to_bytes())))).unzip();
    if !ids.is_empty() {
        unit.execute(WAIT, &[&ids, &attempts]).await?;
    }
    Ok(())
}

/// Applies parked receipts to the segments that they mean, and ends their waits at `at`.
pub(super) async fn settle_and_end(
    unit: &mut Unit,
    meant: Vec<(i64, &Receipt, Filed)>,
    at: Timestamp,
) -> Result<(), Fault> {
    if meant.is_empty() {
        return Ok(());
    }
    let ended: Vec<(i64, Timestamp)> = meant.iter().map(|(parked, ..)| (*parked, at)).collect();
    let meant: Vec<Meant<'_>> = meant.into_iter().map(|(_, receipt, filed)| Meant { receipt, filed }).collect();
    settle(unit, &meant).await?;
    entries::end(unit, &ended, Fate::Matched).await
}

/// What follows from a look at parked receipts.
#[derive(Default)]
struct Decided {
    /// The looks that found segments.
    meant: Vec<(usize, Filed)>,
    /// For whose attempts the others wait, if for any.
    waits: BTreeMap<i64, Option<MessageId>>,
}

impl Decided {
    fn of(records: &mut Records, looks: &[Look]) -> Self {
        let (mut decided, mut ended) = (Self::default(), BTreeSet::new());
        for (place, look) in looks.iter().enumerate() {
            if ended.contains(&look.parked) {
                continue;
            }
            let meaning = match look.came {
                Some(came) => records.meaning(&look.receipt, Some(came)),
                None => records.meant(&look.receipt).map_or(Meaning::Nothing, |filed| Meaning::Segment(0, filed)),
            };
            match meaning {
                Meaning::Segment(_, filed) => {
                    ended.insert(look.parked);
                    decided.waits.remove(&look.parked);
                    decided.meant.push((place, filed));
                }
                Meaning::Awaited(attempt) => drop(decided.waits.insert(look.parked, Some(attempt))),
                Meaning::Nothing if look.came.is_some() => drop(decided.waits.insert(look.parked, None)),
                // Another recipient's: it waits for its own segment.
                Meaning::Nothing => {}
            }
        }
        decided
    }
}

const UNDER_KEYS: &str = "SELECT n.place, k.parked_id \
    FROM unnest($1::text[], $2::text[]) WITH ORDINALITY AS n(carrier, key, place) CROSS JOIN LATERAL \
    (SELECT parked_id FROM parked_keys WHERE carrier = n.carrier AND key = n.key ORDER BY parked_id LIMIT $3) k \
    ORDER BY n.place, k.parked_id";

// Only what is parked waits for an attempt. That its fate is 'waiting' is left out: for it, all that are parked would
// be read.
const WAITING_FOR: &str = "SELECT u.id FROM unmatched u WHERE u.waits_for = ANY($1) AND NOT EXISTS \
    (SELECT 1 FROM queue q WHERE q.message_id = u.waits_for AND q.attempt_began <= u.came)";

/// Attempts of epochs that are over get no acknowledgement any more.
const WAITING_FOR_NOTHING: &str = "SELECT u.id FROM unmatched u WHERE u.waits_for IS NOT NULL AND NOT EXISTS \
    (SELECT 1 FROM queue q JOIN nodes n ON n.epoch = (q.lease >> 32 & 4294967295) AND NOT n.is_over \
    WHERE q.message_id = u.waits_for AND q.attempt_began <= u.came) ORDER BY u.waits_for LIMIT $1";

const WAIT: &str = "UPDATE unmatched u SET waits_for = n.waits_for \
    FROM unnest($1::bigint[], $2::uuid[]) n(id, waits_for) WHERE u.id = n.id AND u.ended_at IS NULL";
