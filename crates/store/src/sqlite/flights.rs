//! Attempts under way, and the receipts that wait for their ends.

use std::collections::{BTreeMap, BTreeSet};

use model::{CarrierName, MessageId, Timestamp};
use rusqlite::{Connection, OptionalExtension};

use super::matching::find;
use super::parked::{self, parked_receipt};
use super::receipts::settle;
use super::writer::Group;
use ledger::contract::receipts::Receipt;
use ledger::receipts::Filed;
use ledger::receipts::flights::Suspicion;

/// The attempts that this process has begun and not ended. An earlier process's get no acknowledgement any more.
#[derive(Default)]
pub(super) struct Flights {
    /// How many have begun since the start: the order in which they did, whatever the clock says.
    begun: u64,
    under_way: BTreeMap<MessageId, Flight>,
    /// The carriers' names, by the numbers that flights have.
    carriers: Vec<CarrierName>,
    /// How flights were before the transaction, where it changed them.
    before: Vec<(MessageId, Option<Flight>)>,
    /// Parked receipts that another reading may settle once attempts have ended, by their places among those parked.
    waiting: BTreeMap<i64, Waiting>,
    /// The same by the attempts that they wait for.
    waiting_for: BTreeMap<MessageId, BTreeSet<i64>>,
    /// Whether `waiting` has every one of them. It has none after the start and after a rollback.
    is_complete: bool,
}

struct Flight {
    carrier: usize,
    order: u64,
    /// The digits of its recipient, once a receipt was compared with them.
    recipient: Option<String>,
}

#[derive(Clone, Copy)]
struct Waiting {
    /// How many attempts had begun when it came. None that began later can have caused it.
    order: u64,
    /// The attempt that it waits for.
    flight: Option<MessageId>,
}

impl Flights {
    /// An attempt begins.
    pub(super) fn begin(&mut self, id: MessageId, carrier: &CarrierName) {
        self.begun += 1;
        let carrier = self.carriers.iter().position(|name| name == carrier).unwrap_or_else(|| {
            self.carriers.push(carrier.clone());
            self.carriers.len() - 1
        });
        let before = self.under_way.insert(id, Flight { carrier, order: self.begun, recipient: None });
        self.before.push((id, before));
    }

    /// A message has no attempt under way any more, if it had one.
    pub(super) fn end(&mut self, id: MessageId) {
        if let Some(flight) = self.under_way.remove(&id) {
            self.before.push((id, Some(flight)));
        }
    }

    /// Whether an attempt of the message is under way, whose outcome is still to be recorded.
    pub(super) fn has(&self, id: MessageId) -> bool {
        self.under_way.contains_key(&id)
    }

    /// The transaction is on disk.
    pub(super) fn committed(&mut self) {
        self.before.clear();
    }

    /// The transaction is gone.
    pub(super) fn rolled_back(&mut self) {
        while let Some((id, before)) = self.before.pop() {
            match before {
                Some(flight) => drop(self.under_way.insert(id, flight)),
                None => drop(self.under_way.remove(&id)),
            }
        }
        self.waiting.clear();
        self.waiting_for.clear();
        self.is_complete = false;
    }

    /// A receipt was parked, or found parked, of which another reading means a message while attempts are under way.
    fn wait(&mut self, parked: i64, order: u64, flight: Option<MessageId>) {
        self.forget(parked);
        self.waiting.insert(parked, Waiting { order, flight });
        if let Some(flight) = flight {
            self.waiting_for.entry(flight).or_default().insert(parked);
        }
    }

    /// A receipt is parked no longer.
    pub(super) fn forget(&mut self, parked: i64) {
        let Some(flight) = self.waiting.remove(&parked).and_then(|waiting| waiting.flight) else { return };
        if let Some(others) = self.waiting_for.get_mut(&flight) {
            others.remove(&parked);
            if others.is_empty() {
                self.waiting_for.remove(&flight);
            }
        }
    }
}

/// The attempt whose acknowledgement may bring the exact id of `receipt`, of which another reading means `filed`: one
/// of the first `order` attempts that the receipt's addresses do not exclude, and of these the one that began last:
/// when it has ended, most of the others have as well.
fn awaited(group: &mut Group, receipt: &Receipt, filed: &Filed, order: u64) -> rusqlite::Result<Option<MessageId>> {
    let Group { connection, flights, .. } = group;
    let Some(carrier) = flights.carriers.iter().position(|name| *name == receipt.carrier) else { return Ok(None) };
    let suspicion = Suspicion::of(receipt, filed);
    let mut last: Option<(u64, MessageId)> = None;
    for (id, flight) in
        flights.under_way.iter_mut().filter(|(_, flight)| flight.carrier == carrier && flight.order <= order)
    {
        if suspicion.asks_for_recipients() && flight.recipient.is_none() {
            flight.recipient = Some(recipient_of(connection, *id)?);
        }
        if suspicion.is_of(flight.recipient.as_deref().unwrap_or_default()) {
            last = last.max(Some((flight.order, *id)));
        }
    }
    Ok(last.map(|(_, id)| id))
}

/// Whether a receipt that was found by another reading of its id has to wait, and for which attempt. One that is found
/// by its first key never waits.
pub(super) fn has_to_wait(
    group: &mut Group,
    receipt: &Receipt,
    key: usize,
    filed: &Filed,
) -> rusqlite::Result<Option<MessageId>> {
    if key == 0 || group.flights.under_way.is_empty() { Ok(None) } else { awaited(group, receipt, filed, u64::MAX) }
}

/// Has a receipt that was just parked wait for the end of `flight`.
pub(super) fn wait(group: &mut Group, parked: i64, flight: MessageId) {
    let order = group.flights.begun;
    group.flights.wait(parked, order, Some(flight));
}

/// Looks again at the receipts that waited for an attempt of this message, which has ended.
pub(super) fn settle_waiting(group: &mut Group, ended: MessageId, at: Timestamp) -> rusqlite::Result<()> {
    if group.flights.under_way.contains_key(&ended) {
        return Ok(());
    }
    let waiting: Vec<i64> = group.flights.waiting_for.get(&ended).into_iter().flatten().copied().collect();
    waiting.into_iter().try_for_each(|parked| settle_parked(group, parked, at))
}

/// Looks again at receipts whose attempts have ended otherwise than by an outcome, at most `limit` of them.
pub(super) fn sweep(group: &mut Group, now: Timestamp, limit: usize) -> rusqlite::Result<()> {
    if !group.flights.is_complete {
        let parked: Vec<i64> = group
            .connection
            .prepare_cached(SEVERAL_KEYS)?
            .query_map([], |row| row.get(0))?
            .collect::<rusqlite::Result<_>>()?;
        let order = group.flights.begun;
        for parked in parked {
            group.flights.waiting.entry(parked).or_insert(Waiting { order, flight: None });
        }
        group.flights.is_complete = true;
    }
    let flights = &group.flights;
    let is_over = |waiting: &Waiting| waiting.flight.is_none_or(|flight| !flights.under_way.contains_key(&flight));
    let waiting: Vec<i64> =
        flights.waiting.iter().filter(|(_, waiting)| is_over(waiting)).map(|(parked, _)| *parked).take(limit).collect();
    waiting.into_iter().try_for_each(|parked| settle_parked(group, parked, now))
}

/// Settles what a parked receipt means by any of its readings, unless an attempt that began before it came may still
/// bring its exact id.
pub(super) fn settle_parked(group: &mut Group, parked: i64, at: Timestamp) -> rusqlite::Result<()> {
    // Of a receipt that did not wait yet nobody knows which attempts began before it.
    let order = group.flights.waiting.get(&parked).map_or(group.flights.begun, |waiting| waiting.order);
    let found = match parked_receipt(&group.connection, parked)? {
        Some(receipt) => find(&group.connection, &receipt, true)?.map(|(key, filed)| (receipt, key, filed)),
        None => None,
    };
    let Some((receipt, key, filed)) = found else {
        group.flights.forget(parked);
        return Ok(());
    };
    if key > 0
        && let Some(flight) = awaited(group, &receipt, &filed, order)?
    {
        group.flights.wait(parked, order, Some(flight));
        return Ok(());
    }
    settle(group, &filed, &receipt)?;
    parked::end_matched(group, parked, &receipt.carrier, at)
}

/// The digits of a message's recipient.
fn recipient_of(connection: &Connection, id: MessageId) -> rusqlite::Result<String> {
    let read = |row: &rusqlite::Row<'_>| row.get::<_, String>(0);
    let found = connection.prepare_cached(RECIPIENT)?.query_row([id.to_bytes()], read).optional()?;
    Ok(found.map(|number| number.trim_start_matches('+').to_owned()).unwrap_or_default())
}

const RECIPIENT: &str = "SELECT m.recipient FROM delivery d CROSS JOIN messages m ON m.account_id = d.account_id AND \
    m.id = d.message_id WHERE d.message_id = ?1";
const SEVERAL_KEYS: &str = "SELECT id FROM unmatched INDEXED BY unmatched_age WHERE fate = 'waiting' AND at > -1 AND \
    instr(keys, char(10)) > 0";

/// Every statement of this file that maintenance runs.
#[cfg(test)]
pub(super) const MAINTENANCE: &[&str] = &[RECIPIENT, SEVERAL_KEYS];
