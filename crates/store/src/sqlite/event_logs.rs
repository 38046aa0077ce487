//! The logs of events, as the writer knows them without asking the file: an event of an owner without a log costs a
//! look into an empty map.

use std::collections::{BTreeMap, VecDeque};

use model::webhook::{EventType, Subscription};
use model::{AccountId, BroadcastId, Owner, Timestamp, WebhookId};
use rusqlite::{Connection, Row, params};

use super::rows;
use ledger::contract::changes::Resource;
use ledger::contract::webhooks::{EventBell, ResourceKey};
use ledger::event_log::{Sequence, Taken, endpoint_facts, endpoint_sequence};
use ledger::facts;

/// How many erased resources are remembered, so that attempts which were under way leave no body of theirs.
const ERASED_MAX: usize = 10_000;

/// Whose events are logged, and what a transaction adds.
pub(super) struct EventLogs {
    bell: EventBell,
    logs: BTreeMap<Owner, Log>,
    noted: Vec<Noted>,
    /// The logs that this transaction adds to, with their ends.
    ends: BTreeMap<Owner, u64>,
    erased: VecDeque<ResourceKey>,
}

/// The log of an owner.
struct Log {
    number: u32,
    last: u64,
    taken: Taken,
}

struct Noted {
    log: u32,
    seq: u64,
    at: Timestamp,
    kind: EventType,
    sequence: Sequence,
    facts: Vec<u8>,
}

impl EventLogs {
    pub(super) fn new(bell: EventBell) -> Self {
        let (logs, ends) = (BTreeMap::new(), BTreeMap::new());
        Self { bell, logs, noted: Vec::new(), ends, erased: VecDeque::new() }
    }

    /// Whether the acceptance of a message of this owner is an event.
    pub(super) fn want_accepted(&self, owner: Owner, broadcast: Option<BroadcastId>) -> bool {
        !self.logs.is_empty() && self.logs.get(&owner).is_some_and(|log| log.taken.has_acceptance(broadcast))
    }

    /// Notes the event that a change is, if it is one and its owner's events are logged.
    pub(super) fn note(&mut self, owner: Owner, at: Timestamp, resource: &Resource) {
        if self.logs.is_empty() {
            return;
        }
        let Some(log) = self.logs.get(&owner).filter(|log| log.taken.is_written(at)) else { return };
        let Some((kind, sequence)) = log.taken.event_of(resource) else { return };
        let mut octets = Vec::new();
        facts::encode(resource, &mut octets);
        self.add(owner, at, kind, sequence, octets);
    }

    /// Notes an event of an endpoint.
    pub(super) fn note_endpoint(&mut self, owner: Owner, at: Timestamp, kind: EventType, id: WebhookId, reason: &str) {
        self.add(owner, at, kind, endpoint_sequence(id), endpoint_facts(id, reason));
    }

    fn add(&mut self, owner: Owner, at: Timestamp, kind: EventType, sequence: Sequence, facts: Vec<u8>) {
        let Some(log) = self.logs.get_mut(&owner) else { return };
        log.last += 1;
        self.ends.insert(owner, log.last);
        self.noted.push(Noted { log: log.number, seq: log.last, at, kind, sequence, facts });
    }

    /// Writes the noted events. Part of every commit, and of whatever reads the log in order to change it.
    pub(super) fn write(&mut self, connection: &Connection) -> rusqlite::Result<()> {
        if self.noted.is_empty() {
            return Ok(());
        }
        let mut insert = connection.prepare_cached(INSERT)?;
        for Noted { log, seq, at, kind, sequence, facts } in self.noted.drain(..) {
            let at = at.as_millis();
            let sequence: u32 = match sequence {
                Sequence::Known(number) => number,
                Sequence::Counted(name) => {
                    connection.prepare_cached(COUNT)?.query_row(params![log, name, at], |row| row.get(0))?
                }
            };
            insert.execute(params![log, seq, at, kind.number(), sequence, facts])?;
        }
        Ok(())
    }

    /// Tells those who follow of the events of a transaction that is committed.
    pub(super) fn publish(&mut self) {
        if !self.ends.is_empty() {
            self.bell.ring(std::mem::take(&mut self.ends));
        }
    }

    /// Forgets the notes of a transaction that was rolled back.
    pub(super) fn load(&mut self, connection: &Connection) -> rusqlite::Result<()> {
        self.noted.clear();
        self.ends.clear();
        self.read(connection)
    }

    /// Reads which logs there are, after one of them changed. The noted events are written.
    pub(super) fn read(&mut self, connection: &Connection) -> rusqlite::Result<()> {
        self.logs.clear();
        let mut select = connection.prepare_cached(LOGS)?;
        let mut found = select.query([])?;
        while let Some(row) = found.next()? {
            let owner = Owner { account: AccountId::from_bytes(row.get(1)?), mode: rows::mode_if_test(row.get(2)?) };
            let taken = Taken::until(rows::time(row, 3)?);
            self.logs.insert(owner, Log { number: row.get(0)?, last: row.get(4)?, taken });
        }
        let mut select = connection.prepare_cached(WANTS)?;
        let mut found = select.query([])?;
        while let Some(row) = found.next()? {
            let number: u32 = row.get(0)?;
            let Some(log) = self.logs.values_mut().find(|log| log.number == number) else { continue };
            log.taken.add(&subscription(row, 1)?, row.get(2)?);
        }
        Ok(())
    }

    /// The number and the end of an owner's log.
    pub(super) fn of(&self, owner: Owner) -> Option<(u32, u64)> {
        self.logs.get(&owner).map(|log| (log.number, log.last))
    }

    /// Whether a resource was erased while an attempt may have been under way.
    pub(super) fn was_erased(&self, resource: ResourceKey) -> bool {
        self.erased.contains(&resource)
    }

    /// Remembers a resource whose person was erased.
    pub(super) fn erase(&mut self, resource: ResourceKey) {
        if self.erased.len() >= ERASED_MAX {
            self.erased.pop_front();
        }
        self.erased.push_back(resource);
    }
}

/// The subscription that a column has.
pub(super) fn subscription(row: &Row<'_>, at: usize) -> rusqlite::Result<Subscription> {
    rows::word(row, at, |text| Subscription::parse(text.split(' ')))
}

const INSERT: &str = "INSERT INTO webhook_events (log, seq, at, type, sequence, facts) VALUES (?1, ?2, ?3, ?4, ?5, ?6)";
const COUNT: &str = "INSERT INTO webhook_sequences (log, resource, last, at) VALUES (?1, ?2, 1, ?3) \
    ON CONFLICT DO UPDATE SET last = last + 1, at = excluded.at RETURNING last";
const LOGS: &str = "SELECT log, account_id, test, followed_until, max(base, coalesce((SELECT e.seq FROM \
    webhook_events e WHERE e.log = l.log ORDER BY e.seq DESC LIMIT 1), 0)) FROM webhook_logs l";
const WANTS: &str = "SELECT log, events, broadcast_messages FROM webhook_endpoints WHERE removed = 0";
