//! Endpoints as their rows have them.

use model::webhook::{DisabledReason, Format, Ordering, Webhook};
use model::{Owner, WebhookId};
use tokio_postgres::Row;

use crate::fault::Fault;
use crate::listeners::subscription;
use crate::rows;
use crate::unit::Unit;
use ledger::StoreError;
use ledger::contract::webhooks::{Endpoint, Failing};

/// The columns of an endpoint, for [`found`].
pub(super) const COLUMNS: &str = "w.webhook, w.id, l.account_id, l.test, w.url, w.events, w.description, w.active, \
    w.ordering, w.broadcast_messages, w.created_at, w.disabled_reason, w.disabled_at, w.position, w.failing_since, \
    w.failing_attempts, w.log, l.last, w.format FROM webhook_endpoints w JOIN webhook_logs l ON l.log = w.log";

/// An endpoint's row.
pub(super) struct Found {
    /// Under which number its deliveries are kept.
    pub(super) number: i64,
    /// The log of its owner.
    pub(super) log: u32,
    pub(super) endpoint: Endpoint,
}

/// An endpoint by its id.
pub(super) async fn find(unit: &Unit, id: WebhookId) -> Result<Option<Found>, Fault> {
    let sql = format!("SELECT {COLUMNS} WHERE w.id = $1 AND NOT w.removed");
    unit.find(&sql, &[&rows::id(id.to_bytes())]).await?.as_ref().map(found).transpose()
}

/// An endpoint by its id. Nobody else changes its row before this transaction is over.
pub(super) async fn lock(unit: &Unit, id: WebhookId) -> Result<Option<Found>, Fault> {
    let sql = format!("SELECT {COLUMNS} WHERE w.id = $1 AND NOT w.removed FOR NO KEY UPDATE OF w");
    unit.find(&sql, &[&rows::id(id.to_bytes())]).await?.as_ref().map(found).transpose()
}

/// The endpoint, locked, if it is this owner's.
pub(super) async fn require(unit: &Unit, owner: Owner, id: WebhookId) -> Result<Found, Fault> {
    let found = lock(unit, id).await?.filter(|found| found.endpoint.webhook.owner == owner);
    found.ok_or(Fault::Told(StoreError::NotFound))
}

/// An endpoint from the columns of [`COLUMNS`].
pub(super) fn found(row: &Row) -> Result<Found, Fault> {
    let reason = rows::word_if_any(row, 11, DisabledReason::parse)?;
    let webhook = Webhook {
        id: WebhookId::from_bytes(rows::octets(row, 1)?),
        owner: rows::owner(row, 2)?,
        url: rows::text(row, 4)?.into(),
        events: rows::word(row, 5, subscription)?,
        description: rows::text_if_any(row, 6)?.map(Into::into),
        active: rows::get(row, 7)?,
        ordering: rows::word(row, 8, Ordering::parse)?,
        broadcast_messages: rows::get(row, 9)?,
        format: rows::word(row, 18, Format::parse)?,
        created_at: rows::time(row, 10)?,
        disabled: reason.zip(rows::time_if_any(row, 12)?),
    };
    let probes = rows::count(row, 15)?;
    let endpoint = Endpoint {
        webhook,
        position: rows::count(row, 13)?,
        last: rows::count(row, 17)?,
        failing: rows::time_if_any(row, 14)?.map(|since| Failing { since, probes }),
    };
    Ok(Found { number: rows::get(row, 0)?, log: rows::count(row, 16)?, endpoint })
}
