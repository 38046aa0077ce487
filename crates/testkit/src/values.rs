//! Values of the model, with every field set.

use std::sync::Arc;
use std::time::Duration;

use model::account::Limits;
use model::key::Pepper;
use model::message::{Direction, Encoding, MessageType};
use model::{
    AccountId, Broadcast, BroadcastId, Message, MessageId, Mode, Msisdn, Originator, Recipients, SimClock, Timestamp,
};

/// When tests begin: 2026-03-15T14:30:00Z.
pub const NOW: Timestamp = Timestamp::from_millis(1_773_585_000_000);

/// How long messages and broadcasts are valid.
pub const VALID: Duration = Duration::from_secs(3_600);

/// The account of messages and broadcasts.
pub const ACCOUNT: AccountId = AccountId::from_bytes([2; 16]);

/// The limits of an account that tests do not reach.
pub const LIMITS: Limits =
    Limits { message_per_minute: 1_000, broadcast_per_minute: 1_000, read_per_minute: 1_000, daily_quota: 1_000_000 };

/// What secrets are hashed with.
///
/// # Panics
/// Never: it is long enough.
pub fn pepper() -> Pepper {
    Pepper::new(&"pepper".repeat(6)).expect("it has 36 characters")
}

/// A clock that stands at [`NOW`] until a test moves it.
pub fn clock() -> Arc<SimClock> {
    Arc::new(SimClock::at(NOW))
}

/// The number that this text is.
///
/// # Panics
/// Where it is none.
pub fn number(text: &str) -> Msisdn {
    Msisdn::parse(text).unwrap_or_else(|_| panic!("{text} is no number"))
}

/// The address that messages and broadcasts come from.
pub fn originator() -> Originator {
    number("+18005559876").into()
}

/// The recipient at `index` of a broadcast.
pub fn recipient(index: u32) -> Msisdn {
    number(&format!("+1202{index:07}"))
}

/// So many recipients of a broadcast.
pub fn recipients(count: u32) -> Recipients {
    (0..count).map(recipient).collect()
}

/// The account of this number.
pub const fn account(number: u8) -> AccountId {
    AccountId::from_bytes([number; 16])
}

/// The id of the message of this number. Ids are in the order of numbers.
pub fn message_id(number: u32) -> MessageId {
    MessageId::from_bytes(u128::from(number).to_be_bytes())
}

/// The id of the broadcast of this number.
pub fn broadcast_id(number: u32) -> BroadcastId {
    BroadcastId::from_bytes(u128::from(number).to_be_bytes())
}

/// The message of this number: an SMS of one segment, accepted at [`NOW`] from [`ACCOUNT`].
pub fn message(number: u32) -> Message {
    Message {
        id: message_id(number),
        account: ACCOUNT,
        broadcast: None,
        direction: Direction::Outbound,
        mode: Mode::Live,
        kind: MessageType::Sms,
        originator: originator(),
        recipient: self::number("+18005551234"),
        body: Some("hello".into()),
        media_url: None,
        media: None,
        encoding: Encoding::Gsm7,
        segments: 1,
        reference: 0,
        client_reference: None,
        automatic: None,
        status_callback: None,
        created_at: NOW,
        send_at: None,
        expires_at: NOW + VALID,
    }
}

/// The same with this id, accepted at `at`.
pub fn message_at(id: MessageId, at: Timestamp) -> Message {
    Message { id, created_at: at, expires_at: at + VALID, ..message(0) }
}

/// The broadcast of this number to so many, none of them blocked: an SMS of one segment, accepted at [`NOW`] from
/// [`ACCOUNT`].
pub fn broadcast(number: u32, total: u32) -> Broadcast {
    Broadcast {
        id: broadcast_id(number),
        account: ACCOUNT,
        mode: Mode::Live,
        kind: MessageType::Sms,
        originator: originator(),
        body: Some("hello".into()),
        media_url: None,
        media: None,
        encoding: Encoding::Gsm7,
        segments: 1,
        total,
        blocked: 0,
        created_at: NOW,
        expires_at: NOW + VALID,
        client_reference: None,
    }
}
