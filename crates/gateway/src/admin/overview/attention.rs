//! What needs the operator's attention: each with a sentence, since when, and what to do.

use std::collections::BTreeSet;
use std::time::Duration;

use model::{Assignment, Timestamp};
use serde::Serialize;
use store::StoreError;
use store::contract::dispatch::QueueDepth;
use store::contract::nodes::Node;
use store::contract::webhooks::Endpoint;

use super::rates::MINUTES_COMPARED;
use crate::admin::Admin;

/// A carrier that is down for longer needs attention.
const DOWN: Duration = Duration::from_secs(60);

/// A message that waits for longer needs attention.
const WAITS: Duration = Duration::from_secs(300);

/// An index of lists that is further behind needs attention.
const BEHIND_MS: u64 = 300_000;

/// So many receipts more that match nothing are told.
const UNMATCHED: u64 = 10;

/// How long a missing node needs attention.
const MISSING: Duration = Duration::from_secs(86_400);

/// How long the store may take for a write.
const STORE: Duration = Duration::from_secs(5);

/// How many things of one kind are counted, or told one by one.
const COUNTED_MAX: usize = 1_000;
const TOLD_MAX: usize = 20;

/// Something that needs attention.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Attention {
    kind: &'static str,
    sentence: String,
    since: Option<String>,
    what_to_do: String,
    /// The carrier, the endpoint or the node.
    about: Option<String>,
}

/// What is looked at.
pub(super) struct Looked<'a> {
    pub(super) admin: &'a Admin,
    pub(super) now: Timestamp,
    pub(super) depths: &'a [QueueDepth],
    pub(super) endpoints: &'a [Endpoint],
    pub(super) nodes: &'a [Node],
}

impl Looked<'_> {
    /// All that needs attention, what stops messages first.
    ///
    /// # Errors
    /// As the store.
    pub(super) async fn attention(&self) -> Result<Vec<Attention>, StoreError> {
        let mut found = self.platform().await;
        found.extend(self.carriers());
        found.extend(self.queues());
        found.extend(self.held().await?);
        found.extend(self.nodes());
        found.extend(self.receipts());
        found.extend(self.unrouted().await?);
        found.extend(self.webhooks());
        found.extend(self.lists());
        Ok(found)
    }

    async fn platform(&self) -> Vec<Attention> {
        let admin = self.admin;
        let store = match admin.runtime.timeout(STORE, admin.pipeline.store().probe()).await {
            Ok(Ok(())) => None,
            Ok(Err(error)) => Some(error.to_string()),
            Err(_) => Some(format!("no answer within {} s", STORE.as_secs())),
        };
        let store = store.map(|why| {
            let what_to_do = "Look at the disk (space, errors) or at the database: nothing is accepted until it writes";
            attention("storeFault", format!("The store takes no writes: {why}"), None, what_to_do)
        });
        let task = admin.supervisor.failure().map(|why| {
            attention("taskFailed", why, None, "Look at the log; the process ends, and begins anew with its service")
        });
        store.into_iter().chain(task).collect()
    }

    fn carriers(&self) -> Vec<Attention> {
        let pipeline = &self.admin.pipeline;
        let carriers = pipeline.carriers();
        let down =
            carriers.iter().filter(|(carrier, _)| !pipeline.is_unknown(carrier.name())).filter_map(|(carrier, _)| {
                let down = carrier.down_for().filter(|down| *down > DOWN)?;
                let (name, status) = (carrier.name(), carrier.status());
                // Nothing but an operator brings it back.
                if down == Duration::MAX {
                    let what_to_do = format!("Start it when it may send again: `smsfactory carrier start {name}`");
                    let sentence = format!("Carrier {name} is {}", status.state);
                    return Some(attention("carrierStopped", sentence, None, what_to_do).about(name));
                }
                let why = status.last_error.map(|error| format!(": {error}")).unwrap_or_default();
                let sentence = format!("Carrier {name} is down ({}){why}", status.state);
                let what_to_do = "Check its host, port and credentials, and ask the carrier; a route with a fallback \
                carrier takes its messages meanwhile";
                Some(attention("carrierDown", sentence, Some(self.now - down), what_to_do).about(name))
            });
        down.collect()
    }

    fn queues(&self) -> Vec<Attention> {
        let told = self.depths.iter().filter_map(|QueueDepth { carrier, queued, waits_since }| {
            let wait = format!("{queued} message{}", if *queued == 1 { " waits" } else { "s wait" });
            let name = match carrier {
                Assignment::NoRoute => {
                    let sentence = format!("{wait} because no route leads to the recipient");
                    let what_to_do = "Add a route for these numbers and types, and reload";
                    return Some(attention("noRoute", sentence, *waits_since, what_to_do));
                }
                Assignment::Carrier(name) => name,
            };
            if self.admin.pipeline.is_unknown(name) {
                let sentence = format!("{wait} for {name}, which is not in this configuration");
                let what_to_do = format!("Put it back, or give its messages to others: `carrier abandon {name}`");
                return Some(
                    attention("carrierNotConfigured", sentence, *waits_since, what_to_do).about(name.as_str()),
                );
            }
            let oldest = waits_since.filter(|at| self.now.since(*at) > WAITS)?;
            let sentence = format!("{wait} for {name}, the oldest since {oldest}");
            let what_to_do = "See why one waits with `message list --status queued` and `message show`; the pace and \
                the window of the carrier may be too small";
            Some(attention("queueOld", sentence, Some(oldest), what_to_do).about(name.as_str()))
        });
        told.collect()
    }

    async fn held(&self) -> Result<Option<Attention>, StoreError> {
        let held = self.admin.pipeline.store().count_held(COUNTED_MAX).await?;
        Ok((held > 0).then(|| {
            let more = if held < COUNTED_MAX as u64 { "" } else { " or more" };
            let sentence = format!("{held}{more} messages of unknown outcome are held, as their routes say");
            let what_to_do = "Ask the carrier whether it has them; a receipt or the end of their validity ends them";
            attention("unknownHeld", sentence, None, what_to_do)
        }))
    }

    fn nodes(&self) -> Vec<Attention> {
        if !self.admin.pipeline.store().is_shared() {
            return Vec::new();
        }
        let living: BTreeSet<&str> =
            self.nodes.iter().filter(|node| !node.is_over).map(|node| node.name.as_str()).collect();
        let mut told = BTreeSet::new();
        let missing = self
            .nodes
            .iter()
            .rev()
            .filter(|node| node.is_over && !living.contains(&*node.name) && self.now.since(node.ends_at) < MISSING);
        let missing = missing.filter(|node| told.insert(node.name.as_str()));
        missing
            .map(|node| {
                let what_to_do = "Start it; others have its work meanwhile. This is told for a day after it ended";
                attention("nodeMissing", format!("Node {} is not running", node.name), Some(node.ends_at), what_to_do)
                    .about(&node.name)
            })
            .collect()
    }

    fn receipts(&self) -> Vec<Attention> {
        let rising = self.admin.rates.more_unmatched().into_iter().filter(|(_, more)| *more >= UNMATCHED);
        let told = rising.map(|(name, more)| {
            let sentence = format!("{name} sent {more} receipts in {MINUTES_COMPARED} minutes that match no message");
            let what_to_do = format!("See them with `carrier unmatched {name}`: `receipt_id` may be set wrong");
            attention("receiptsUnmatched", sentence, None, what_to_do).about(name.as_str())
        });
        told.collect()
    }

    async fn unrouted(&self) -> Result<Option<Attention>, StoreError> {
        let page = self.admin.pipeline.store().unrouted(None, COUNTED_MAX).await?;
        let count = page.messages.len();
        Ok(page.messages.last().map(|oldest| {
            let more = if page.next.is_some() { " or more" } else { "" };
            let sentence = format!("{count}{more} messages of handsets went to numbers that belong to no account");
            let what_to_do = "See `inbound unrouted list`, and assign the numbers or the messages";
            attention("inboundUnrouted", sentence, Some(oldest.message.received_at), what_to_do)
        }))
    }

    fn webhooks(&self) -> Vec<Attention> {
        let webhooks = self.admin.pipeline.webhooks();
        let told = self.endpoints.iter().filter_map(|endpoint| {
            let webhook = &endpoint.webhook;
            let (account, url) = (webhook.owner.account, &webhook.url);
            let (kind, sentence, since, what_to_do) = match (webhook.disabled, endpoint.failing) {
                (Some((reason, at)), _) => (
                    "webhookDisabled",
                    format!("The endpoint {url} of {account} is disabled: {}", reason.as_str()),
                    at,
                    "Tell the account: it sets `active` once the endpoint answers again",
                ),
                (None, Some(failing)) => (
                    "webhookFailing",
                    format!("The endpoint {url} of {account} does not take events"),
                    webhooks.due_at(failing.since),
                    "Tell the account; see `webhook deliveries`",
                ),
                (None, None) => return None,
            };
            Some(attention(kind, sentence, Some(since), what_to_do).about(&webhook.id.to_string()))
        });
        told.take(TOLD_MAX).collect()
    }

    fn lists(&self) -> Option<Attention> {
        let behind = self.admin.pipeline.counters().lists_behind_ms.get();
        (behind > BEHIND_MS).then(|| {
            let sentence = format!("The index of lists is {} s behind: filtered lists are slower", behind / 1_000);
            let since = self.now - Duration::from_millis(behind);
            attention("listsBehind", sentence, Some(since), "It catches up when there is less to write")
        })
    }
}

fn attention(
    kind: &'static str,
    sentence: String,
    since: Option<Timestamp>,
    what_to_do: impl Into<String>,
) -> Attention {
    let since = since.map(|at| at.to_string());
    Attention { kind, sentence, since, what_to_do: what_to_do.into(), about: None }
}

impl Attention {
    fn about(self, about: &str) -> Self {
        Self { about: Some(about.to_owned()), ..self }
    }
}
