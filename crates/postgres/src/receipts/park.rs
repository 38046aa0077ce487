//! Receipts that match nothing are parked, once the gate is passed and they have been looked at again.

use std::collections::{BTreeMap, BTreeSet};

use model::MessageId;
use model::unmatched::Fate;

use super::super::fault::Fault;
use super::super::rows;
use super::super::unit::Unit;
use super::records::{Meaning, Records};
use super::shelves::Newcomer;
use super::{entries, gate, shelves};
use ledger::contract::receipts::Receipt;

/// A receipt that is to be parked, and what it meant before the gate was passed.
pub(super) struct Unmatched<'r> {
    pub(super) receipt: &'r Receipt,
    pub(super) meaning: Meaning,
}

/// Parks receipts, which meant no segment by the records of `before`. Messages that this transaction has `settled`
/// since have no attempt under way any more. Says of each receipt how many were dropped for want of room, itself
/// included.
pub(super) async fn park(
    unit: &Unit,
    receipts: &[Unmatched<'_>],
    before: &Records,
    settled: &BTreeSet<MessageId>,
) -> Result<Vec<u64>, Fault> {
    if receipts.is_empty() {
        return Ok(Vec::new());
    }
    gate::pass_alone(unit).await?;
    let awaited = look_again(unit, receipts, before, settled).await?;
    let newcomers = receipts.iter().zip(awaited).map(|(one, waits_for)| Newcomer::of(one.receipt, waits_for));
    let mut newcomers: Vec<Newcomer> = newcomers.collect();
    let dropped = shelves::place(unit, &mut newcomers).await?;
    insert(unit, &newcomers).await?;
    Ok(dropped)
}

/// The messages for whose attempts these receipts wait, if for any. Where others have filed a segment, or ended the
/// attempt, before the gate was passed, the receipts have to be recorded from the beginning.
async fn look_again(
    unit: &Unit,
    receipts: &[Unmatched<'_>],
    before: &Records,
    settled: &BTreeSet<MessageId>,
) -> Result<Vec<Option<MessageId>>, Fault> {
    let mut records = Records::default();
    let look =
        |records: &mut Records| receipts.iter().map(|one| records.meaning(one.receipt, None)).collect::<Vec<_>>();
    let meanings = records.decide(unit, look).await?;
    let mut awaited = Vec::with_capacity(receipts.len());
    for (Unmatched { receipt, meaning }, now) in receipts.iter().zip(meanings) {
        awaited.push(match (meaning, now) {
            (_, Meaning::Awaited(attempt)) => Some(attempt),
            (_, Meaning::Nothing) => None,
            (_, Meaning::Segment(..)) if records.has_more_than(before, receipt) => return Err(Fault::Overtaken),
            // Another receipt of the list ended the attempt: the next look at those that wait finds it ended.
            (Meaning::Awaited(attempt), _) if settled.contains(attempt) => Some(*attempt),
            (Meaning::Awaited(_), _) => return Err(Fault::Overtaken),
            // Another receipt of the list gave one of several segments its fate.
            (Meaning::Nothing | Meaning::Segment(..), _) => None,
        });
    }
    Ok(awaited)
}

/// Writes the rows of newcomers, and the keys of those that wait.
async fn insert(unit: &Unit, newcomers: &[Newcomer]) -> Result<(), Fault> {
    macro_rules! column {
        ($new:ident => $value:expr) => {
            &newcomers.iter().map(|$new| $value).collect::<Vec<_>>()
        };
    }
    let inserted = unit
        .query(
            INSERT,
            &[
                column!(new => new.entry.carrier.as_str()),
                column!(new => rows::kept(&new.entry.addresses)),
                column!(new => new.entry.says),
                column!(new => new.entry.at.as_millis()),
                column!(new => rows::kept(&new.entry.detail)),
                column!(new => new.fate().as_str()),
                column!(new => rows::millis(new.dropped_at)),
                column!(new => new.entry.bytes.cast_signed()),
                column!(new => rows::kept(&new.entry.listed)),
                column!(new => i32::from(new.entry.scope)),
                column!(new => rows::kept(&new.entry.raw)),
                column!(new => new.waits_for.filter(|_| new.waits()).map(|id| rows::id(id.to_bytes()))),
            ],
        )
        .await?;
    // They are numbered in their order.
    let mut places: Vec<i64> = inserted.iter().map(|row| rows::get(row, 0)).collect::<Result<_, _>>()?;
    places.sort_unstable();
    let waiting = newcomers.iter().zip(places).filter(|(new, _)| new.waits());
    let keys = waiting.flat_map(|(new, place)| new.entry.keys.iter().map(move |key| (new, key, place)));
    let (mut carriers, mut texts, mut parked) = (Vec::new(), Vec::new(), Vec::new());
    for (new, key, place) in keys {
        carriers.push(new.entry.carrier.as_str());
        texts.push(rows::kept(key));
        parked.push(place);
    }
    if !parked.is_empty() {
        unit.execute(INSERT_KEYS, &[&carriers, &texts, &parked]).await?;
    }
    let mut dropped: BTreeMap<&str, usize> = BTreeMap::new();
    for new in newcomers.iter().filter(|new| !new.waits()) {
        *dropped.entry(new.entry.carrier.as_str()).or_default() += 1;
    }
    for (carrier, count) in dropped {
        entries::trim(unit, carrier, Fate::Dropped, count).await?;
    }
    Ok(())
}

const INSERT: &str = "INSERT INTO unmatched (carrier, addresses, says, at, detail, fate, reason, ended_at, bytes, \
    keys, scope, raw, waits_for) SELECT n.carrier, n.addresses, n.says, n.at, n.detail, n.fate, 'unknown_id', \
    n.ended_at, n.bytes, n.keys, n.scope, n.raw, n.waits_for \
    FROM unnest($1::text[], $2::text[], $3::text[], $4::bigint[], $5::text[], $6::text[], $7::bigint[], \
    $8::bigint[], $9::text[], $10::integer[], $11::text[], $12::uuid[]) WITH ORDINALITY AS n(carrier, addresses, \
    says, at, detail, fate, ended_at, bytes, keys, scope, raw, waits_for, place) ORDER BY n.place RETURNING id";

const INSERT_KEYS: &str = "INSERT INTO parked_keys (carrier, key, parked_id) \
    SELECT * FROM unnest($1::text[], $2::text[], $3::bigint[])";
