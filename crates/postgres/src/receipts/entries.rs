//! What carriers sent and nothing could use: the rows, how they end, and what of them is kept for the operator.

use std::collections::BTreeMap;

use model::unmatched::{Fate, Raw, Reason};
use model::{CarrierName, MessageId, Timestamp, Unmatched};
use tokio_postgres::Row;

use super::super::fault::Fault;
use super::super::rows;
use super::super::unit::Unit;
use ledger::contract::receipts::{Receipt, Refused, UNMATCHED_KEPT};
use ledger::receipts::parking::kept_of;
use ledger::receipts::words;

/// A receipt that is parked, with all its keys.
pub(super) struct Parked {
    pub(super) receipt: Receipt,
    /// When it came, in microseconds by the clock of the database.
    pub(super) came: i64,
    /// The message for the end of whose attempt it waits.
    pub(super) waits_for: Option<MessageId>,
}

macro_rules! lock {
    ($how:literal) => {
        concat!(
            "SELECT id, addresses, says, at, detail, scope, keys, carrier, \
             (extract(epoch FROM came) * 1000000)::bigint, waits_for FROM unmatched \
             WHERE id = ANY($1) AND ended_at IS NULL ORDER BY id ",
            $how
        )
    };
}

const LOCK: &str = lock!("FOR UPDATE");
const LOCK_FREE: &str = lock!("FOR UPDATE SKIP LOCKED");

/// Locks those of these receipts that are parked, and waits for others who have them.
pub(super) async fn lock(unit: &Unit, parked: &[i64]) -> Result<BTreeMap<i64, Parked>, Fault> {
    unit.query(LOCK, &[&parked]).await?.iter().map(read_parked).collect()
}

/// The same, but leaves those alone that others have.
pub(super) async fn lock_free(unit: &Unit, parked: &[i64]) -> Result<BTreeMap<i64, Parked>, Fault> {
    unit.query(LOCK_FREE, &[&parked]).await?.iter().map(read_parked).collect()
}

fn read_parked(row: &Row) -> Result<(i64, Parked), Fault> {
    let receipt = Receipt {
        carrier: rows::carrier(row, 7)?,
        keys: words::listed_keys(&rows::text(row, 6)?),
        addresses: words::listed_addresses(&rows::text(row, 1)?),
        fate: rows::word(row, 2, words::fate)?,
        at: rows::time(row, 3)?,
        detail: rows::text(row, 4)?,
        scope: words::scope(rows::small(row, 5)?),
        raw: Raw::default(),
    };
    let waits_for = rows::octets_if_any(row, 9)?.map(MessageId::from_bytes);
    Ok((rows::get(row, 0)?, Parked { receipt, came: rows::get(row, 8)?, waits_for }))
}

/// Ends the wait of those of these receipts that are parked, each at its time.
pub(super) async fn end(unit: &Unit, ended: &[(i64, Timestamp)], fate: Fate) -> Result<(), Fault> {
    if ended.is_empty() {
        return Ok(());
    }
    let (parked, at): (Vec<i64>, Vec<i64>) = ended.iter().map(|(parked, at)| (*parked, at.as_millis())).unzip();
    for row in unit.query(END, &[&parked, &at, &fate.as_str()]).await? {
        trim(unit, rows::get(&row, 0)?, fate, rows::count(&row, 1)?).await?;
    }
    Ok(())
}

/// Keeps the last hundred entries of a carrier and fate, of which so many are new.
pub(super) async fn trim(unit: &Unit, carrier: &str, fate: Fate, new: usize) -> Result<(), Fault> {
    // A few more, so that what others have left alone goes in the end.
    let (kept, most) = (UNMATCHED_KEPT as i64, new as i64 + 4);
    unit.execute(TRIM, &[&carrier, &fate.as_str(), &(kept - 1), &most]).await.map(drop)
}

/// Keeps what was refused as it came.
pub(super) async fn keep_refused(unit: &Unit, refused: &[Refused]) -> Result<(), Fault> {
    macro_rules! column {
        ($refused:ident => $value:expr) => {
            &refused.iter().map(|$refused| $value).collect::<Vec<_>>()
        };
    }
    let carriers: Vec<&str> = refused.iter().map(|refused| refused.carrier.as_str()).collect();
    unit.execute(
        REFUSED,
        &[
            &carriers,
            column!(refused => refused.at.as_millis()),
            column!(refused => rows::kept(kept_of(refused).0)),
            column!(refused => refused.reason.as_str()),
            column!(refused => rows::kept(kept_of(refused).1)),
            &Fate::Refused.as_str(),
        ],
    )
    .await?;
    let mut new: BTreeMap<&str, usize> = BTreeMap::new();
    carriers.iter().for_each(|carrier| *new.entry(*carrier).or_default() += 1);
    for (carrier, new) in new {
        trim(unit, carrier, Fate::Refused, new).await?;
    }
    Ok(())
}

/// The last of a carrier, newest first; those that were matched later only where there is room beside the others.
pub(super) async fn unmatched(unit: &Unit, carrier: &str, limit: usize) -> Result<Vec<Unmatched>, Fault> {
    let mut found: Vec<(i64, Unmatched)> = Vec::new();
    for fate in Fate::ALL.iter().filter(|fate| **fate != Fate::Matched) {
        found.extend(of_fate(unit, carrier, *fate, limit).await?);
    }
    found.sort_unstable_by_key(|(id, _)| std::cmp::Reverse(*id));
    found.truncate(limit);
    let room = limit - found.len();
    found.extend(of_fate(unit, carrier, Fate::Matched, room).await?);
    found.sort_unstable_by_key(|(id, _)| std::cmp::Reverse(*id));
    Ok(found.into_iter().map(|(_, unmatched)| unmatched).collect())
}

async fn of_fate(unit: &Unit, carrier: &str, fate: Fate, limit: usize) -> Result<Vec<(i64, Unmatched)>, Fault> {
    let read = |row: &Row| {
        let unmatched = Unmatched {
            at: rows::time(row, 1)?,
            reason: rows::word(row, 2, Reason::parse)?,
            fate,
            ended_at: rows::time_if_any(row, 3)?,
            keys: words::listed_keys(&rows::text(row, 4)?),
            addresses: words::listed_addresses(&rows::text(row, 5)?),
            detail: rows::text(row, 6)?,
            raw: rows::text(row, 7)?,
        };
        Ok((rows::get(row, 0)?, unmatched))
    };
    unit.query(LAST, &[&carrier, &fate.as_str(), &(limit as i64)]).await?.iter().map(read).collect()
}

/// How many receipts of a carrier match nothing.
pub(super) async fn count_unmatched(unit: &Unit, carrier: &str) -> Result<u64, Fault> {
    rows::count(&unit.one(COUNT, &[&carrier]).await?, 0)
}

/// The carriers whose old receipts were dropped, one for each.
pub(super) async fn forget(
    unit: &Unit,
    before: Timestamp,
    now: Timestamp,
    limit: usize,
) -> Result<Vec<CarrierName>, Fault> {
    let old = unit.query(OLD, &[&before.as_millis(), &(limit as i64)]).await?;
    let ended: Vec<(i64, Timestamp)> =
        old.iter().map(|row| Ok((rows::get(row, 0)?, now))).collect::<Result<_, Fault>>()?;
    end(unit, &ended, Fate::Expired).await?;
    old.iter().map(|row| rows::carrier(row, 1)).collect()
}

// What has no end waits. It is not said by the fate: for that, all that are parked would be read.
const END: &str = "WITH ended AS (UPDATE unmatched u SET fate = $3, ended_at = n.at, waits_for = NULL \
    FROM unnest($1::bigint[], $2::bigint[]) n(id, at) WHERE u.id = n.id AND u.ended_at IS NULL \
    RETURNING u.id, u.carrier, u.bytes), \
    keys AS (DELETE FROM parked_keys k USING ended e WHERE k.parked_id = e.id) \
    INSERT INTO parked_load (carrier, count, bytes) \
    SELECT carrier, -count(*), -sum(bytes)::bigint FROM ended GROUP BY carrier RETURNING carrier, -count";

const TRIM: &str = "DELETE FROM unmatched WHERE id = ANY(ARRAY(SELECT id FROM unmatched \
    WHERE carrier = $1 AND fate = $2 AND id < (SELECT id FROM unmatched WHERE carrier = $1 AND fate = $2 \
    ORDER BY id DESC OFFSET $3 LIMIT 1) ORDER BY id LIMIT $4 FOR UPDATE SKIP LOCKED))";

const REFUSED: &str = "INSERT INTO unmatched (carrier, addresses, says, at, detail, fate, reason, ended_at, bytes, \
    keys, scope, raw) SELECT n.carrier, '', '', n.at, n.detail, $6, n.reason, n.at, 0, '', 1, n.raw \
    FROM unnest($1::text[], $2::bigint[], $3::text[], $4::text[], $5::text[]) WITH ORDINALITY \
    AS n(carrier, at, detail, reason, raw, place) ORDER BY n.place";

const LAST: &str = "SELECT id, at, reason, ended_at, keys, addresses, detail, raw FROM unmatched \
    WHERE carrier = $1 AND fate = $2 ORDER BY id DESC LIMIT $3";

const COUNT: &str = "SELECT (SELECT count(*) FROM unmatched WHERE carrier = $1 AND fate = 'waiting') \
    + (SELECT count(*) FROM unmatched WHERE carrier = $1 AND fate = 'refused' AND reason = 'unreadable')";

const OLD: &str = "SELECT id, carrier FROM unmatched WHERE fate = 'waiting' AND at < $1 ORDER BY at LIMIT $2 \
    FOR UPDATE SKIP LOCKED";
