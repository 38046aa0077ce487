//! Webhooks: the endpoints of the accounts, how they are made, and how they come to rest.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use model::webhook::{Format, Subscription, Webhook};
use model::{Mode, Owner};
use pipeline::Webhooks;
use pipeline::webhook::NewWebhook;
use store::contract::webhooks::{Endpoint, EventRecord, EventsAfter, WebhookChange};
use store::{Store, StoreError};

use crate::chance::Chance;
use crate::plan::hooks::HookEnd;
use crate::site::Process;
use crate::world::World;

/// What the store has of webhooks.
#[derive(Default)]
pub(crate) struct Hooks {
    /// Every endpoint.
    pub(crate) endpoints: Vec<Endpoint>,
    /// The log of each owner.
    pub(crate) logs: BTreeMap<Owner, Vec<EventRecord>>,
}

/// Makes the endpoints of the plan.
pub(crate) async fn settle_in(world: &World, process: &Process) -> Result<(), StoreError> {
    for (number, plan) in world.plan.hooks.iter().enumerate() {
        let owner = Owner { account: world.account(plan.account), mode: plan.mode };
        let mut events = vec!["*"];
        if plan.wants_queued {
            events.push("messaging.outgoing.message.queued");
        }
        let events = Subscription::parse(events).unwrap_or_default();
        let new = NewWebhook {
            url: format!("https://hook{number}.example/"),
            events,
            description: None,
            active: true,
            ordering: plan.ordering,
            broadcast_messages: plan.broadcast_messages,
            format: Format::Json,
        };
        let made = process.pipeline.webhooks().create(owner, new).await;
        let (webhook, secret) = made.map_err(|refusal| StoreError::Refused(format!("{refusal:?}")))?;
        world.servers.open(*plan, &webhook, secret);
    }
    Ok(())
}

/// How long endpoints may take until they have everything. Where they wait, as long as the schedule does, by a clock
/// that may have been set and at machines that start again.
const PATIENCE: (Duration, Duration) = (Duration::from_secs(600), Duration::from_secs(12 * 3_600));

/// Between a pause and its end: longer than a process takes to notice.
const PAUSE: Duration = Duration::from_secs(20);

/// Once endpoints are well, waits until those that are active have every event.
pub(crate) async fn rest(world: &World) -> Hooks {
    if world.plan.hooks.is_empty() {
        return read(world).await;
    }
    world.servers.heal();
    close_the_disabled(world).await;
    let limit = match world.plan.hook_end {
        HookEnd::Wait => PATIENCE.1,
        HookEnd::Resume => {
            resume(world).await;
            PATIENCE.0
        }
    };
    let began = world.executor.now();
    loop {
        let behind = ask(world, behind).await;
        if behind.is_empty() {
            break;
        }
        if world.executor.now().saturating_sub(began) > limit {
            world.ledger.violated(format!("endpoints do not get what they lack: {behind:?}"));
            break;
        }
        world.runtime.sleep(Duration::from_secs(5)).await;
    }
    // One may have been disabled meanwhile.
    close_the_disabled(world).await;
    read(world).await
}

/// Pauses endpoints for a while. What they lack is due at once when they are active again.
async fn resume(world: &World) {
    let mut chance = Chance::new(world.plan.seed, "resume");
    let found = ask(world, endpoints).await;
    let found: Vec<Webhook> = found.into_iter().map(|endpoint| endpoint.webhook).collect();
    let (active, disabled): (Vec<_>, Vec<_>) = found.into_iter().partition(|webhook| webhook.active);
    for webhook in &active {
        set_active(world, webhook, false).await;
    }
    world.runtime.sleep(PAUSE).await;
    for webhook in active.iter().chain(disabled.iter().filter(|_| chance.permille(500))) {
        world.servers.reopen(&webhook.url);
        set_active(world, webhook, true).await;
    }
}

async fn set_active(world: &World, webhook: &Webhook, active: bool) {
    let (owner, id) = (webhook.owner, webhook.id);
    ask(world, move |process: Arc<Process>| async move {
        let change = WebhookChange { active: Some(active), ..WebhookChange::default() };
        let webhooks: &Webhooks = process.pipeline.webhooks();
        webhooks.change(owner, id, change).await.map_err(|refusal| StoreError::Refused(format!("{refusal:?}")))
    })
    .await;
}

/// From now on nothing may be sent to an endpoint that is disabled on record.
async fn close_the_disabled(world: &World) {
    for endpoint in ask(world, endpoints).await {
        if endpoint.webhook.disabled.is_some() {
            world.servers.close(&endpoint.webhook.url);
        }
    }
}

/// Asks whatever process is up, until it is answered.
async fn ask<T: Send + 'static, W: Future<Output = Result<T, StoreError>> + Send + 'static>(
    world: &World,
    work: impl Fn(Arc<Process>) -> W,
) -> T {
    loop {
        let process = world.site.up().await;
        let asked = work(Arc::clone(&process));
        if let Some(Ok(answered)) = world.within(&process, asked).await {
            return answered;
        }
        drop(process);
        world.runtime.sleep(Duration::from_secs(1)).await;
    }
}

async fn endpoints(process: Arc<Process>) -> Result<Vec<Endpoint>, StoreError> {
    process.store.webhooks(None).await
}

/// The active endpoints that lack something, with how far they have come.
async fn behind(process: Arc<Process>) -> Result<Vec<String>, StoreError> {
    let mut behind = Vec::new();
    for Endpoint { webhook, position, last, failing } in process.store.webhooks(None).await? {
        let pending = process.store.pending_deliveries(webhook.id, 0, 1_000).await?;
        if webhook.active && (position < last || !pending.is_empty()) {
            behind.push(format!("{} at {position} of {last}, failing: {failing:?}, {pending:?}", webhook.url));
        }
    }
    Ok(behind)
}

async fn read(world: &World) -> Hooks {
    let accounts: Vec<_> = world.tenants().iter().map(|tenant| tenant.account).collect();
    ask(world, move |process| {
        let accounts = accounts.clone();
        async move {
            let mut hooks = Hooks { endpoints: process.store.webhooks(None).await?, logs: BTreeMap::new() };
            for account in accounts {
                for mode in [Mode::Live, Mode::Test] {
                    let owner = Owner { account, mode };
                    hooks.logs.insert(owner, log(&*process.store, owner).await?);
                }
            }
            Ok(hooks)
        }
    })
    .await
}

/// The log of an owner.
async fn log(store: &dyn Store, owner: Owner) -> Result<Vec<EventRecord>, StoreError> {
    let (mut events, mut after) = (Vec::new(), None);
    loop {
        let page = store.webhook_events(owner, None, after, 500).await?;
        events.extend(page.events);
        match page.next {
            Some(next) => after = Some(EventsAfter::Seq(next)),
            None => return Ok(events),
        }
    }
}
