//! Erasures: what was sent of a person is removed, and an attempt that was under way meanwhile brings it back no more.
//!
//! Whoever keeps what was sent locks the rows that an erasure changes: the erasure either has ended, and is seen, or
//! begins afterwards, and removes what was kept.

use std::collections::BTreeSet;

use model::Msisdn;
use model::webhook::EventType;
use uuid::Uuid;

use crate::fault::Fault;
use crate::rows;
use crate::unit::Unit;
use ledger::contract::changes::Resource;
use ledger::contract::webhooks::{EventHead, ResourceKey};
use ledger::event_log::{Facts, opt_out_key, opt_outs_of};

const MESSAGES: &str = "SELECT message_id, erased_at IS NOT NULL FROM delivery \
    WHERE message_id = ANY($1) AND message_id BETWEEN $2 AND $3 ORDER BY message_id FOR SHARE";
const INBOUND: &str = "SELECT id, erased_at IS NOT NULL FROM inbound WHERE id = ANY($1) ORDER BY id FOR SHARE";
const OPT_OUTS_LEFT: &str = "SELECT e.log, e.seq FROM unnest($1::bigint[], $2::bigint[]) AS n(log, seq) \
    JOIN webhook_events e ON e.log = n.log AND e.seq = n.seq ORDER BY e.log, e.seq FOR KEY SHARE OF e";
const BLANK_BODIES: &str = "UPDATE webhook_deliveries SET body = NULL WHERE resource = ANY($1) AND body IS NOT NULL";
const LOCK_LOGS: &str = "SELECT log FROM webhook_logs WHERE log = ANY($1) ORDER BY log FOR NO KEY UPDATE";
const OPT_OUTS: &str = "SELECT log, seq, type, facts FROM webhook_events WHERE type IN (6, 7) \
    AND position($1::bytea IN facts) > 0";
const REMOVE: &str = "DELETE FROM webhook_events e USING unnest($1::bigint[], $2::bigint[]) AS n(log, seq) \
    WHERE e.log = n.log AND e.seq = n.seq";
const BLANK_BODIES_OF: &str = "UPDATE webhook_deliveries d SET body = NULL FROM webhook_endpoints w, \
    unnest($1::bigint[], $2::bigint[]) AS n(log, seq) \
    WHERE w.log = n.log AND d.webhook = w.webhook AND d.seq = n.seq AND d.body IS NOT NULL";
const REMOVE_COUNTS: &str =
    "DELETE FROM webhook_sequences WHERE substring(resource FROM 1 FOR octet_length($1::bytea)) = $1::bytea";

/// What was sent and may be kept.
#[derive(Default)]
pub(super) struct Kept {
    erased: BTreeSet<ResourceKey>,
    opt_outs: BTreeSet<(i64, u64)>,
}

impl Kept {
    /// Looks which of these events are of erased persons. Nobody erases one of the others before this transaction is
    /// over.
    pub(super) async fn find(unit: &Unit, events: &[(i64, EventHead)]) -> Result<Self, Fault> {
        let ids = |is_meant: fn(EventType) -> bool| -> Vec<Uuid> {
            let meant = events.iter().filter(|(_, head)| is_meant(head.kind));
            meant.map(|(_, head)| rows::id(head.resource.to_be_bytes())).collect()
        };
        let (messages, inbound) = (ids(is_of_message), ids(|kind| kind == EventType::MessageReceived));
        let mut kept = Self::default();
        let mut found = Vec::new();
        if let (Some(low), Some(high)) = (messages.iter().min(), messages.iter().max()) {
            found.extend(unit.query(MESSAGES, &[&messages, low, high]).await?);
        }
        if !inbound.is_empty() {
            found.extend(unit.query(INBOUND, &[&inbound]).await?);
        }
        for row in found {
            if rows::get(&row, 1)? {
                kept.erased.insert(ResourceKey::from_be_bytes(rows::octets(&row, 0)?));
            }
        }
        let of_opt_outs = events.iter().filter(|(_, head)| is_of_opt_out(head.kind));
        let (logs, seqs): (Vec<i64>, Vec<i64>) = of_opt_outs.map(|(log, head)| (*log, super::number(head.seq))).unzip();
        if !logs.is_empty() {
            for row in unit.query(OPT_OUTS_LEFT, &[&logs, &seqs]).await? {
                kept.opt_outs.insert((rows::get(&row, 0)?, rows::count(&row, 1)?));
            }
        }
        Ok(kept)
    }

    /// Whether what was sent of this event of a log is kept.
    pub(super) fn has(&self, log: i64, head: &EventHead) -> bool {
        // The events of a person's opt-outs are removed, and those of messages are blank.
        if is_of_opt_out(head.kind) {
            self.opt_outs.contains(&(log, head.seq))
        } else {
            !self.erased.contains(&head.resource)
        }
    }
}

const fn is_of_message(kind: EventType) -> bool {
    matches!(
        kind,
        EventType::MessageQueued
            | EventType::MessageSent
            | EventType::MessageDelivered
            | EventType::MessageUndelivered
            | EventType::MessageFailed
            | EventType::MessageCanceled
    )
}

const fn is_of_opt_out(kind: EventType) -> bool {
    matches!(kind, EventType::OptedOut | EventType::OptedIn)
}

/// Removes what was sent of resources whose person is erased: messages, and messages of handsets. Their rows are locked
/// and say so. Events that are not delivered yet are made of those rows, which are blank by then.
pub(crate) async fn erase_resources(unit: &Unit, ids: &[Uuid]) -> Result<(), Fault> {
    let keys: Vec<&[u8]> = ids.iter().map(|id| &id.as_bytes()[..]).collect();
    unit.execute(BLANK_BODIES, &[&keys]).await.map(drop)
}

/// Removes the events of a person's opt-outs, and their counts, whether they were delivered or not.
pub(crate) async fn erase_number(unit: &Unit, number: Msisdn) -> Result<(), Fault> {
    let mut theirs: Vec<(i64, i64)> = Vec::new();
    for row in unit.query(OPT_OUTS, &[&number.text().as_bytes()]).await? {
        let is_theirs = match super::events::facts(&row, 2)? {
            Some((_, Facts::Resource(Resource::OptedOut(opt_out) | Resource::OptedIn(opt_out)))) => {
                opt_out.name.number == number
            }
            _ => false,
        };
        if is_theirs {
            theirs.push((rows::get(&row, 0)?, rows::get(&row, 1)?));
        }
    }
    let (logs, seqs): (Vec<i64>, Vec<i64>) = theirs.into_iter().unzip();
    unit.query(LOCK_LOGS, &[&logs]).await?;
    unit.execute(REMOVE, &[&logs, &seqs]).await?;
    unit.execute(BLANK_BODIES_OF, &[&logs, &seqs]).await?;
    unit.execute(REMOVE_COUNTS, &[&opt_outs_of(number)]).await?;
    erase_resources(unit, &[Uuid::from_u128(opt_out_key(number))]).await
}
