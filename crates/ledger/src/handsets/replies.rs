//! How often automatic messages are written.

use std::time::Duration;

use model::message::MessageRecord;
use model::{Status, Timestamp};

use super::arrivals::is_within;
use crate::contract::inbound::{AUTOMATIC_PER_HOUR_MAX, Reply, ReplyBound, Suppressed};
use crate::contract::messages::MessageFilter;

/// Within which time automatic messages of all kinds are counted, and texts that a handset sends back.
pub const HOUR: Duration = Duration::from_secs(3_600);

/// How long before it was sent a text may have been accepted that a handset sends back: those of a broadcast have the
/// ids of its acceptance.
const ACCEPTED_BEFORE: Duration = Duration::from_secs(86_400);

/// How many texts are looked at for one that a handset sends back.
pub const ECHO_TEXTS: usize = 50;

/// Within which time none of the kind may have been written, where that counts.
pub const fn within(bound: ReplyBound, has_changed: bool) -> Result<Option<Duration>, Suppressed> {
    match bound {
        ReplyBound::OnChange | ReplyBound::OnChangeOrAfter(_) if has_changed => Ok(None),
        ReplyBound::OnChange => Err(Suppressed::NoChange),
        ReplyBound::OnChangeOrAfter(within) | ReplyBound::After(within) => Ok(Some(within)),
    }
}

/// Whether as many as there may be were written within the hour.
pub fn are_enough(written: u64) -> bool {
    written >= u64::from(AUTOMATIC_PER_HOUR_MAX)
}

/// The messages that a handset may send back: those to it.
pub fn echoes(reply: &Reply, now: Timestamp) -> MessageFilter {
    MessageFilter {
        recipient: Some(reply.message.recipient),
        from: Some(now - ACCEPTED_BEFORE),
        ..MessageFilter::default()
    }
}

/// Whether `text` is that of a message that the handset had within the hour.
pub fn is_echo(record: &MessageRecord, text: &str, now: Timestamp) -> bool {
    let at = record.delivery.sent_at.unwrap_or(record.message.created_at);
    record.delivery.status != Status::Failed && is_within(at, now, HOUR) && record.message.body.as_deref() == Some(text)
}
