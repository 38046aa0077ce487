//! What the store takes and gives.

use std::sync::Arc;
use std::time::Duration;

use model::quota::UtcDay;
use model::{Assignment, Broadcast, Message, Recipients, Timestamp};
use store::contract::admission::{Admission, NewBroadcast, NewMessage, Quota};
use store::contract::dispatch::{Lease, Leased};
use store::contract::nodes::Epoch;

/// The admission of `message` by `node`: to no carrier, under no lease, due when it was accepted, with a quota that is
/// never reached and no idempotency key.
pub fn admission(node: Epoch, message: impl Into<Arc<Message>>) -> Admission<NewMessage> {
    let message = message.into();
    let accepted_at = message.created_at;
    admitted(node, accepted_at, NewMessage { message, carrier: Assignment::NoRoute, lease: None, due_at: accepted_at })
}

/// The admission of `broadcast` to `recipients` by `node`, with a quota that is never reached and no idempotency key.
pub fn broadcast_admission(
    node: Epoch,
    broadcast: impl Into<Arc<Broadcast>>,
    recipients: Recipients,
) -> Admission<NewBroadcast> {
    let broadcast = broadcast.into();
    admitted(node, broadcast.created_at, NewBroadcast { broadcast, recipients, values: Vec::new() })
}

const fn admitted<P>(node: Epoch, now: Timestamp, payload: P) -> Admission<P> {
    let quota = Quota { day: UtcDay::of(now), limit: u64::MAX };
    Admission { node, payload, quota, idempotency: None, flagged: None, again: None, media: None }
}

/// `message` under a lease of a day, for its first attempt with the carrier `main`.
pub fn leased(message: impl Into<Arc<Message>>, token: u64) -> Leased {
    let message = message.into();
    let lease = Lease { token, until: message.created_at + Duration::from_secs(86_400) };
    Leased::fresh(message, lease, "main".into())
}
