//! The answer to "why is it still queued?": the reason why a message has not left yet.

use std::time::Duration;

use model::event::{Event, EventKind};
use model::{CarrierName, MessageRecord, Moment, Status, Timestamp};
use store::StoreError;
use store::contract::dispatch::Waiting;

use super::Pipeline;

/// The reason why a message waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WaitReason {
    /// Its `sendAt` is still to come.
    Scheduled,
    /// No route matches its recipient.
    NoRoute,
    /// Its carrier is not in this configuration.
    NotConfigured,
    /// The outcome of an attempt is unknown, and its route holds it.
    Held,
    /// Another node has the message or its carrier.
    OtherNode,
    /// An attempt is under way.
    UnderWay,
    /// Its carrier is down.
    CarrierDown,
    /// Its carrier throttles.
    Throttled,
    /// An attempt failed, and the next one is not due yet.
    Retry,
    /// The pace of its sender or its account.
    Pace,
    /// Messages for the same carrier that were accepted earlier.
    Behind,
    /// Nothing: it is the next message.
    Turn,
}

impl WaitReason {
    /// The reason's name in the admin API.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Scheduled => "scheduled",
            Self::NoRoute => "noRoute",
            Self::NotConfigured => "carrierNotConfigured",
            Self::Held => "held",
            Self::OtherNode => "otherNode",
            Self::UnderWay => "underWay",
            Self::CarrierDown => "carrierDown",
            Self::Throttled => "throttled",
            Self::Retry => "retry",
            Self::Pace => "pace",
            Self::Behind => "behind",
            Self::Turn => "turn",
        }
    }
}

/// Why a message has not left yet, as this node knows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WaitsFor {
    /// The reason in a word.
    pub reason: WaitReason,
    /// The reason in a sentence for the operator.
    pub sentence: String,
    /// The beginning of the wait.
    pub since: Timestamp,
    /// The time of the next attempt, if it is known.
    pub next_try_at: Option<Timestamp>,
}

impl Pipeline {
    /// The reason why a message with these events has not left yet; `None` if it does not wait.
    ///
    /// # Errors
    /// The errors of the store.
    pub async fn waits_for(&self, record: &MessageRecord, events: &[Event]) -> Result<Option<WaitsFor>, StoreError> {
        let MessageRecord { message, delivery } = record;
        let waits_since = waits_since(record);
        match (delivery.status, message.send_at) {
            (Status::Queued, _) => {}
            (Status::Scheduled, Some(send_at)) => {
                let waits = because(WaitReason::Scheduled, format!("It leaves at {send_at}"), waits_since);
                return Ok(Some(WaitsFor { next_try_at: Some(send_at), ..waits }));
            }
            _ => return Ok(None),
        }
        let Some(carrier) = delivery.carrier.carrier() else {
            let sentence = "No route matches the recipient: the message waits until one does";
            return Ok(Some(because(WaitReason::NoRoute, sentence, waits_since)));
        };
        if delivery.held {
            let sentence = format!(
                "It is unknown whether {carrier} accepted the message, and its route says `hold`: nothing more is sent \
                 until a late answer or a receipt settles it, or its validity ends at {}",
                message.expires_at
            );
            let since = last(events, EventKind::Held).map_or(waits_since, |event| event.at);
            return Ok(Some(because(WaitReason::Held, sentence, since)));
        }
        if self.is_unknown(carrier) {
            let sentence = format!(
                "{carrier} is not in this configuration: the message waits until it is, or until `smsfactory carrier \
                 abandon {carrier}` gives its messages to other carriers"
            );
            return Ok(Some(because(WaitReason::NotConfigured, sentence, waits_since)));
        }
        let Some(waiting) = self.store.waiting(message.id).await? else { return Ok(None) };
        let found = self
            .elsewhere(carrier, &waiting)
            .map(|sentence| because(WaitReason::OtherNode, sentence, waits_since))
            .or_else(|| self.at_carrier(carrier, &waiting, events, waits_since))
            .unwrap_or_else(|| self.in_line(record, carrier, &waiting));
        Ok(Some(found))
    }

    /// That another node has the message or its carrier.
    fn elsewhere(&self, carrier: &CarrierName, waiting: &Waiting) -> Option<String> {
        let of_message = waiting.owner.filter(|owner| *owner != self.node.epoch());
        if let Some(name) = of_message.and_then(|owner| self.node.name_of(owner)) {
            return Some(format!("Node {name} has the message: ask that node for the reason"));
        }
        let holder = self.node.other_holder_of(carrier)?;
        let name = self.node.name_of(holder).unwrap_or_else(|| format!("of epoch {holder}"));
        Some(format!("Node {name} dispatches to {carrier}: ask that node for the reason"))
    }

    /// The reason, if it lies with the carrier.
    fn at_carrier(
        &self,
        carrier: &CarrierName,
        waiting: &Waiting,
        events: &[Event],
        waits_since: Timestamp,
    ) -> Option<WaitsFor> {
        let now = self.runtime.look();
        if waiting.in_flight {
            let since = last(events, EventKind::Attempt).map_or(waits_since, |event| event.at);
            let sentence = format!("{carrier} has the message and has not answered yet");
            return Some(because(WaitReason::UnderWay, sentence, since));
        }
        let known = self.dispatchers.carrier(carrier)?;
        let status = known.status();
        if let Some(down) = known.down_for() {
            // A carrier that an operator stopped does not come back by itself.
            if down == Duration::MAX {
                let sentence = format!("{carrier} is {}", status.state);
                return Some(because(WaitReason::CarrierDown, sentence, waits_since));
            }
            let why = status.last_error.map(|error| format!(": {error}")).unwrap_or_default();
            let since = now.wall - down;
            let sentence = format!("{carrier} has been down since {since}{why}");
            return Some(because(WaitReason::CarrierDown, sentence, since));
        }
        let retry = last(events, EventKind::Retry);
        if waiting.owner.is_none() && waiting.due_at > now.steady {
            let at = on_the_wall(waiting.due_at, now);
            let why = retry.map(|event| format!(" ({})", event.detail)).unwrap_or_default();
            let since = retry.map_or(waits_since, |event| event.at);
            let waits = because(WaitReason::Retry, format!("The next attempt is at {at}{why}"), since);
            return Some(WaitsFor { next_try_at: Some(at), ..waits });
        }
        (status.state == "throttled").then(|| {
            let since = retry.map_or(waits_since, |event| event.at);
            because(WaitReason::Throttled, format!("{carrier} throttles, so its messages leave later"), since)
        })
    }

    /// The reason, if the message waits in the memory of its dispatcher.
    fn in_line(&self, record: &MessageRecord, carrier: &CarrierName, waiting: &Waiting) -> WaitsFor {
        let (now, waits_since) = (self.runtime.look(), waits_since(record));
        if let Some(until) = self.dispatchers.paced_until(carrier, &record.message) {
            let at = on_the_wall(until, now);
            let sentence = format!("The pace of its sender or its account allows the next segment at {at}");
            return WaitsFor { next_try_at: Some(at), ..because(WaitReason::Pace, sentence, waits_since) };
        }
        match waiting.ahead {
            0 => because(WaitReason::Turn, format!("It is the next message for {carrier}"), waits_since),
            ahead => {
                let (messages, leave) = if ahead == 1 { ("message was", "leaves") } else { ("messages were", "leave") };
                let sentence = format!("{ahead} {messages} accepted earlier and {leave} for {carrier} first");
                because(WaitReason::Behind, sentence, waits_since)
            }
        }
    }
}

fn because(reason: WaitReason, sentence: impl Into<String>, since: Timestamp) -> WaitsFor {
    WaitsFor { reason, sentence: sentence.into(), since, next_try_at: None }
}

/// The beginning of the wait: the acceptance of the message, or its `sendAt`.
fn waits_since(MessageRecord { message, delivery }: &MessageRecord) -> Timestamp {
    delivery.queued_at.unwrap_or(message.created_at)
}

fn last(events: &[Event], kind: EventKind) -> Option<&Event> {
    events.iter().rev().find(|event| event.kind == kind)
}

/// The time of day at which the steady clock will show `at`.
fn on_the_wall(at: Timestamp, now: Moment) -> Timestamp {
    let ahead = u64::try_from(at.as_millis() - now.steady.as_millis()).unwrap_or(0);
    now.wall + Duration::from_millis(ahead)
}
