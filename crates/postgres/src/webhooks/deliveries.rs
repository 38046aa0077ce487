//! Reading what became of events at an endpoint.

use model::webhook::{EventId, EventType};
use model::{Owner, Timestamp, WebhookId};

use super::events::{facts, kind as kind_of};
use super::found::{Found, find};
use super::{number, rows_at_most};
use crate::fault::Fault;
use crate::rows;
use crate::unit::Unit;
use ledger::contract::webhooks::{Delivery, DeliveryPage, DeliveryState, EventHead, PendingDelivery};
use ledger::delivery_rows::{attempts_of, state_of};

/// What was erased or removed is not delivered; its row goes with its time.
const PENDING: &str = "SELECT d.seq, e.at, e.type, e.facts, d.tries, d.due_at FROM webhook_deliveries d \
    JOIN webhook_events e ON e.log = $2 AND e.seq = d.seq \
    WHERE d.webhook = $1 AND d.state = 0 AND d.seq > $3 ORDER BY d.seq LIMIT $4";
const PAGE: &str = "SELECT seq, type, at, state, due_at, attempts FROM webhook_deliveries WHERE webhook = $1 AND \
    seq < $2 ORDER BY seq DESC LIMIT $3";

pub(super) async fn pending(
    unit: &Unit,
    id: WebhookId,
    after: u64,
    limit: usize,
) -> Result<Vec<PendingDelivery>, Fault> {
    let Some(Found { number: webhook, log, .. }) = find(unit, id).await? else { return Ok(Vec::new()) };
    let mut pending = Vec::new();
    let values = (i64::from(log), number(after), rows_at_most(limit));
    for row in unit.query(PENDING, &[&webhook, &values.0, &values.1, &values.2]).await? {
        if let Some((kind, facts)) = facts(&row, 2)? {
            let (seq, at) = (rows::count(&row, 0)?, rows::time(&row, 1)?);
            let head = EventHead { seq, at, kind, resource: facts.key() };
            let due_at = rows::time_if_any(&row, 5)?.unwrap_or_default();
            pending.push(PendingDelivery { head, tries: rows::count(&row, 4)?, due_at });
        }
    }
    Ok(pending)
}

/// A part of a list, narrowed to a state and to a type.
pub(super) async fn page(
    unit: &Unit,
    owner: Owner,
    id: WebhookId,
    (state, kind): (Option<DeliveryState>, Option<EventType>),
    before: Option<u64>,
    limit: usize,
) -> Result<DeliveryPage, Fault> {
    let mut page = DeliveryPage::default();
    let found = find(unit, id).await?.filter(|found| found.endpoint.webhook.owner == owner);
    let Some(Found { number: webhook, log, .. }) = found else { return Ok(page) };
    let most = unit.core.rows_per_page();
    let looked_at = if state.is_none() && kind.is_none() { limit.min(most) } else { most };
    let before = before.map_or(i64::MAX, number);
    let rows = unit.query(PAGE, &[&webhook, &before, &rows_at_most(looked_at)]).await?;
    for (looked, row) in rows.iter().enumerate() {
        let (seq, at): (u64, Timestamp) = (rows::count(row, 0)?, rows::time(row, 2)?);
        let is_state = state_of(u8::try_from(rows::get::<i16>(row, 3)?).unwrap_or(u8::MAX));
        if let Some(is_kind) = kind_of(row, 1)?
            && state.is_none_or(|state| state == is_state)
            && kind.is_none_or(|kind| kind == is_kind)
        {
            page.deliveries.push(Delivery {
                event: EventId::new(at, log, seq),
                kind: is_kind,
                at,
                state: is_state,
                due_at: rows::time_if_any(row, 4)?,
                attempts: attempts_of(rows::get(row, 5)?),
            });
        }
        if page.deliveries.len() == limit || looked + 1 == looked_at {
            page.next = Some(seq);
            break;
        }
    }
    Ok(page)
}
