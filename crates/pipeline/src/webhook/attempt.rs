//! One attempt: the event is read, shown, signed and posted.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use fetch::post::{Line, Post, PostError, Posted};
use model::webhook::{Format, Webhook};
use model::{Entropy, WebhookId};
use runtime::Runtime;
use store::contract::nodes::Epoch;
use store::contract::webhooks::{DeliveryAttempt, EventRecord, ToSend};
use store::{Store, StoreError};

use super::envelope::{Render, envelope};
use super::form;
use super::lane::{Ended, Outcome};
use super::schedule::asked;
use super::seal::{Secret, Vault, signatures};
use super::stats::{AttemptOutcome, Stats};

/// What attempts need.
pub(crate) struct Context {
    pub(crate) store: Arc<dyn Store>,
    /// This process, among those that might deliver.
    pub(crate) node: Epoch,
    pub(crate) poster: Arc<dyn Post>,
    pub(crate) vault: Vault,
    pub(crate) render: Arc<dyn Render>,
    pub(crate) runtime: Arc<dyn Runtime>,
    pub(crate) entropy: Arc<dyn Entropy>,
    pub(crate) stats: Stats,
}

impl Context {
    /// The secrets that sign for an endpoint now, the newest first. Those of another pepper are left out.
    pub(crate) async fn secrets(&self, id: WebhookId) -> Result<Vec<Secret>, StoreError> {
        let sealed = self.store.webhook_secrets(id, self.runtime.now()).await?;
        Ok(sealed.iter().filter_map(|sealed| self.vault.open(id, sealed)).collect())
    }
}

impl Context {
    /// Encrypts the secrets of all endpoints under the current pepper that are encrypted under the previous one.
    ///
    /// # Errors
    /// As the store; a part may be done then.
    pub(crate) async fn reseal(&self) -> Result<(), StoreError> {
        for endpoint in self.store.webhooks(None).await? {
            let id = endpoint.webhook.id;
            for sealed in self.store.webhook_secrets(id, self.runtime.now()).await? {
                if let Some(anew) = self.vault.reseal(id, &sealed, &*self.entropy) {
                    self.store.reseal_webhook_secret(id, sealed, anew).await?;
                }
            }
        }
        Ok(())
    }
}

/// How long the secrets of an endpoint are not read again.
const SECRETS_HOLD: Duration = Duration::from_secs(30);

/// An endpoint with what is kept between its requests.
pub(crate) struct Target {
    pub(crate) webhook: Arc<Webhook>,
    line: Line,
    secrets: Mutex<Option<(Instant, Arc<[Secret]>)>>,
}

impl Target {
    pub(crate) fn new(webhook: Arc<Webhook>) -> Self {
        Self { webhook, line: Line::default(), secrets: Mutex::default() }
    }

    pub(crate) fn close_idle(&self, now: Instant) {
        self.line.close_idle(now);
    }

    async fn secrets(&self, context: &Context) -> Result<Arc<[Secret]>, StoreError> {
        let now = context.runtime.instant();
        let known = self.secrets.lock().unwrap_or_else(PoisonError::into_inner).clone();
        if let Some((read, secrets)) = known
            && now.saturating_duration_since(read) < SECRETS_HOLD
        {
            return Ok(secrets);
        }
        let secrets: Arc<[Secret]> = context.secrets(self.webhook.id).await?.into();
        *self.secrets.lock().unwrap_or_else(PoisonError::into_inner) = Some((now, Arc::clone(&secrets)));
        Ok(secrets)
    }
}

/// Delivers an event to an endpoint, once.
pub(crate) async fn deliver(context: &Context, target: &Target, seq: u64) -> Ended {
    let unit = context.entropy.next_unit();
    let without_attempt = |outcome| Ended { outcome, attempt: None, body: None, unit };
    let sent = match prepare(context, target, seq).await {
        Ok(Some(prepared)) => prepared,
        Ok(None) => return without_attempt(Outcome::Vanished),
        Err(error) => {
            tracing::debug!(webhook.id = %target.webhook.id, "An event could not be read for its endpoint: {error}");
            return without_attempt(Outcome::NotMade);
        }
    };
    let (at, began) = (context.runtime.now(), context.runtime.instant());
    let at_secs = at.as_millis().div_euclid(1_000);
    let headers = headers(target.webhook.format, &sent, at_secs);
    let body = bytes::Bytes::copy_from_slice(sent.body.as_bytes());
    let posted = context.poster.post(&target.line, &sent.url, &headers, body).await;
    let took = context.runtime.instant().saturating_duration_since(began);
    let (outcome, counted) = judged(&posted, at.as_millis());
    context.stats.count(counted);
    let (status, response, cause) = match posted {
        Ok(posted) => (Some(posted.status), String::from_utf8_lossy(&posted.start).into(), None),
        Err(error) => (None, "".into(), Some(error.to_string().into())),
    };
    let took_ms = u32::try_from(took.as_millis()).unwrap_or(u32::MAX);
    let attempt = DeliveryAttempt { at, status, cause, took_ms, response };
    let body = Some(sent.body).filter(|_| outcome != Outcome::Delivered);
    Ended { outcome, attempt: Some(attempt), body, unit }
}

struct Prepared {
    id: model::EventId,
    url: String,
    body: Arc<str>,
    secrets: Arc<[Secret]>,
}

/// What is sent: the octets of an earlier attempt, or what is made of the event now.
async fn prepare(context: &Context, target: &Target, seq: u64) -> Result<Option<Prepared>, StoreError> {
    let secrets = target.secrets(context).await?;
    if secrets.is_empty() {
        return Err(StoreError::Unavailable("the endpoint has no secret that can be read".to_owned()));
    }
    let Some(ToSend { event, body }) = context.store.event_to_send(target.webhook.id, seq).await? else {
        return Ok(None);
    };
    let body = match body {
        Some(body) => body,
        None => match made(context, target.webhook.format, &event).await? {
            Some(body) => body.into(),
            None => return Ok(None),
        },
    };
    let url = form::destination(&target.webhook, &event).to_owned();
    Ok(Some(Prepared { id: event.id, url, body, secrets }))
}

/// What is made of an event.
async fn made(context: &Context, format: Format, event: &EventRecord) -> Result<Option<String>, StoreError> {
    Ok(match format {
        Format::Json => context.render.data(event).await?.map(|data| envelope(event, data)),
        Format::Twilio => context.render.form(event).await?.map(|form| form::encoded(&form)),
    })
}

/// The headers of a request. A form has the signature of Twilio beside those of Standard Webhooks: one, made with the
/// newest secret.
fn headers(format: Format, sent: &Prepared, at_secs: i64) -> Vec<(&'static str, String)> {
    let content_type = match format {
        Format::Json => "application/json",
        Format::Twilio => "application/x-www-form-urlencoded; charset=utf-8",
    };
    let mut headers = vec![
        ("content-type", content_type.to_owned()),
        ("webhook-id", sent.id.to_string()),
        ("webhook-timestamp", at_secs.to_string()),
        ("webhook-signature", signatures(&sent.secrets, sent.id, at_secs, &sent.body)),
    ];
    if let (Format::Twilio, Some(newest)) = (format, sent.secrets.first()) {
        headers.push(("i-twilio-idempotency-token", sent.id.to_string()));
        headers.push(("x-twilio-signature", form::signature(newest, &sent.url, &sent.body)));
    }
    headers
}

fn judged(posted: &Result<Posted, PostError>, now_ms: i64) -> (Outcome, AttemptOutcome) {
    match posted {
        Ok(posted) if (200..300).contains(&posted.status) => (Outcome::Delivered, AttemptOutcome::Delivered),
        Ok(posted) if posted.status == 410 => (Outcome::Gone, AttemptOutcome::Status),
        Ok(posted) => {
            let text = posted.retry_after.as_deref().filter(|_| matches!(posted.status, 429 | 503));
            (Outcome::Failed(text.and_then(|text| asked(text, now_ms))), AttemptOutcome::Status)
        }
        Err(PostError::Denied(_)) => (Outcome::Failed(None), AttemptOutcome::Denied),
        Err(PostError::TimedOut(_)) => (Outcome::Failed(None), AttemptOutcome::TimedOut),
        Err(PostError::Failed(_)) => (Outcome::Failed(None), AttemptOutcome::Connection),
    }
}

/// Whether an attempt succeeded.
pub(crate) fn is_success(attempt: &DeliveryAttempt) -> bool {
    attempt.status.is_some_and(|status| (200..300).contains(&status))
}
