//! A message: the request, which never changes, and its course, which does.

use std::sync::Arc;

pub use wire::gsm::Encoding;

use crate::address::Msisdn;
use crate::carrier::Assignment;
use crate::client_reference::ClientReference;
use crate::clock::Timestamp;
use crate::id::{AccountId, BroadcastId, MediaId, MessageId};
use crate::key::Mode;
use crate::keyword::KeywordKind;
use crate::originator::Originator;
use crate::owner::Owner;
use crate::status::{ErrorType, Status};

/// The direction of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// From a client to a handset (MT).
    Outbound,
    /// From a handset to a client (MO).
    Inbound,
}

impl Direction {
    /// The direction's name in the API and in the store.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Outbound => "outbound",
            Self::Inbound => "inbound",
        }
    }

    /// The direction with this name.
    pub fn parse(text: &str) -> Option<Self> {
        [Self::Outbound, Self::Inbound].into_iter().find(|direction| direction.as_str() == text)
    }
}

/// The type of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MessageType {
    /// Text, in one or more segments.
    Sms,
    /// Text and media.
    Mms,
}

impl MessageType {
    /// Every type.
    pub const ALL: [Self; 2] = [Self::Sms, Self::Mms];

    /// The type's name in the API, in routes and in the store.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Sms => "SMS",
            Self::Mms => "MMS",
        }
    }

    /// The type with exactly this name.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == text)
    }
}

/// The accepted request. Nothing in it changes after the message was accepted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// Its id.
    pub id: MessageId,
    /// The owner.
    pub account: AccountId,
    /// The broadcast that it belongs to.
    pub broadcast: Option<BroadcastId>,
    /// Its direction.
    pub direction: Direction,
    /// The mode of the key that sent it.
    pub mode: Mode,
    /// SMS or MMS.
    pub kind: MessageType,
    /// The address that it comes from.
    pub originator: Originator,
    /// The address that it goes to.
    pub recipient: Msisdn,
    /// Its text as received.
    pub body: Option<Arc<str>>,
    /// The URL of its media.
    pub media_url: Option<String>,
    /// Its media as they are kept here.
    pub media: Option<MediaId>,
    /// The encoding of its text.
    pub encoding: Encoding,
    /// The number of segments of its text.
    pub segments: u16,
    /// The concatenation reference that its segments share (3GPP TS 23.040, 9.2.3.24.1), the same at every attempt, so
    /// that a handset can join segments of different attempts.
    pub reference: u16,
    /// The name that the client has for it.
    pub client_reference: Option<ClientReference>,
    /// The keyword that it answers, where the platform wrote it: it counts against no quota, is not screened, and an
    /// opt-out does not stop it.
    pub automatic: Option<KeywordKind>,
    /// The URL at which the client wants its status: that of one of the account's endpoints, perhaps with a query.
    pub status_callback: Option<Arc<str>>,
    /// The time of its acceptance.
    pub created_at: Timestamp,
    /// When it is to leave, where that is later than its acceptance.
    pub send_at: Option<Timestamp>,
    /// When its validity period ends.
    pub expires_at: Timestamp,
}

impl Message {
    /// Its status at its acceptance.
    pub const fn status_at_acceptance(&self) -> Status {
        if self.send_at.is_some() { Status::Scheduled } else { Status::Queued }
    }

    /// Its mode, live or test.
    pub const fn owner(&self) -> Owner {
        Owner { account: self.account, mode: self.mode }
    }
}

/// The state of a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Delivery {
    /// Its status.
    pub status: Status,
    /// The carrier that has it, or had it last, or will be tried first.
    pub carrier: Assignment,
    /// The number of attempts.
    pub attempts: u32,
    /// The number of attempts with an unknown outcome.
    pub unknown_outcomes: u32,
    /// Whether it is held back because of such an outcome.
    pub held: bool,
    /// When it was queued, where that was later than its acceptance.
    pub queued_at: Option<Timestamp>,
    /// The time at which a carrier accepted it.
    pub sent_at: Option<Timestamp>,
    /// The time of its delivery.
    pub delivered_at: Option<Timestamp>,
    /// The time at which it failed or became undelivered.
    pub failed_at: Option<Timestamp>,
    /// The reason of the failure.
    pub error_type: Option<ErrorType>,
    /// The reason, in a sentence for the client.
    pub error_message: Option<String>,
    /// Whether the wait for receipts is over although not all of them came. Only ever true of a message that is
    /// [`Status::Sent`].
    pub receipt_missing: bool,
    /// When its person was erased: the text, the media and the person's address are gone, and the address reads as
    /// [`Msisdn::nobody`]. The change feed does not tell of it.
    pub erased_at: Option<Timestamp>,
}

impl Delivery {
    /// The state of a message that was just accepted and will go to `carrier`, at once or at its time.
    pub fn accepted(message: &Message, carrier: impl Into<Assignment>) -> Self {
        Self { status: message.status_at_acceptance(), ..Self::queued(carrier) }
    }

    /// The state of a message that was just accepted and will go to `carrier` at once.
    pub fn queued(carrier: impl Into<Assignment>) -> Self {
        Self {
            status: Status::Queued,
            carrier: carrier.into(),
            attempts: 0,
            unknown_outcomes: 0,
            held: false,
            queued_at: None,
            sent_at: None,
            delivered_at: None,
            failed_at: None,
            error_type: None,
            error_message: None,
            receipt_missing: false,
            erased_at: None,
        }
    }
}

/// A message and its state.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MessageRecord {
    /// The request.
    pub message: Arc<Message>,
    /// The outcome.
    pub delivery: Delivery,
}
