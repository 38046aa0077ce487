//! The words between a lane and its driver: events in, actions out.

use std::sync::Arc;
use std::time::Duration;

use model::webhook::DisabledReason;
use store::contract::webhooks::{DeliveryAttempt, Endpoint, EventHead, Heads, PendingDelivery, Replaying};

/// Where an event was read from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Source {
    /// The position of the endpoint.
    Tail,
    /// A replay.
    Replay,
    /// The deliveries that are tried again.
    Exceptions,
}

/// The event.
#[derive(Debug)]
pub(crate) enum Input {
    /// The owner's log ends here now.
    Grew(u64),
    /// Events were read; after an error there are none, and the same is asked for again.
    Read(Source, Option<Heads>),
    /// There is this replay, or none.
    Replay(Option<Replaying>),
    /// Pending deliveries were read, up to `limit`; after an error there are none, and the same is asked for again.
    Pending(Option<Vec<PendingDelivery>>, usize),
    /// An attempt has ended.
    Ended(u64, Ended),
    /// The account changed its endpoint.
    Changed(Box<Endpoint>),
}

/// How an attempt ended.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) outcome: Outcome,
    /// What is recorded of it; nothing where nothing was sent.
    pub(crate) attempt: Option<DeliveryAttempt>,
    /// What was sent.
    pub(crate) body: Option<Arc<str>>,
    /// A random number from 0 up to 1, for the next wait.
    pub(crate) unit: f64,
}

/// What an attempt came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// The endpoint has the event.
    Delivered,
    /// The event is not there any more.
    Vanished,
    /// The endpoint answered 410.
    Gone,
    /// It failed, and the endpoint asks for so much time.
    Failed(Option<Duration>),
    /// This platform could not make the attempt: it says nothing about the endpoint.
    NotMade,
}

/// What the driver is to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Action {
    /// Read events after this number; of a replay where it is named.
    Read { source: Source, after: u64, replay: Option<u64> },
    /// Look which replay is next.
    LookForReplay,
    /// Read pending deliveries after this event.
    ReadPending(u64),
    /// Disable the endpoint.
    Disable(DisabledReason),
    /// The endpoint is failing from now on.
    Failing,
    /// The endpoint answers as it should again.
    Recovered,
}

/// An event that is to be sent now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Sending {
    pub(crate) head: EventHead,
    /// How many attempts were made before.
    pub(crate) tries: u32,
    /// What it was read from.
    pub(crate) source: Source,
    /// Whether it probes a failing endpoint.
    pub(super) probe: bool,
}
