//! What the store takes and gives.

use std::sync::Arc;
use std::time::Duration;

use model::quota::UtcDay;
use model::{Broadcast, Message, Recipients, Timestamp};
use store::contract::broadcasts::BroadcastAdmission;
use store::contract::dispatch::{Lease, Leased};
use store::contract::messages::{Admission, Quota};
use store::contract::nodes::Epoch;

/// The admission of `message` by `node`: to no carrier, under no lease, due when it was accepted, with a quota that is
/// never reached and no idempotency key.
pub fn admission(node: Epoch, message: impl Into<Arc<Message>>) -> Admission {
    let message = message.into();
    Admission {
        node,
        carrier: String::new(),
        lease: None,
        due_at: message.created_at,
        quota: endless(message.created_at),
        message,
        idempotency: None,
        flagged: None,
        media: None,
    }
}

/// The admission of `broadcast` to `recipients` by `node`, with a quota that is never reached and no idempotency key.
pub fn broadcast_admission(
    node: Epoch,
    broadcast: impl Into<Arc<Broadcast>>,
    recipients: Recipients,
) -> BroadcastAdmission {
    let broadcast = broadcast.into();
    BroadcastAdmission {
        node,
        quota: endless(broadcast.created_at),
        broadcast,
        recipients,
        idempotency: None,
        flagged: None,
        media: None,
    }
}

const fn endless(now: Timestamp) -> Quota {
    Quota { day: UtcDay::of(now), limit: u64::MAX }
}

/// `message` under a lease of a day, for its first attempt with the carrier `main`.
pub fn leased(message: impl Into<Arc<Message>>, token: u64) -> Leased {
    let message = message.into();
    Leased {
        lease: Lease { token, until: message.created_at + Duration::from_secs(86_400) },
        message,
        carrier: "main".to_owned(),
        attempts: 0,
        accepted_segments: 0,
        interrupted: false,
    }
}
