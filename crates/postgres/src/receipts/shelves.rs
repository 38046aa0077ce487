//! How much is parked of each carrier, and what makes way for newcomers.
//!
//! How much it is is the sum of a few rows. Whatever ends the wait of receipts adds a row and waits for nobody, so that
//! outcomes which apply parked receipts do not hold each other up. Who parks is alone behind the gate, adds the rows up
//! and leaves their sum.

use std::collections::{BTreeMap, VecDeque};
use std::convert::Infallible;

use model::unmatched::Fate;
use model::{CarrierName, MessageId, Timestamp};

use super::super::fault::Fault;
use super::super::rows;
use super::super::unit::Unit;
use super::entries;
use ledger::contract::bounds::Bounds;
use ledger::contract::receipts::Receipt;
use ledger::receipts::parking::{DROPPED_FOR_ONE, Entry, Load, make_room};

/// A receipt that is about to be parked.
pub(super) struct Newcomer {
    pub(super) entry: Entry,
    /// The message for the end of whose attempt it waits.
    pub(super) waits_for: Option<MessageId>,
    /// When it was dropped for want of room.
    pub(super) dropped_at: Option<Timestamp>,
}

impl Newcomer {
    pub(super) fn of(receipt: &Receipt, waits_for: Option<MessageId>) -> Self {
        Self { entry: Entry::of(receipt), waits_for, dropped_at: None }
    }

    /// Whether it waits from now on.
    pub(super) const fn waits(&self) -> bool {
        self.dropped_at.is_none()
    }

    pub(super) const fn fate(&self) -> Fate {
        if self.waits() { Fate::Waiting } else { Fate::Dropped }
    }
}

/// What is parked of a carrier.
#[derive(Default)]
struct Shelf {
    load: Load,
    /// The longest parked first, with what each takes.
    oldest: VecDeque<(Place, u64)>,
    /// What was dropped of it, and when.
    dropped: Vec<(i64, Timestamp)>,
}

/// Where a parked receipt is.
#[derive(Clone, Copy)]
enum Place {
    Stored(i64),
    /// Among the newcomers.
    New(usize),
}

/// Finds room for newcomers, one after the other, and ends the waits of those that make way. Says of each newcomer how
/// many were dropped for it, itself included.
pub(super) async fn place(unit: &Unit, newcomers: &mut [Newcomer]) -> Result<Vec<u64>, Fault> {
    let mut coming: BTreeMap<CarrierName, Load> = BTreeMap::new();
    for newcomer in newcomers.iter() {
        coming.entry(newcomer.entry.carrier.clone()).or_default().add(newcomer.entry.bytes);
    }
    let (mut sums, bounds) = (take_sums(unit, &coming).await?, unit.core.bounds());
    let mut shelves: BTreeMap<CarrierName, Shelf> = BTreeMap::new();
    for (carrier, coming) in &coming {
        let sum = sums.get(carrier).copied().unwrap_or_default();
        shelves.insert(carrier.clone(), read_shelf(unit, carrier, sum, *coming, bounds).await?);
    }
    let mut dropped = Vec::with_capacity(newcomers.len());
    for at in 0..newcomers.len() {
        if let Some(shelf) = shelves.get_mut(&newcomers[at].entry.carrier) {
            dropped.push(place_one(newcomers, at, shelf, bounds));
        }
    }
    for newcomer in newcomers.iter().filter(|newcomer| newcomer.waits()) {
        let sum = sums.entry(newcomer.entry.carrier.clone()).or_default();
        *sum = (sum.0 + 1, sum.1 + newcomer.entry.bytes.cast_signed());
    }
    leave_sums(unit, &sums).await?;
    let ended: Vec<(i64, Timestamp)> = shelves.into_values().flat_map(|shelf| shelf.dropped).collect();
    entries::end(unit, &ended, Fate::Dropped).await?;
    Ok(dropped)
}

/// How many receipts of a carrier are parked, and how many bytes they take. Rows of those who have yet to commit are
/// not among its rows, so that it may be too much for a moment, and never too little.
type Sum = (i64, i64);

async fn take_sums(unit: &Unit, carriers: &BTreeMap<CarrierName, Load>) -> Result<BTreeMap<CarrierName, Sum>, Fault> {
    let carriers: Vec<&str> = carriers.keys().map(CarrierName::as_str).collect();
    let mut sums: BTreeMap<CarrierName, Sum> = BTreeMap::new();
    for row in unit.query(TAKE, &[&carriers]).await? {
        let sum = sums.entry(rows::carrier(&row, 0)?).or_default();
        *sum = (sum.0 + rows::get::<i64>(&row, 1)?, sum.1 + rows::get::<i64>(&row, 2)?);
    }
    Ok(sums)
}

async fn leave_sums(unit: &Unit, sums: &BTreeMap<CarrierName, Sum>) -> Result<(), Fault> {
    let carriers: Vec<&str> = sums.keys().map(CarrierName::as_str).collect();
    let (counts, bytes): (Vec<i64>, Vec<i64>) = sums.values().copied().unzip();
    unit.execute(LEAVE, &[&carriers, &counts, &bytes]).await.map(drop)
}

/// What is parked of a carrier, with those that may have to make way for what is coming.
async fn read_shelf(
    unit: &Unit,
    carrier: &CarrierName,
    (count, bytes): Sum,
    coming: Load,
    bounds: Bounds,
) -> Result<Shelf, Fault> {
    let load = Load { count: count.max(0).cast_unsigned(), bytes: bytes.max(0).cast_unsigned() };
    let mut shelf = Shelf { load, ..Shelf::default() };
    let all_fit = load.count.saturating_add(coming.count) <= bounds.parked_max
        && load.bytes.saturating_add(coming.bytes) <= bounds.parked_bytes_max;
    if !all_fit {
        let most = coming.count.saturating_mul(DROPPED_FOR_ONE).cast_signed();
        for row in unit.query(OLDEST, &[&carrier.as_str(), &most]).await? {
            shelf.oldest.push_back((Place::Stored(rows::get(&row, 0)?), rows::count(&row, 1)?));
        }
    }
    Ok(shelf)
}

/// Finds room for the newcomer at this place. Says how many were dropped for it.
fn place_one(newcomers: &mut [Newcomer], at: usize, shelf: &mut Shelf, bounds: Bounds) -> u64 {
    let Entry { at: now, bytes, can_match, .. } = newcomers[at].entry;
    let has_room = |shelf: &Shelf| shelf.load.has_room(bytes, bounds);
    let drop_oldest = |shelf: &mut Shelf| {
        let Some((place, bytes)) = shelf.oldest.pop_front() else { return Ok::<_, Infallible>(false) };
        shelf.load.take(bytes);
        match place {
            Place::Stored(parked) => shelf.dropped.push((parked, now)),
            Place::New(other) => newcomers[other].dropped_at = Some(now),
        }
        Ok(true)
    };
    let Ok(dropped) = make_room(shelf, has_room, drop_oldest);
    if has_room(shelf) && can_match {
        shelf.load.add(bytes);
        shelf.oldest.push_back((Place::New(at), bytes));
        return dropped;
    }
    newcomers[at].dropped_at = Some(now);
    dropped + 1
}

const TAKE: &str = "DELETE FROM parked_load WHERE carrier = ANY($1) RETURNING carrier, count, bytes";
const LEAVE: &str = "INSERT INTO parked_load (carrier, count, bytes) \
    SELECT * FROM unnest($1::text[], $2::bigint[], $3::bigint[])";

/// Those that others are about to end are passed over.
const OLDEST: &str = "SELECT id, bytes FROM unmatched WHERE carrier = $1 AND fate = 'waiting' ORDER BY id LIMIT $2 \
    FOR UPDATE SKIP LOCKED";
