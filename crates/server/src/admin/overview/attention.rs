//! Everything that needs the operator's attention: each with a sentence, the time since when, and the next step.

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

/// The increase of unmatched receipts from which a carrier needs attention.
const UNMATCHED: u64 = 10;

/// The time for which a missing node needs attention.
const MISSING: Duration = Duration::from_secs(86_400);

/// The time that the store may take for a write.
const STORE: Duration = Duration::from_secs(5);

/// The most things of one kind that are counted.
const COUNTED_MAX: usize = 1_000;

/// The most things of one kind that are reported one by one.
const REPORTED_MAX: usize = 20;

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

/// The state to look at.
pub(super) struct Looked<'a> {
    pub(super) admin: &'a Admin,
    pub(super) now: Timestamp,
    pub(super) depths: &'a [QueueDepth],
    pub(super) endpoints: &'a [Endpoint],
    pub(super) nodes: &'a [Node],
}

impl Looked<'_> {
    /// Everything that needs attention, beginning with the faults that stop messages.
    ///
    /// # Errors
    /// The errors of the store.
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
            let what_to_do = "Check the disk (space, errors) or the database: nothing is accepted until writes succeed";
            attention("storeFault", format!("The store cannot write: {why}"), None, what_to_do)
        });
        let task = admin.supervisor.failure().map(|why| {
            attention("taskFailed", why, None, "See the log: the process ends, and its service manager starts it again")
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
                // Only an operator brings it back.
                if down == Duration::MAX {
                    let what_to_do = format!("Start it when it may send again: `smsfactory carrier start {name}`");
                    let sentence = format!("Carrier {name} is {}", status.state);
                    return Some(attention("carrierStopped", sentence, None, what_to_do).about(name));
                }
                let why = status.last_error.map(|error| format!(": {error}")).unwrap_or_default();
                let sentence = format!("Carrier {name} is down ({}){why}", status.state);
                let what_to_do = "Check its host, port and credentials, and ask the carrier. Meanwhile the next \
                    carrier of each route gets its messages, if the route has one";
                Some(attention("carrierDown", sentence, Some(self.now - down), what_to_do).about(name))
            });
        down.collect()
    }

    fn queues(&self) -> Vec<Attention> {
        let reported = self.depths.iter().filter_map(|QueueDepth { carrier, queued, waits_since }| {
            let wait = format!("{queued} message{}", if *queued == 1 { " waits" } else { "s wait" });
            let name = match carrier {
                Assignment::NoRoute => {
                    let sentence = format!("{wait} because no route matches the recipient");
                    let what_to_do = "Add a route for these numbers and message types, and reload the configuration";
                    return Some(attention("noRoute", sentence, *waits_since, what_to_do));
                }
                Assignment::Carrier(name) => name,
            };
            if self.admin.pipeline.is_unknown(name) {
                let sentence = format!("{wait} for {name}, which is not in this configuration");
                let what_to_do = format!(
                    "Add the carrier again, or give its messages to other carriers: `smsfactory carrier abandon {name}`"
                );
                return Some(
                    attention("carrierNotConfigured", sentence, *waits_since, what_to_do).about(name.as_str()),
                );
            }
            let oldest = waits_since.filter(|at| self.now.since(*at) > WAITS)?;
            let sentence = format!("{wait} for {name}, the oldest since {oldest}");
            let what_to_do = "`smsfactory message show` says why a message waits, and `message list --status queued` \
                lists them. The rate or the window of the carrier may be too small";
            Some(attention("queueOld", sentence, Some(oldest), what_to_do).about(name.as_str()))
        });
        reported.collect()
    }

    async fn held(&self) -> Result<Option<Attention>, StoreError> {
        let held = self.admin.pipeline.store().count_held(COUNTED_MAX).await?;
        Ok((held > 0).then(|| {
            let held = counted(held, held >= COUNTED_MAX as u64, ["message is", "messages are"]);
            let sentence = format!("{held} held because of an unknown outcome (`on_unknown = \"hold\"`)");
            let what_to_do =
                "Ask the carrier whether it has them. A receipt or the end of their validity ends the wait";
            attention("unknownHeld", sentence, None, what_to_do)
        }))
    }

    fn nodes(&self) -> Vec<Attention> {
        if !self.admin.pipeline.store().is_shared() {
            return Vec::new();
        }
        let living: BTreeSet<&str> =
            self.nodes.iter().filter(|node| !node.is_over).map(|node| node.name.as_str()).collect();
        let mut reported = BTreeSet::new();
        let missing = self
            .nodes
            .iter()
            .rev()
            .filter(|node| node.is_over && !living.contains(&*node.name) && self.now.since(node.ends_at) < MISSING);
        let missing = missing.filter(|node| reported.insert(node.name.as_str()));
        missing
            .map(|node| {
                let what_to_do = "Start it. Other nodes do its work meanwhile, and this report ends after a day";
                attention("nodeMissing", format!("Node {} is not running", node.name), Some(node.ends_at), what_to_do)
                    .about(&node.name)
            })
            .collect()
    }

    fn receipts(&self) -> Vec<Attention> {
        let rising = self.admin.rates.more_unmatched().into_iter().filter(|(_, more)| *more >= UNMATCHED);
        let reported = rising.map(|(name, more)| {
            let sentence = format!("{name} sent {more} receipts in {MINUTES_COMPARED} minutes that match no message");
            let what_to_do =
                format!("`smsfactory carrier unmatched {name}` shows them: `message_id_mode` may be wrong");
            attention("receiptsUnmatched", sentence, None, what_to_do).about(name.as_str())
        });
        reported.collect()
    }

    async fn unrouted(&self) -> Result<Option<Attention>, StoreError> {
        let page = self.admin.pipeline.store().unrouted(None, COUNTED_MAX).await?;
        let count = page.messages.len();
        Ok(page.messages.last().map(|oldest| {
            let messages = counted(count as u64, page.next.is_some(), ["inbound message", "inbound messages"]);
            let sentence = format!("{messages} went to numbers that belong to no account");
            let what_to_do = "`smsfactory inbound unrouted list` shows them. Assign the numbers or the messages";
            attention("inboundUnrouted", sentence, Some(oldest.message.received_at), what_to_do)
        }))
    }

    fn webhooks(&self) -> Vec<Attention> {
        let webhooks = self.admin.pipeline.webhooks();
        let reported = self.endpoints.iter().filter_map(|endpoint| {
            let webhook = &endpoint.webhook;
            let (account, url) = (webhook.owner.account, &webhook.url);
            let (kind, sentence, since, what_to_do) = match (webhook.disabled, endpoint.failing) {
                (Some((reason, at)), _) => (
                    "webhookDisabled",
                    format!("The endpoint {url} of {account} is disabled ({})", reason.as_str()),
                    at,
                    "Tell the account: it can set `active` to `true` when the endpoint works again",
                ),
                (None, Some(failing)) => (
                    "webhookFailing",
                    format!("The endpoint {url} of {account} does not accept events"),
                    webhooks.due_at(failing.since),
                    "Tell the account: `smsfactory webhook deliveries` shows the attempts",
                ),
                (None, None) => return None,
            };
            Some(attention(kind, sentence, Some(since), what_to_do).about(&webhook.id.to_string()))
        });
        reported.take(REPORTED_MAX).collect()
    }

    fn lists(&self) -> Option<Attention> {
        let behind = self.admin.pipeline.counters().lists_behind_ms.get();
        (behind > BEHIND_MS).then(|| {
            let sentence = format!("The index of lists is {} s behind: filtered lists are slower", behind / 1_000);
            let since = self.now - Duration::from_millis(behind);
            attention("listsBehind", sentence, Some(since), "Nothing: it catches up when there is less to write")
        })
    }
}

/// A count with its noun, singular or plural; `or_more` if there may be more.
fn counted(count: u64, or_more: bool, [one, many]: [&str; 2]) -> String {
    format!("{count}{} {}", if or_more { " or more" } else { "" }, if count == 1 { one } else { many })
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
