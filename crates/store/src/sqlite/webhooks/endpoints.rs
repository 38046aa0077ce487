//! Endpoints and their secrets.

use model::webhook::{DisabledReason, ENDPOINTS_MAX, EventType, SECRETS_MAX, Subscription, Webhook};
use model::{Owner, Timestamp, WebhookId};
use rusqlite::{Connection, params};

use super::found::{COLUMNS, Found, find, found, require};
use super::{events, logs};
use crate::sqlite::fault::Fault;
use crate::sqlite::writer::Group;
use ledger::contract::webhooks::{Endpoint, EventRecord, SealedSecret, WebhookChange};

pub(super) fn create(group: &mut Group, webhook: &Webhook, secret: &SealedSecret) -> rusqlite::Result<bool> {
    group.events.write(&group.connection)?;
    let log = logs::open(&group.connection, webhook.owner)?;
    let count: usize = group.connection.prepare_cached(COUNT)?.query_row([log], |row| row.get(0))?;
    if count >= ENDPOINTS_MAX {
        return Ok(false);
    }
    group.events.read(&group.connection)?;
    let last = group.events.of(webhook.owner).map_or(0, |(_, last)| last);
    group.connection.prepare_cached(INSERT)?.execute(params![
        webhook.id.to_bytes(),
        log,
        webhook.url,
        joined(&webhook.events),
        webhook.description,
        webhook.active,
        webhook.ordering.as_str(),
        webhook.broadcast_messages,
        webhook.created_at.as_millis(),
        last,
        webhook.format.as_str(),
    ])?;
    let number = group.connection.last_insert_rowid();
    group.connection.prepare_cached(INSERT_SECRET)?.execute(params![number, secret.0])?;
    group.events.read(&group.connection)?;
    Ok(true)
}

pub(super) fn all(connection: &Connection, owner: Option<Owner>) -> rusqlite::Result<Vec<Endpoint>> {
    let sql = format!(
        "SELECT {COLUMNS} WHERE w.removed = 0 AND (?1 IS NULL OR (l.account_id = ?1 AND l.test = ?2)) \
         ORDER BY w.webhook"
    );
    let (account, test) = (owner.map(|owner| owner.account.to_bytes()), owner.map(super::is_test));
    connection.prepare_cached(&sql)?.query_map(params![account, test], |row| Ok(found(row)?.endpoint))?.collect()
}

pub(super) fn change(group: &mut Group, owner: Owner, id: WebhookId, change: WebhookChange) -> Result<Webhook, Fault> {
    let Found { number, endpoint: Endpoint { webhook: was, .. }, .. } = require(&group.connection, owner, id)?;
    let is_enabled = change.active == Some(true);
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
    group.events.write(&group.connection)?;
    group.connection.prepare_cached(UPDATE)?.execute(params![
        number,
        now.url,
        joined(&now.events),
        now.description,
        now.active,
        now.ordering.as_str(),
        now.broadcast_messages,
        is_enabled,
    ])?;
    group.events.read(&group.connection)?;
    Ok(now)
}

pub(super) fn remove(group: &mut Group, owner: Owner, id: WebhookId) -> Result<(), Fault> {
    let Found { number, .. } = require(&group.connection, owner, id)?;
    group.events.write(&group.connection)?;
    for sql in [REMOVE, REMOVE_SECRETS, REMOVE_REPLAYS] {
        group.connection.prepare_cached(sql)?.execute([number])?;
    }
    group.events.read(&group.connection)?;
    Ok(())
}

pub(super) fn secrets(connection: &Connection, id: WebhookId, now: Timestamp) -> rusqlite::Result<Vec<SealedSecret>> {
    let mut select = connection.prepare_cached(SECRETS)?;
    select.query_map(params![id.to_bytes(), now.as_millis()], |row| row.get(0).map(SealedSecret))?.collect()
}

pub(super) fn rotate(
    group: &mut Group,
    owner: Owner,
    id: WebhookId,
    secret: &SealedSecret,
    others_until: Timestamp,
) -> Result<(), Fault> {
    let Found { number, .. } = require(&group.connection, owner, id)?;
    group.connection.prepare_cached(END_SECRETS)?.execute(params![number, others_until.as_millis()])?;
    group.connection.prepare_cached(INSERT_SECRET)?.execute(params![number, secret.0])?;
    group.connection.prepare_cached(DROP_SECRETS)?.execute(params![number, SECRETS_MAX])?;
    Ok(())
}

pub(super) fn disable(
    group: &mut Group,
    id: WebhookId,
    reason: DisabledReason,
    at: Timestamp,
) -> rusqlite::Result<Option<Webhook>> {
    let found = find(&group.connection, id)?.filter(|found| found.endpoint.webhook.active);
    let Some(Found { number, endpoint: Endpoint { webhook, .. }, .. }) = found else { return Ok(None) };
    group.connection.prepare_cached(DISABLE)?.execute(params![number, reason.as_str(), at.as_millis()])?;
    group.events.note_endpoint(webhook.owner, at, EventType::WebhookDisabled, id, reason.as_str());
    Ok(Some(Webhook { active: false, disabled: Some((reason, at)), ..webhook }))
}

pub(super) fn log_test(group: &mut Group, owner: Owner, id: WebhookId, at: Timestamp) -> Result<EventRecord, Fault> {
    let Found { log, .. } = require(&group.connection, owner, id)?;
    group.events.note_endpoint(owner, at, EventType::WebhookTest, id, "");
    group.events.write(&group.connection)?;
    let last = group.events.of(owner).map_or(0, |(_, last)| last);
    let event = events::find(&group.connection, owner, log, last)?;
    event.ok_or_else(|| Fault::Sql(rusqlite::Error::QueryReturnedNoRows))
}

fn joined(events: &Subscription) -> String {
    events.patterns().iter().map(|pattern| &**pattern).collect::<Vec<_>>().join(" ")
}

const COUNT: &str = "SELECT count(*) FROM webhook_endpoints WHERE log = ?1 AND removed = 0";
const INSERT: &str = "INSERT INTO webhook_endpoints (id, log, url, events, description, active, ordering, \
    broadcast_messages, created_at, position, format) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)";
const UPDATE: &str = "UPDATE webhook_endpoints SET url = ?2, events = ?3, description = ?4, active = ?5, \
    ordering = ?6, broadcast_messages = ?7, disabled_reason = iif(?8, NULL, disabled_reason), \
    disabled_at = iif(?8, NULL, disabled_at), failing_since = iif(?8, NULL, failing_since), \
    failing_attempts = iif(?8, 0, failing_attempts) WHERE webhook = ?1";
const REMOVE: &str = "UPDATE webhook_endpoints SET removed = 1, active = 0, url = '' WHERE webhook = ?1";
const REMOVE_SECRETS: &str = "DELETE FROM webhook_secrets WHERE webhook = ?1";
const REMOVE_REPLAYS: &str = "DELETE FROM webhook_replays WHERE webhook = ?1";
const DISABLE: &str = "UPDATE webhook_endpoints SET active = 0, disabled_reason = ?2, disabled_at = ?3, \
    failing_since = NULL, failing_attempts = 0 WHERE webhook = ?1";
const SECRETS: &str = "SELECT s.sealed FROM webhook_endpoints w JOIN webhook_secrets s ON s.webhook = w.webhook \
    WHERE w.id = ?1 AND w.removed = 0 AND (s.ends_at IS NULL OR s.ends_at > ?2) ORDER BY s.number DESC";
const INSERT_SECRET: &str = "INSERT INTO webhook_secrets (webhook, number, sealed) VALUES (?1, \
    (SELECT coalesce(max(number), 0) + 1 FROM webhook_secrets WHERE webhook = ?1), ?2)";
const END_SECRETS: &str = "UPDATE webhook_secrets SET ends_at = min(coalesce(ends_at, ?2), ?2) WHERE webhook = ?1";
const DROP_SECRETS: &str = "DELETE FROM webhook_secrets WHERE webhook = ?1 AND number <= (SELECT max(number) FROM \
    webhook_secrets WHERE webhook = ?1) - ?2";
