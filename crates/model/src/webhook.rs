//! Webhooks: the events that an account can subscribe to, and the endpoints that receive them.

use std::fmt;
use std::sync::Arc;

use crate::base62;
use crate::broadcast::BroadcastStatus;
use crate::clock::Timestamp;
use crate::id::{NotAnId, WebhookId};
use crate::owner::Owner;
use crate::status::Status;

/// The most endpoints of an owner.
pub const ENDPOINTS_MAX: usize = 10;

/// The time for which the old secret signs beside the new one after a rotation.
pub const ROTATION: std::time::Duration = std::time::Duration::from_secs(86_400);

/// The most secrets of an endpoint that sign at a time. A further rotation ends the oldest one.
pub const SECRETS_MAX: usize = 5;

/// The type of an event, as subscriptions name it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum EventType {
    /// A message was accepted, or its time has come. Only for subscriptions that name it exactly.
    MessageQueued,
    /// A carrier accepted a message.
    MessageSent,
    /// A message arrived.
    MessageDelivered,
    /// A message was not delivered.
    MessageUndelivered,
    /// No carrier accepted a message.
    MessageFailed,
    /// An inbound message is complete, or its wait for parts has ended, or a late part changed it.
    MessageReceived,
    /// A handset opted out.
    OptedOut,
    /// A handset opted in again.
    OptedIn,
    /// A broadcast has begun to send.
    BroadcastInitiated,
    /// A broadcast has ended.
    BroadcastCompleted,
    /// No message of a broadcast could be sent.
    BroadcastFailed,
    /// A broadcast was canceled.
    BroadcastCanceled,
    /// The account asked for a test.
    WebhookTest,
    /// An endpoint was disabled.
    WebhookDisabled,
    /// A message was canceled.
    MessageCanceled,
}

impl EventType {
    /// Every type.
    pub const ALL: [Self; 15] = [
        Self::MessageQueued,
        Self::MessageSent,
        Self::MessageDelivered,
        Self::MessageUndelivered,
        Self::MessageFailed,
        Self::MessageReceived,
        Self::OptedOut,
        Self::OptedIn,
        Self::BroadcastInitiated,
        Self::BroadcastCompleted,
        Self::BroadcastFailed,
        Self::BroadcastCanceled,
        Self::WebhookTest,
        Self::WebhookDisabled,
        Self::MessageCanceled,
    ];

    /// The name in the API.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::MessageQueued => "messaging.outgoing.message.queued",
            Self::MessageSent => "messaging.outgoing.message.sent",
            Self::MessageDelivered => "messaging.outgoing.message.delivered",
            Self::MessageUndelivered => "messaging.outgoing.message.undelivered",
            Self::MessageFailed => "messaging.outgoing.message.failed",
            Self::MessageReceived => "messaging.incoming.message.received",
            Self::OptedOut => "messaging.recipient.opted_out",
            Self::OptedIn => "messaging.recipient.opted_in",
            Self::BroadcastInitiated => "messaging.broadcast.initiated",
            Self::BroadcastCompleted => "messaging.broadcast.completed",
            Self::BroadcastFailed => "messaging.broadcast.failed",
            Self::BroadcastCanceled => "messaging.broadcast.canceled",
            Self::WebhookTest => "webhook.test",
            Self::WebhookDisabled => "webhook.disabled",
            Self::MessageCanceled => "messaging.outgoing.message.canceled",
        }
    }

    /// The type with this name.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == text)
    }

    /// The number under which it is stored. A number never changes its meaning.
    pub const fn number(self) -> u8 {
        self as u8
    }

    /// The type that is written so.
    pub fn from_number(number: u8) -> Option<Self> {
        Self::ALL.get(usize::from(number)).copied()
    }

    /// What the event of an outgoing message is that came to this status; none for one whose time has not come.
    pub const fn of_message(status: Status) -> Option<Self> {
        match status {
            Status::Scheduled => None,
            Status::Queued => Some(Self::MessageQueued),
            Status::Sent => Some(Self::MessageSent),
            Status::Delivered => Some(Self::MessageDelivered),
            Status::Undelivered => Some(Self::MessageUndelivered),
            Status::Failed => Some(Self::MessageFailed),
            Status::Canceled => Some(Self::MessageCanceled),
        }
    }

    /// What the event of a broadcast is that came to this status; none for one that was only accepted.
    pub const fn of_broadcast(status: BroadcastStatus) -> Option<Self> {
        match status {
            BroadcastStatus::Queued => None,
            BroadcastStatus::Sending => Some(Self::BroadcastInitiated),
            BroadcastStatus::Completed => Some(Self::BroadcastCompleted),
            BroadcastStatus::Failed => Some(Self::BroadcastFailed),
            BroadcastStatus::Canceled => Some(Self::BroadcastCanceled),
        }
    }
}

impl fmt::Display for EventType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The types of events that an endpoint receives: `*`, exact names, or `prefix.*`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Subscription {
    patterns: Arc<[Arc<str>]>,
    /// A bit for each type, at the place of its number.
    types: u32,
}

impl Subscription {
    /// The most patterns of one subscription.
    pub const PATTERNS_MAX: usize = 32;

    /// The subscription of these patterns; `None` when there are none or too many, or one that no event can match.
    pub fn parse<'a>(patterns: impl IntoIterator<Item = &'a str>) -> Option<Self> {
        let patterns: Vec<Arc<str>> = patterns.into_iter().map(Arc::from).collect();
        let mut types = 0;
        for pattern in &patterns {
            let of_pattern = types_of(pattern);
            if of_pattern == 0 {
                return None;
            }
            types |= of_pattern;
        }
        let counts = (1..=Self::PATTERNS_MAX).contains(&patterns.len());
        counts.then(|| Self { patterns: patterns.into(), types })
    }

    /// The patterns, as they were given.
    pub fn patterns(&self) -> &[Arc<str>] {
        &self.patterns
    }

    /// Whether events of this type are received.
    pub const fn has(&self, kind: EventType) -> bool {
        self.types & 1 << kind.number() != 0
    }
}

impl Default for Subscription {
    fn default() -> Self {
        Self { patterns: ["*".into()].into(), types: types_of("*") }
    }
}

/// The types that a pattern matches. A wildcard does not match a type that has to be named.
fn types_of(pattern: &str) -> u32 {
    let is_meant = |kind: &EventType| match (pattern, pattern.strip_suffix(".*")) {
        _ if *kind == EventType::MessageQueued => pattern == kind.as_str(),
        ("*", _) => true,
        (_, Some(prefix)) => kind.as_str().strip_prefix(prefix).is_some_and(|rest| rest.starts_with('.')),
        (exact, None) => kind.as_str() == exact,
    };
    EventType::ALL.iter().filter(|kind| is_meant(kind)).fold(0, |types, kind| types | 1 << kind.number())
}

/// In which order an endpoint receives events.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Ordering {
    /// The events of one resource one at a time, in order.
    #[default]
    Message,
    /// One request at a time, in order.
    Strict,
    /// In any order.
    None,
}

impl Ordering {
    /// Every ordering.
    pub const ALL: [Self; 3] = [Self::Message, Self::Strict, Self::None];

    /// The name in the API and in the store.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Message => "message",
            Self::Strict => "strict",
            Self::None => "none",
        }
    }

    /// The ordering with this name.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|ordering| ordering.as_str() == text)
    }
}

/// What requests to an endpoint look like.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Format {
    /// The envelope of an event around its resource, as JSON.
    #[default]
    Json,
    /// A form as Twilio's API sends it about a message. Other events have no such form.
    Twilio,
}

impl Format {
    /// Every format.
    pub const ALL: [Self; 2] = [Self::Json, Self::Twilio];

    /// The name in the API and in the store.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Json => "json",
            Self::Twilio => "twilio",
        }
    }

    /// The format with this name.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|format| format.as_str() == text)
    }
}

/// Why the platform disabled an endpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DisabledReason {
    /// It answered 410.
    Gone,
    /// It was failing for five days.
    Failing,
}

impl DisabledReason {
    /// The name in the API and in the store.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Gone => "gone",
            Self::Failing => "failing",
        }
    }

    /// The reason with this name.
    pub fn parse(text: &str) -> Option<Self> {
        [Self::Gone, Self::Failing].into_iter().find(|reason| reason.as_str() == text)
    }
}

/// An endpoint, without its secrets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Webhook {
    /// Its id.
    pub id: WebhookId,
    /// Whose events it receives.
    pub owner: Owner,
    /// Where they are sent.
    pub url: Arc<str>,
    /// Which.
    pub events: Subscription,
    /// What its account calls it.
    pub description: Option<Arc<str>>,
    /// Whether anything is sent.
    pub active: bool,
    /// In which order.
    pub ordering: Ordering,
    /// Whether messages of broadcasts have events of their own.
    pub broadcast_messages: bool,
    /// What requests look like. It does not change: what is sent again has to look as it did.
    pub format: Format,
    /// The time of its creation.
    pub created_at: Timestamp,
    /// Why and when the platform disabled it; `None` where it did not, or it was enabled since.
    pub disabled: Option<(DisabledReason, Timestamp)>,
}

impl Webhook {
    /// Whether a URL is this endpoint's, but for a query.
    pub fn is_at(&self, url: &str) -> bool {
        without_query(&self.url) == without_query(url)
    }

    /// Whether the endpoint receives forms about outgoing messages that name this URL. A URL with a fragment is none
    /// that a request goes to.
    pub fn takes_callbacks_at(&self, url: &str) -> bool {
        let is_wanted = Status::ALL.into_iter().filter_map(EventType::of_message).any(|kind| self.events.has(kind));
        self.active && self.format == Format::Twilio && is_wanted && self.is_at(url) && !url.contains('#')
    }
}

fn without_query(url: &str) -> &str {
    url.split_once('?').map_or(url, |(address, _)| address)
}

/// Names an event: `evt_` and 22 base-62 digits of its time, its log and its number there. The same for every endpoint
/// and every attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EventId {
    /// When it happened, in milliseconds since 1970: 48 bits.
    at_ms: u64,
    /// The log that holds it.
    log: u32,
    /// Its number in that log, from 1: 48 bits.
    seq: u64,
}

/// Spreads the numbers of logs, which tell how many there are, over all values: odd, so that it has an inverse.
const SPREAD: u32 = 0x9E37_79B1;

/// The inverse of [`SPREAD`] modulo 2^32.
const GATHER: u32 = inverse(SPREAD);

const fn inverse(odd: u32) -> u32 {
    // Newton's iteration doubles the right bits each time; an odd number is its own inverse modulo 8.
    let (mut found, mut step) = (odd, 0);
    while step < 4 {
        found = found.wrapping_mul(2u32.wrapping_sub(odd.wrapping_mul(found)));
        step += 1;
    }
    found
}

const LOW_48: u64 = (1 << 48) - 1;

impl EventId {
    /// The prefix of the text of every such id.
    pub const PREFIX: &'static str = "evt_";

    /// The id of the event with this number in this log.
    pub fn new(at: Timestamp, log: u32, seq: u64) -> Self {
        Self { at_ms: at.as_millis().max(0).unsigned_abs() & LOW_48, log, seq: seq & LOW_48 }
    }

    /// The log that holds the event.
    pub const fn log(self) -> u32 {
        self.log
    }

    /// Its number there.
    pub const fn seq(self) -> u64 {
        self.seq
    }
}

impl fmt::Display for EventId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let log = u128::from(self.log.wrapping_mul(SPREAD));
        let number = u128::from(self.at_ms) << 80 | log << 48 | u128::from(self.seq);
        f.write_str(Self::PREFIX)?;
        f.write_str(std::str::from_utf8(&base62::encode(number)).unwrap_or_default())
    }
}

impl std::str::FromStr for EventId {
    type Err = NotAnId;

    fn from_str(text: &str) -> Result<Self, NotAnId> {
        let number = text.strip_prefix(Self::PREFIX).and_then(base62::decode).ok_or(NotAnId)?;
        let log = u32::try_from(number >> 48 & u128::from(u32::MAX)).map_err(|_| NotAnId)?;
        let low = |number: u128| u64::try_from(number & u128::from(LOW_48)).map_err(|_| NotAnId);
        Ok(Self { at_ms: low(number >> 80)?, log: log.wrapping_mul(GATHER), seq: low(number)? })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_is_an_exact_name_or_a_prefix() {
        use EventType::{BroadcastFailed, MessageQueued, MessageReceived, MessageSent, WebhookDisabled};
        for (pattern, has, has_not) in [
            ("*", &[MessageSent, MessageReceived, WebhookDisabled][..], &[MessageQueued][..]),
            ("messaging.*", &[MessageSent, MessageReceived], &[MessageQueued, WebhookDisabled]),
            ("messaging.outgoing.*", &[MessageSent], &[MessageReceived, MessageQueued]),
            ("messaging.outgoing.message.*", &[MessageSent], &[MessageReceived, MessageQueued]),
            ("messaging.outgoing.message.queued", &[MessageQueued], &[MessageSent]),
            ("messaging.broadcast.failed", &[BroadcastFailed], &[MessageSent]),
        ] {
            let subscription = Subscription::parse([pattern]).unwrap();
            assert!(has.iter().all(|kind| subscription.has(*kind)), "{pattern}");
            assert!(!has_not.iter().any(|kind| subscription.has(*kind)), "{pattern}");
        }
        for wrong in ["", "messaging", "messaging.out*", "messaging.outgoing.message.read", "*.*", "mess.*"] {
            assert_eq!(Subscription::parse([wrong]), None, "{wrong}");
        }
        assert_eq!(Subscription::parse([]), None);
        assert_eq!(Subscription::parse(["*"; 33]), None);
        assert_eq!(Subscription::parse(["*"]), Some(Subscription::default()));
    }

    #[test]
    fn a_callback_belongs_to_the_endpoint_whose_url_it_is_but_for_a_query() {
        let endpoint = Webhook {
            id: WebhookId::from_bytes([1; 16]),
            owner: Owner { account: crate::AccountId::from_bytes([2; 16]), mode: crate::Mode::Live },
            url: "https://a.example/status?a=1".into(),
            events: Subscription::parse(["messaging.outgoing.message.*"]).unwrap(),
            description: None,
            active: true,
            ordering: Ordering::Message,
            broadcast_messages: false,
            format: Format::Twilio,
            created_at: Timestamp::from_millis(0),
            disabled: None,
        };
        for (url, is_taken) in [
            ("https://a.example/status", true),
            ("https://a.example/status?order=7", true),
            ("https://a.example/status?order=7#rc=2", false),
            ("https://a.example/status/", false),
            ("https://a.example/status2?order=7", false),
            ("http://a.example/status", false),
            ("", false),
        ] {
            assert_eq!(endpoint.takes_callbacks_at(url), is_taken, "{url}");
        }
        let inbound = Subscription::parse(["messaging.incoming.message.received"]).unwrap();
        for other in [
            Webhook { active: false, ..endpoint.clone() },
            Webhook { format: Format::Json, ..endpoint.clone() },
            Webhook { events: inbound, ..endpoint },
        ] {
            assert!(!other.takes_callbacks_at("https://a.example/status"));
        }
    }

    #[test]
    fn every_type_has_its_number_and_its_name() {
        for kind in EventType::ALL {
            assert_eq!(EventType::from_number(kind.number()), Some(kind));
            assert_eq!(EventType::parse(kind.as_str()), Some(kind));
        }
        assert_eq!(EventType::from_number(200), None);
    }

    #[test]
    fn an_event_id_says_where_the_event_is() {
        let at = Timestamp::from_millis(1_773_585_000_123);
        for (log, seq) in [(1, 1), (2, 1), (u32::MAX, LOW_48), (77, 1 << 40)] {
            let id = EventId::new(at, log, seq);
            let read: EventId = id.to_string().parse().unwrap();
            assert_eq!((read, read.log(), read.seq()), (id, log, seq));
        }
        assert_ne!(EventId::new(at, 1, 1).to_string(), EventId::new(at, 2, 1).to_string());
        for wrong in ["", "evt_", "msg_0000000000000000000000", "evt_zzzzzzzzzzzzzzzzzzzzzz"] {
            assert!(wrong.parse::<EventId>().is_err(), "{wrong}");
        }
    }
}
