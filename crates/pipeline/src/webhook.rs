//! Webhooks: events for accounts.
//!
//! The store logs events in the transactions of the changes. Each endpoint has a `lane` that decides about the next
//! request, by the `health` of the endpoint and the `schedule`. `driver` has the lanes of all endpoints, shares out the
//! `slots`, and makes the attempts (`attempt`). Their bodies are an [`mod@envelope`] around the resource as the API
//! shows it, signed by [`seal`], or a [`form`]. The API calls [`Webhooks`].

pub(crate) mod attempt;
mod driver;
pub mod envelope;
pub mod form;
mod health;
mod lane;
mod schedule;
pub mod seal;
mod slots;
pub mod stats;

use std::sync::Arc;
use std::time::Duration;

use fetch::guard::GuardSettings;
use fetch::post::{Post, PostError, PostSettings, Poster};
use fetch::resolve::Resolve;
use fetch::{Trust, UserAgent};
use model::error::{AdditionalInfo, ErrorCode, Refusal};
use model::webhook::{EventType, Format, Ordering, ROTATION, Subscription, Webhook};
use model::{Entropy, EventId, Owner, Timestamp, WebhookId};
use runtime::{Runtime, Supervisor, Task};
use store::contract::nodes::Epoch;
use store::contract::webhooks::{
    DeliveryAttempt, DeliveryPage, DeliveryRecord, DeliveryState, Endpoint, EventHead, EventRecord, EventsAfter,
    Progress, ReplayBegun, ReplayOf, WebhookChange,
};
use store::{Store, StoreError};
use tokio::sync::{mpsc, watch};

use crate::hold::Holding;
use crate::refusal::refused_by_store;
use attempt::{Context, Target};
use driver::{Command, Driver};
pub use envelope::{Render, envelope};
pub use form::Form;
pub use seal::{Secret, Vault, signatures};
pub use stats::Stats;

/// The settings of the delivery.
#[derive(Clone, Copy, Debug)]
pub struct WebhookSettings {
    /// Requests at once, of all endpoints together.
    pub requests_max: usize,
    /// How long events and deliveries are kept.
    pub keep: Duration,
}

/// The parts of webhooks.
pub struct WebhookParts {
    /// The client of the requests.
    pub poster: Arc<dyn Post>,
    /// The encryption of secrets.
    pub vault: Vault,
    /// The view of resources.
    pub render: Arc<dyn Render>,
    /// The settings of the delivery.
    pub settings: WebhookSettings,
}

impl WebhookParts {
    /// Webhooks that trust no certificate and render nothing: for a pipeline without endpoints.
    ///
    /// # Errors
    /// TLS cannot be set up, because of a mistake in this build.
    pub fn mute(resolver: Arc<dyn Resolve>, runtime: Arc<dyn Runtime>) -> Result<Self, String> {
        struct Nothing;
        #[async_trait::async_trait]
        impl Render for Nothing {
            async fn data(&self, _: &EventRecord) -> Result<Option<String>, StoreError> {
                Ok(None)
            }
            async fn form(&self, _: &EventRecord) -> Result<Option<Form>, StoreError> {
                Ok(None)
            }
        }
        let settings = PostSettings {
            guard: GuardSettings::default(),
            trust: Trust::nobody(),
            user_agent: UserAgent::default(),
            timeout: Duration::from_secs(15),
            idle_max: 0,
        };
        let poster = Poster::new(settings, resolver, runtime).map_err(|error| error.to_string())?;
        let vault = Vault::new(&[0; 32]).ok_or("the key of the vault has another length")?;
        let settings = WebhookSettings { requests_max: 8, keep: Duration::from_secs(7 * 86_400) };
        Ok(Self { poster: Arc::new(poster), vault, render: Arc::new(Nothing), settings })
    }
}

/// A new endpoint, as its account requests it.
#[derive(Clone, Debug, Default)]
pub struct NewWebhook {
    /// Where events are sent.
    pub url: String,
    /// The selected events.
    pub events: Subscription,
    /// The note of the account.
    pub description: Option<Arc<str>>,
    /// Whether events are sent.
    pub active: bool,
    /// In which order.
    pub ordering: Ordering,
    /// Whether the endpoint gets the events of the messages of broadcasts, too.
    pub broadcast_messages: bool,
    /// The format of requests.
    pub format: Format,
}

/// The most calls of accounts that wait for the driver; further calls wait for a place.
const COMMANDS: usize = 256;

/// Endpoints and their events, for the API.
pub struct Webhooks {
    context: Arc<Context>,
    commands: mpsc::Sender<Command>,
}

/// What the pipeline gives to webhooks.
pub(crate) struct Surroundings {
    pub(crate) store: Arc<dyn Store>,
    pub(crate) node: Epoch,
    pub(crate) runtime: Arc<dyn Runtime>,
    pub(crate) entropy: Arc<dyn Entropy>,
    pub(crate) holding: Arc<Holding>,
}

impl Webhooks {
    /// Starts the delivery. The task ends when `stopped` is true and the requests under way have ended.
    pub(crate) fn start(
        parts: WebhookParts,
        around: Surroundings,
        supervisor: &Supervisor,
        stopped: watch::Receiver<bool>,
    ) -> (Self, Task) {
        let (commands, asked) = mpsc::channel(COMMANDS);
        let Surroundings { store, node, runtime, entropy, holding } = around;
        let WebhookParts { poster, vault, render, settings } = parts;
        let stats = Stats::default();
        let context = Arc::new(Context { store, node, poster, vault, render, runtime, entropy, stats });
        let driver = Driver::new(Arc::clone(&context), settings, asked, stopped, holding);
        let task = supervisor.start("webhooks", driver.run());
        (Self { context, commands }, task)
    }

    /// The parts of attempts, for other readers of secrets.
    pub(crate) fn context(&self) -> Arc<Context> {
        Arc::clone(&self.context)
    }

    /// The measurements.
    pub fn stats(&self) -> &Stats {
        &self.context.stats
    }

    /// Creates an endpoint. Returns it with its secret, which [`Self::secret`] returns later.
    ///
    /// # Errors
    /// 33018 for a forbidden URL, 33100 above the maximum number of endpoints, and the errors of the store.
    pub async fn create(&self, owner: Owner, new: NewWebhook) -> Result<(Webhook, Secret), Refusal> {
        self.judge("url", &new.url).await?;
        let (context, now) = (&self.context, self.context.runtime.now());
        let NewWebhook { url, events, description, active, ordering, broadcast_messages, format } = new;
        let webhook = Webhook {
            id: WebhookId::new(now, &*context.entropy),
            owner,
            url: url.into(),
            events,
            description,
            active,
            ordering,
            broadcast_messages,
            format,
            created_at: now,
            disabled: None,
        };
        let secret = Secret::new(&*context.entropy);
        let sealed = context.vault.seal(webhook.id, &secret, &*context.entropy).ok_or(ErrorCode::UnexpectedError)?;
        if !context.store.create_webhook(webhook.clone(), sealed).await.map_err(refused_by_store)? {
            let info = AdditionalInfo::WrongType { field: "url".into(), expected: "at most 10 endpoints".into() };
            return Err(Refusal::new(ErrorCode::MalformedRequest).with_info(info));
        }
        self.tell(Command::Changed(owner)).await;
        Ok((webhook, secret))
    }

    /// The endpoints of an owner, or of all, oldest first.
    ///
    /// # Errors
    /// Those of the store.
    pub async fn list(&self, owner: Option<Owner>) -> Result<Vec<Endpoint>, Refusal> {
        self.context.store.webhooks(owner).await.map_err(refused_by_store)
    }

    /// One endpoint of an owner.
    ///
    /// # Errors
    /// 33101 for an endpoint that the owner does not have, and the errors of the store.
    pub async fn find(&self, owner: Owner, id: WebhookId) -> Result<Endpoint, Refusal> {
        let found = self.list(Some(owner)).await?.into_iter().find(|endpoint| endpoint.webhook.id == id);
        found.ok_or_else(|| ErrorCode::NotFound.into())
    }

    /// Checks a URL at which the client of a message wants its status. The endpoint with this URL, with any query,
    /// sends forms there.
    ///
    /// # Errors
    /// 33018 for a forbidden URL, 33100 if no endpoint of the owner sends forms about messages there, both with the
    /// name of the field, and the errors of the store.
    pub async fn check_callback(&self, owner: Owner, field: &'static str, url: &str) -> Result<(), Refusal> {
        let endpoints = self.list(Some(owner)).await?;
        if !endpoints.iter().any(|endpoint| endpoint.webhook.takes_callbacks_at(url)) {
            let expected = "the URL, with any query, of an active endpoint of yours whose format is twilio and which \
                receives events of outgoing messages";
            let info = AdditionalInfo::WrongType { field: field.into(), expected: expected.into() };
            return Err(Refusal::new(ErrorCode::MalformedRequest).with_info(info));
        }
        self.judge(field, url).await
    }

    /// Changes an endpoint.
    ///
    /// # Errors
    /// 33018 for a forbidden URL, 33101 for an endpoint that the owner does not have, and the errors of the store.
    pub async fn change(&self, owner: Owner, id: WebhookId, change: WebhookChange) -> Result<Webhook, Refusal> {
        if let Some(url) = &change.url {
            self.find(owner, id).await?;
            self.judge("url", url).await?;
        }
        let changed = self.context.store.change_webhook(owner, id, change).await.map_err(not_there)?;
        self.tell(Command::Changed(owner)).await;
        Ok(changed)
    }

    /// Removes an endpoint. Requests under way end.
    ///
    /// # Errors
    /// As [`Self::find`].
    pub async fn remove(&self, owner: Owner, id: WebhookId) -> Result<(), Refusal> {
        self.context.store.remove_webhook(owner, id).await.map_err(not_there)?;
        self.tell(Command::Changed(owner)).await;
        Ok(())
    }

    /// The newest secret of an endpoint.
    ///
    /// # Errors
    /// As [`Self::find`]; 33000 if the secret was written under another pepper.
    pub async fn secret(&self, owner: Owner, id: WebhookId) -> Result<Secret, Refusal> {
        self.find(owner, id).await?;
        let secrets = self.context.secrets(id).await.map_err(refused_by_store)?;
        let unreadable = "the secret of an endpoint cannot be read: was the pepper changed?";
        secrets.into_iter().next().ok_or_else(|| Refusal::new(ErrorCode::UnexpectedError).caused_by(unreadable))
    }

    /// Gives an endpoint a new secret. The old one signs beside it for a day.
    ///
    /// # Errors
    /// As [`Self::find`].
    pub async fn rotate(&self, owner: Owner, id: WebhookId) -> Result<Secret, Refusal> {
        let context = &self.context;
        let secret = Secret::new(&*context.entropy);
        let sealed = context.vault.seal(id, &secret, &*context.entropy).ok_or(ErrorCode::UnexpectedError)?;
        let until = context.runtime.now() + ROTATION;
        context.store.rotate_webhook_secret(owner, id, sealed, until).await.map_err(not_there)?;
        self.tell(Command::Changed(owner)).await;
        Ok(secret)
    }

    /// Delivers a test event at once, regardless of the state of the endpoint, and returns the outcome.
    ///
    /// # Errors
    /// As [`Self::find`].
    pub async fn test(&self, owner: Owner, id: WebhookId) -> Result<(EventRecord, DeliveryAttempt), Refusal> {
        let Endpoint { webhook, .. } = self.find(owner, id).await?;
        let context = &self.context;
        let event = context.store.log_webhook_test(owner, id, context.runtime.now()).await.map_err(not_there)?;
        let target = Target::new(Arc::new(webhook));
        let made = attempt::deliver(context, &target, event.id.seq()).await;
        let unmade = || Refusal::new(ErrorCode::ServiceUnavailable).caused_by("the test could not be made");
        let attempt = made.attempt.ok_or_else(unmade)?;
        let state = if attempt::is_success(&attempt) { DeliveryState::Succeeded } else { DeliveryState::Failed };
        let (seq, at, kind) = (event.id.seq(), event.at, EventType::WebhookTest);
        let head = EventHead { seq, at, kind, resource: u128::from_be_bytes(id.to_bytes()) };
        let delivery =
            DeliveryRecord { head, state, tries: 1, due_at: None, attempt: Some(attempt.clone()), body: None };
        let progress = Progress { webhook: id, position: 0, failing: None, replay: None, deliveries: vec![delivery] };
        context.store.record_progress(vec![progress]).await.map_err(refused_by_store)?;
        Ok((event, attempt))
    }

    /// The deliveries of an endpoint, newest event first.
    ///
    /// # Errors
    /// As [`Self::find`].
    pub async fn deliveries(
        &self,
        owner: Owner,
        id: WebhookId,
        state: Option<DeliveryState>,
        kind: Option<EventType>,
        before: Option<u64>,
        limit: usize,
    ) -> Result<DeliveryPage, Refusal> {
        self.find(owner, id).await?;
        self.context.store.deliveries(owner, id, state, kind, before, limit).await.map_err(refused_by_store)
    }

    /// Delivers events again, under the same ids.
    ///
    /// # Errors
    /// As [`Self::find`]; 33100 for an unknown event, and if too many replays are under way.
    pub async fn replay(&self, owner: Owner, id: WebhookId, of: ReplayOf) -> Result<(), Refusal> {
        let wrong = |field: &'static str, expected: &'static str| {
            let info = AdditionalInfo::WrongType { field: field.into(), expected: expected.into() };
            Err(Refusal::new(ErrorCode::MalformedRequest).with_info(info))
        };
        let now = self.context.runtime.steady();
        match self.context.store.begin_replay(owner, id, of, now).await.map_err(not_there)? {
            ReplayBegun::Begun => self.tell(Command::Replayed(id)).await,
            ReplayBegun::TooMany => return wrong("since", "at most 10 replays under way"),
            ReplayBegun::UnknownEvent => return wrong("eventIds", "events that are still kept"),
        }
        Ok(())
    }

    /// Events of an owner as they are delivered, oldest first, and the start of the next page. `follow` has the log
    /// written for an hour, even if the owner has no endpoint.
    ///
    /// # Errors
    /// Those of the store.
    pub async fn events(
        &self,
        owner: Owner,
        kind: Option<EventType>,
        after: Option<EventsAfter>,
        limit: usize,
        follow: bool,
    ) -> Result<(Vec<(EventId, String)>, Option<u64>), Refusal> {
        let context = &self.context;
        if follow {
            let until = context.runtime.now() + FOLLOWED;
            context.store.follow_events_until(owner, until).await.map_err(refused_by_store)?;
        }
        let page = context.store.webhook_events(owner, kind, after, limit).await.map_err(refused_by_store)?;
        let mut events = Vec::with_capacity(page.events.len());
        for event in page.events {
            if let Some(data) = context.render.data(&event).await.map_err(refused_by_store)? {
                events.push((event.id, envelope(&event, data)));
            }
        }
        Ok((events, page.next))
    }

    async fn judge(&self, field: &'static str, url: &str) -> Result<(), Refusal> {
        let judged = self.context.poster.judge(url).await;
        judged.map_err(|error| {
            let cause = match error {
                PostError::Denied(denial) => denial.to_string(),
                other => other.to_string(),
            };
            let refusal = Refusal::new(ErrorCode::MediaUrlNotAllowed).caused_by(cause);
            refusal.with_info(AdditionalInfo::Field(field))
        })
    }

    async fn tell(&self, command: Command) {
        // A driver that has ended reads what changed at the next start.
        let _ = self.commands.send(command).await;
    }
}

/// How long a log is written for a follower.
const FOLLOWED: Duration = Duration::from_secs(3_600);

fn not_there(error: StoreError) -> Refusal {
    match error {
        StoreError::NotFound => ErrorCode::NotFound.into(),
        other => refused_by_store(other),
    }
}

/// The time of day at a moment of steady time.
pub(crate) fn time_of_day(runtime: &Arc<dyn Runtime>, steady: Timestamp) -> Timestamp {
    let (now, at) = (runtime.now(), runtime.steady());
    if steady >= at { now + steady.since(at) } else { now - at.since(steady) }
}

impl Webhooks {
    /// The time of the next attempt of a pending delivery, as a time of day.
    pub fn due_at(&self, steady: Timestamp) -> Timestamp {
        time_of_day(&self.context.runtime, steady)
    }
}
