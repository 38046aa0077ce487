//! Which changes are events of their owners, and what the facts of an event say.

use model::webhook::{DisabledReason, EventType, Subscription};
use model::{BroadcastId, BroadcastStatus, Delivery, Msisdn, Status, Timestamp, WebhookId};

use crate::contract::changes::Resource;
use crate::contract::webhooks::ResourceKey;
use crate::facts;

/// What the log of an owner takes: all that one of the endpoints may want.
#[derive(Clone, Copy, Debug, Default)]
pub struct Taken {
    /// The log is written until then although there may be no endpoint.
    followed_until: Timestamp,
    has_endpoint: bool,
    acceptances: bool,
    broadcast_messages: bool,
}

impl Taken {
    /// A log that has no endpoint yet.
    pub fn until(followed_until: Timestamp) -> Self {
        Self { followed_until, ..Self::default() }
    }

    /// Takes what an endpoint wants as well.
    pub fn add(&mut self, wanted: &Subscription, broadcast_messages: bool) {
        self.has_endpoint = true;
        self.acceptances |= wanted.has(EventType::MessageQueued);
        self.broadcast_messages |= broadcast_messages;
    }

    /// Whether the acceptance of a message is an event.
    pub const fn has_acceptance(&self, broadcast: Option<BroadcastId>) -> bool {
        self.acceptances && (broadcast.is_none() || self.broadcast_messages)
    }

    /// Whether a change of this time is logged.
    pub fn is_written(&self, at: Timestamp) -> bool {
        self.has_endpoint || at < self.followed_until
    }

    /// What event a change is, and its number where the resource tells it: a message and a broadcast have one path
    /// through their statuses, on which each has its place.
    pub fn event_of(&self, resource: &Resource) -> Option<(EventType, Sequence)> {
        let (kind, sequence) = match resource {
            Resource::Message { broadcast: Some(_), .. } if !self.broadcast_messages => return None,
            Resource::Message { delivery, .. } => {
                let sequence = match delivery.status {
                    Status::Scheduled => return None,
                    Status::Queued if !self.acceptances => return None,
                    Status::Queued => 1,
                    Status::Sent => 2,
                    Status::Delivered | Status::Undelivered | Status::Failed | Status::Canceled => {
                        2 + u32::from(delivery.sent_at.is_some())
                    }
                };
                (EventType::of_message(delivery.status)?, Sequence::Known(sequence))
            }
            Resource::Broadcast { status, .. } => {
                (EventType::of_broadcast(*status)?, Sequence::Known(if status.is_open() { 1 } else { 2 }))
            }
            Resource::Inbound { id, .. } => (EventType::MessageReceived, Sequence::Counted(id.to_bytes().to_vec())),
            Resource::OptedOut(opt_out) | Resource::OptedIn(opt_out) => {
                let kind = match resource {
                    Resource::OptedOut(_) => EventType::OptedOut,
                    _ => EventType::OptedIn,
                };
                let from = opt_out.name.from.map(|from| from.to_string()).unwrap_or_default();
                let name = [&opt_outs_of(opt_out.name.number), from.as_bytes()].concat();
                (kind, Sequence::Counted(name))
            }
            _ => return None,
        };
        Some((kind, sequence))
    }
}

/// The number of an event among those of its resource.
pub enum Sequence {
    /// The resource itself tells.
    Known(u32),
    /// Counted, under this name of the resource.
    Counted(Vec<u8>),
}

/// How the names begin under which the opt-outs of a handset are counted.
pub fn opt_outs_of(number: Msisdn) -> Vec<u8> {
    format!("{number} ").into_bytes()
}

/// What the opt-outs of a handset are ordered by.
pub fn opt_out_key(number: Msisdn) -> ResourceKey {
    ResourceKey::from(number.to_u64())
}

/// The facts of an event of an endpoint.
pub fn endpoint_facts(id: WebhookId, reason: &str) -> Vec<u8> {
    [&id.to_bytes(), reason.as_bytes()].concat()
}

/// The number of an event of an endpoint: counted under the endpoint's id.
pub fn endpoint_sequence(id: WebhookId) -> Sequence {
    Sequence::Counted(id.to_bytes().to_vec())
}

/// The facts of an event, read.
pub enum Facts {
    /// A resource changed.
    Resource(Resource),
    /// An endpoint was tested, or disabled for a reason.
    Webhook(WebhookId, Option<DisabledReason>),
}

impl Facts {
    /// Reads the facts of an event of this type; `None` for what cannot be read.
    pub fn read(kind: EventType, octets: &[u8]) -> Option<Self> {
        match kind {
            EventType::WebhookTest | EventType::WebhookDisabled => {
                let (id, reason) = octets.split_first_chunk::<16>()?;
                let reason = std::str::from_utf8(reason).ok().and_then(DisabledReason::parse);
                Some(Self::Webhook(WebhookId::from_bytes(*id), reason))
            }
            _ => facts::decode(octets).map(Self::Resource),
        }
    }

    /// What the events of a resource are ordered by.
    pub fn key(&self) -> ResourceKey {
        let of = ResourceKey::from_be_bytes;
        match self {
            Self::Webhook(id, _) => of(id.to_bytes()),
            Self::Resource(Resource::Message { id, .. } | Resource::Inbound { id, .. }) => of(id.to_bytes()),
            Self::Resource(Resource::Broadcast { id, .. }) => of(id.to_bytes()),
            Self::Resource(Resource::OptedOut(opt_out) | Resource::OptedIn(opt_out)) => {
                opt_out_key(opt_out.name.number)
            }
            Self::Resource(_) => 0,
        }
    }

    /// Whether an endpoint that subscribed to the type wants the event.
    pub fn is_for(&self, id: WebhookId, kind: EventType, broadcast_messages: bool) -> bool {
        match self {
            // A test is delivered by the call that asks for it.
            Self::Webhook(about, _) => kind == EventType::WebhookDisabled && *about != id,
            Self::Resource(Resource::Message { broadcast: Some(_), .. }) => broadcast_messages,
            Self::Resource(_) => true,
        }
    }

    /// Whether this is the last event of the resource.
    pub const fn is_final(&self) -> bool {
        match self {
            Self::Webhook(..) => true,
            Self::Resource(Resource::Message { delivery, .. }) => delivery.status.is_final(),
            Self::Resource(Resource::Broadcast { status, .. }) => {
                !matches!(status, BroadcastStatus::Queued | BroadcastStatus::Sending)
            }
            Self::Resource(Resource::Inbound { is_partial, .. }) => !*is_partial,
            Self::Resource(_) => false,
        }
    }
}

/// What had become of a message, as an event of it shows that; erased, if it is by now.
pub fn shown(delivery: Delivery, erased_at: Option<Timestamp>) -> Delivery {
    // Words of a carrier may name the person.
    let error_message = match delivery.status {
        Status::Undelivered | Status::Failed if erased_at.is_some() => None,
        _ => delivery.error_message,
    };
    Delivery { erased_at, error_message, ..delivery }
}

/// A search by halves for the number before the first event of a time or later. Times of a log hardly go back, so that
/// it finds that.
pub struct Halves {
    low: u64,
    high: u64,
    at: Timestamp,
}

impl Halves {
    /// The search in a log that begins with `first` and ends with `last`.
    pub const fn new(first: u64, last: u64, at: Timestamp) -> Self {
        Self { low: first, high: last + 1, at }
    }

    /// From which number on the next event is to be looked at; `None` at the end.
    pub const fn next(&self) -> Option<u64> {
        if self.low < self.high { Some(self.low.midpoint(self.high)) } else { None }
    }

    /// Takes the first event that there is from `from` on: its number and its time.
    pub fn look(&mut self, from: u64, found: Option<(u64, Timestamp)>) {
        match found {
            Some((seq, at)) if seq < self.high && at < self.at => self.low = seq + 1,
            _ => self.high = from,
        }
    }

    /// What was searched for.
    pub const fn found(&self) -> u64 {
        self.low - 1
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_search_by_halves_finds_the_first_event_of_a_time_over_gaps() {
        let events = [(3, 10), (4, 10), (7, 20), (9, 30), (10, 30), (15, 40)];
        for at in 0..50 {
            let mut halves = Halves::new(3, 15, Timestamp::from_millis(at));
            while let Some(from) = halves.next() {
                let found = events.iter().find(|(seq, _)| *seq >= from);
                halves.look(from, found.map(|(seq, at)| (*seq, Timestamp::from_millis(*at))));
            }
            let after = events.iter().find(|(seq, _)| *seq > halves.found());
            assert_eq!(after, events.iter().find(|(_, time)| *time >= at), "{at}");
        }
    }
}
