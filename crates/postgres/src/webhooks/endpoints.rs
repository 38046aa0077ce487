//! Endpoints and their secrets.

use model::webhook::{DisabledReason, ENDPOINTS_MAX, EventType, SECRETS_MAX, Subscription, Webhook};
use model::{Owner, Timestamp, WebhookId};

use super::found::{COLUMNS, Found, found, lock, require};
use super::{events, logs};
use crate::event_logs::{self, NewLogged};
use crate::fault::Fault;
use crate::unit::Unit;
use crate::{listeners, rows};
use ledger::contract::webhooks::{Endpoint, EventRecord, SealedSecret, WebhookChange};
use ledger::event_log::{endpoint_facts, endpoint_sequence};

const COUNT: &str = "SELECT count(*) FROM webhook_endpoints WHERE log = $1 AND NOT removed";
const INSERT: &str = "INSERT INTO webhook_endpoints (id, log, url, events, description, active, ordering, \
    broadcast_messages, created_at, format, position) \
    SELECT $1, l.log, $3, $4, $5, $6, $7, $8, $9, $10, l.last FROM webhook_logs l WHERE l.log = $2 RETURNING webhook";
const UPDATE: &str = "UPDATE webhook_endpoints SET url = $2, events = $3, description = $4, active = $5, \
    ordering = $6, broadcast_messages = $7, disabled_reason = CASE WHEN NOT $8 THEN disabled_reason END, \
    disabled_at = CASE WHEN NOT $8 THEN disabled_at END, failing_since = CASE WHEN NOT $8 THEN failing_since END, \
    failing_attempts = CASE WHEN $8 THEN 0 ELSE failing_attempts END WHERE webhook = $1";
const REMOVE: &str = "UPDATE webhook_endpoints SET removed = true, active = false, url = '' WHERE webhook = $1";
const REMOVE_SECRETS: &str = "DELETE FROM webhook_secrets WHERE webhook = $1";
const REMOVE_REPLAYS: &str = "DELETE FROM webhook_replays WHERE webhook = $1";
const DISABLE: &str = "UPDATE webhook_endpoints SET active = false, disabled_reason = $2, disabled_at = $3, \
    failing_since = NULL, failing_attempts = 0 WHERE webhook = $1";
const SECRETS: &str = "SELECT s.sealed FROM webhook_endpoints w JOIN webhook_secrets s ON s.webhook = w.webhook \
    WHERE w.id = $1 AND NOT w.removed AND (s.ends_at IS NULL OR s.ends_at > $2) ORDER BY s.number DESC";
const INSERT_SECRET: &str = "INSERT INTO webhook_secrets (webhook, number, sealed) VALUES ($1, \
    (SELECT coalesce(max(number), 0) + 1 FROM webhook_secrets WHERE webhook = $1), $2)";
const END_SECRETS: &str = "UPDATE webhook_secrets SET ends_at = least(ends_at, $2) WHERE webhook = $1";
const DROP_SECRETS: &str = "DELETE FROM webhook_secrets WHERE webhook = $1 AND number <= (SELECT max(number) FROM \
    webhook_secrets WHERE webhook = $1) - $2";

pub(super) async fn create(unit: &Unit, webhook: &Webhook, secret: &SealedSecret) -> Result<bool, Fault> {
    listeners::begin(unit).await?;
    let log = logs::open(unit, webhook.owner).await?;
    let count: usize = rows::count(&unit.one(COUNT, &[&log]).await?, 0)?;
    if count >= ENDPOINTS_MAX {
        return Ok(false);
    }
    let (id, created_at) = (rows::id(webhook.id.to_bytes()), webhook.created_at.as_millis());
    let description = webhook.description.as_deref().map(rows::kept);
    let (events, ordering) = (joined(&webhook.events), webhook.ordering.as_str());
    let row = unit
        .one(
            INSERT,
            &[
                &id,
                &log,
                &rows::kept(&webhook.url),
                &events,
                &description,
                &webhook.active,
                &ordering,
                &webhook.broadcast_messages,
                &created_at,
                &webhook.format.as_str(),
            ],
        )
        .await?;
    unit.execute(INSERT_SECRET, &[&rows::get::<i64>(&row, 0)?, &secret.0]).await?;
    Ok(true)
}

pub(super) async fn all(unit: &Unit, owner: Option<Owner>) -> Result<Vec<Endpoint>, Fault> {
    let rows = match owner {
        Some(owner) => {
            let sql = format!(
                "SELECT {COLUMNS} WHERE NOT w.removed AND l.account_id = $1 AND l.test = $2 ORDER BY w.webhook"
            );
            unit.query(&sql, &[&rows::id(owner.account.to_bytes()), &rows::is_test(owner.mode)]).await?
        }
        None => unit.query(&format!("SELECT {COLUMNS} WHERE NOT w.removed ORDER BY w.webhook"), &[]).await?,
    };
    rows.iter().map(|row| Ok(found(row)?.endpoint)).collect()
}

pub(super) async fn change(unit: &Unit, owner: Owner, id: WebhookId, change: &WebhookChange) -> Result<Webhook, Fault> {
    if change.events.is_some() || change.broadcast_messages.is_some() {
        listeners::begin(unit).await?;
    }
    let Found { number, endpoint: Endpoint { webhook: was, .. }, .. } = require(unit, owner, id).await?;
    let is_enabled = change.active == Some(true);
    let change = change.clone();
    let now = Webhook {
        url: change.url.unwrap_or(was.url),
        events: change.events.unwrap_or(was.events),
        description: change.description.unwrap_or(was.description),
        active: change.active.unwrap_or(was.active),
        ordering: change.ordering.unwrap_or(was.ordering),
        broadcast_messages: change.broadcast_messages.unwrap_or(was.broadcast_messages),
        disabled: was.disabled.filter(|_| !is_enabled),
        ..was
    };
    let description = now.description.as_deref().map(rows::kept);
    let (events, ordering) = (joined(&now.events), now.ordering.as_str());
    unit.execute(
        UPDATE,
        &[
            &number,
            &rows::kept(&now.url),
            &events,
            &description,
            &now.active,
            &ordering,
            &now.broadcast_messages,
            &is_enabled,
        ],
    )
    .await?;
    Ok(now)
}

pub(super) async fn remove(unit: &Unit, owner: Owner, id: WebhookId) -> Result<(), Fault> {
    let Found { number, .. } = require(unit, owner, id).await?;
    for sql in [REMOVE, REMOVE_SECRETS, REMOVE_REPLAYS] {
        unit.execute(sql, &[&number]).await?;
    }
    Ok(())
}

pub(super) async fn secrets(unit: &Unit, id: WebhookId, now: Timestamp) -> Result<Vec<SealedSecret>, Fault> {
    let found = unit.query(SECRETS, &[&rows::id(id.to_bytes()), &now.as_millis()]).await?;
    found.iter().map(|row| rows::get(row, 0).map(SealedSecret)).collect()
}

pub(super) async fn rotate(
    unit: &Unit,
    owner: Owner,
    id: WebhookId,
    secret: &SealedSecret,
    others_until: Timestamp,
) -> Result<(), Fault> {
    let Found { number, .. } = require(unit, owner, id).await?;
    unit.execute(END_SECRETS, &[&number, &others_until.as_millis()]).await?;
    unit.execute(INSERT_SECRET, &[&number, &secret.0]).await?;
    unit.execute(DROP_SECRETS, &[&number, &super::rows_at_most(SECRETS_MAX)]).await.map(drop)
}

pub(super) async fn disable(
    unit: &mut Unit,
    id: WebhookId,
    reason: DisabledReason,
    at: Timestamp,
) -> Result<Option<Webhook>, Fault> {
    let found = lock(unit, id).await?.filter(|found| found.endpoint.webhook.active);
    let Some(Found { number, log, endpoint: Endpoint { webhook, .. } }) = found else { return Ok(None) };
    unit.execute(DISABLE, &[&number, &reason.as_str(), &at.as_millis()]).await?;
    let event = of_endpoint(log, &webhook, at, EventType::WebhookDisabled, reason.as_str());
    event_logs::add(unit, vec![event]).await?;
    Ok(Some(Webhook { active: false, disabled: Some((reason, at)), ..webhook }))
}

pub(super) async fn log_test(
    unit: &mut Unit,
    owner: Owner,
    id: WebhookId,
    at: Timestamp,
) -> Result<EventRecord, Fault> {
    let Found { log, endpoint, .. } = require(unit, owner, id).await?;
    let event = of_endpoint(log, &endpoint.webhook, at, EventType::WebhookTest, "");
    event_logs::add(unit, vec![event]).await?;
    let seq = unit.ends.get(&owner).copied().unwrap_or_default();
    let event = events::find(unit, owner, log, seq).await?;
    event.ok_or_else(|| Fault::Broken("an event that was written cannot be read".to_owned()))
}

fn of_endpoint(log: u32, webhook: &Webhook, at: Timestamp, kind: EventType, reason: &str) -> NewLogged {
    let (sequence, facts) = (endpoint_sequence(webhook.id), endpoint_facts(webhook.id, reason));
    NewLogged { log: i64::from(log), owner: webhook.owner, at, kind, sequence, facts }
}

fn joined(events: &Subscription) -> String {
    events.patterns().iter().map(|pattern| &**pattern).collect::<Vec<_>>().join(" ")
}
