//! Endpoints as their rows have them.

use std::sync::Arc;

use model::webhook::{DisabledReason, Format, Ordering, Webhook};
use model::{AccountId, Owner, WebhookId};
use rusqlite::{Connection, OptionalExtension, Row};

use crate::sqlite::event_logs::subscription;
use crate::sqlite::fault::Fault;
use crate::sqlite::rows;
use ledger::StoreError;
use ledger::contract::webhooks::{Endpoint, Failing};

/// The columns of an endpoint, for [`found`].
pub(super) const COLUMNS: &str = "w.webhook, w.id, l.account_id, l.test, w.url, w.events, w.description, w.active, \
    w.ordering, w.broadcast_messages, w.created_at, w.disabled_reason, w.disabled_at, w.position, w.failing_since, \
    w.failing_attempts, w.log, max(l.base, coalesce((SELECT e.seq FROM webhook_events e WHERE e.log = w.log \
    ORDER BY e.seq DESC LIMIT 1), 0)), w.format FROM webhook_endpoints w JOIN webhook_logs l ON l.log = w.log";

/// An endpoint's row.
pub(super) struct Found {
    /// Under which number its deliveries are kept.
    pub(super) number: i64,
    /// The log of its owner.
    pub(super) log: u32,
    pub(super) endpoint: Endpoint,
}

/// An endpoint by its id.
pub(super) fn find(connection: &Connection, id: WebhookId) -> rusqlite::Result<Option<Found>> {
    let sql = format!("SELECT {COLUMNS} WHERE w.id = ?1 AND w.removed = 0");
    connection.prepare_cached(&sql)?.query_row([id.to_bytes()], found).optional()
}

/// The endpoint, if it is this owner's.
pub(super) fn require(connection: &Connection, owner: Owner, id: WebhookId) -> Result<Found, Fault> {
    let found = find(connection, id)?.filter(|found| found.endpoint.webhook.owner == owner);
    found.ok_or(Fault::Told(StoreError::NotFound))
}

/// An endpoint from the columns of [`COLUMNS`].
pub(super) fn found(row: &Row<'_>) -> rusqlite::Result<Found> {
    let reason = rows::word_if_any(row, 11, DisabledReason::parse)?;
    let webhook = Webhook {
        id: WebhookId::from_bytes(row.get(1)?),
        owner: Owner { account: AccountId::from_bytes(row.get(2)?), mode: rows::mode_if_test(row.get(3)?) },
        url: row.get::<_, Arc<str>>(4)?,
        events: subscription(row, 5)?,
        description: row.get(6)?,
        active: row.get(7)?,
        ordering: rows::word(row, 8, Ordering::parse)?,
        broadcast_messages: row.get(9)?,
        format: rows::word(row, 18, Format::parse)?,
        created_at: rows::time(row, 10)?,
        disabled: reason.zip(rows::time_if_any(row, 12)?),
    };
    let probes = row.get(15)?;
    let endpoint = Endpoint {
        webhook,
        position: row.get(13)?,
        last: row.get(17)?,
        failing: rows::time_if_any(row, 14)?.map(|since| Failing { since, probes }),
    };
    Ok(Found { number: row.get(0)?, log: row.get(16)?, endpoint })
}
