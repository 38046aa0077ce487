//! The resources of events, as the events left them.

use std::collections::BTreeMap;
use std::sync::Arc;

use model::webhook::{EventId, EventType};
use model::{BroadcastRecord, Message, MessageId, MessageRecord, Owner, Timestamp};
use uuid::Uuid;

use crate::broadcast_records;
use crate::fault::Fault;
use crate::rows::{self, MESSAGE};
use crate::unit::Unit;
use ledger::contract::changes::Resource;
use ledger::contract::webhooks::{EventContent, EventRecord};
use ledger::event_log::{Facts, shown};

/// An event without its resource.
pub(super) struct Read {
    pub(super) seq: u64,
    pub(super) at: Timestamp,
    pub(super) kind: EventType,
    pub(super) sequence: u32,
    pub(super) facts: Facts,
}

/// Events with their resources. Those whose resource is gone are left out.
pub(super) async fn fill(unit: &Unit, owner: Owner, log: u32, events: Vec<Read>) -> Result<Vec<EventRecord>, Fault> {
    let messages = messages(unit, owner, &events).await?;
    let mut filled = Vec::with_capacity(events.len());
    for Read { seq, at, kind, sequence, facts } in events {
        let is_final = facts.is_final();
        let content = match facts {
            Facts::Webhook(id, reason) => EventContent::Webhook { id, reason },
            Facts::Resource(Resource::Message { id, delivery, .. }) => {
                let Some((message, erased_at)) = messages.get(&id) else { continue };
                let delivery = shown(delivery, *erased_at);
                EventContent::Message(Box::new(MessageRecord { message: Arc::clone(message), delivery }))
            }
            Facts::Resource(Resource::Broadcast { id, status, counts }) => {
                let Some(record) = broadcast_records::load(unit, Some(owner), id).await? else { continue };
                EventContent::Broadcast(Box::new(BroadcastRecord { status, counts, ..record }))
            }
            Facts::Resource(Resource::Inbound { id, .. }) => EventContent::Inbound(id),
            Facts::Resource(Resource::OptedOut(opt_out) | Resource::OptedIn(opt_out)) => {
                EventContent::OptOut(Box::new(opt_out))
            }
            Facts::Resource(_) => continue,
        };
        filled.push(EventRecord { id: EventId::new(at, log, seq), owner, kind, at, sequence, is_final, content });
    }
    Ok(filled)
}

/// The messages of these events, and when each was erased.
async fn messages(
    unit: &Unit,
    owner: Owner,
    events: &[Read],
) -> Result<BTreeMap<MessageId, (Arc<Message>, Option<Timestamp>)>, Fault> {
    let id = |event: &Read| match &event.facts {
        Facts::Resource(Resource::Message { id, .. }) => Some(rows::id(id.to_bytes())),
        _ => None,
    };
    let ids: Vec<Uuid> = events.iter().filter_map(id).collect();
    let (Some(low), Some(high)) = (ids.iter().min(), ids.iter().max()) else { return Ok(BTreeMap::new()) };
    let sql = format!(
        "SELECT d.erased_at, {MESSAGE} FROM messages m \
         JOIN delivery d ON d.message_id = m.id AND d.message_id BETWEEN $3 AND $4 \
         WHERE m.id = ANY($2) AND m.id BETWEEN $3 AND $4 AND m.account_id = $1"
    );
    let mut found = BTreeMap::new();
    for row in unit.query(&sql, &[&rows::id(owner.account.to_bytes()), &ids, low, high]).await? {
        let message = rows::message(&row, 1)?;
        found.insert(message.id, (message, rows::time_if_any(&row, 0)?));
    }
    Ok(found)
}
