//! Retention: the removal of old texts, then of messages and broadcasts with everything that belongs to them, and of
//! the keys under which receipts find their segment.
//!
//! A message has *ended* when it is delivered, undelivered, failed or canceled, or when it is sent and waits for no
//! receipt. A message that has not ended keeps everything, regardless of its age; the transaction in which it ends then
//! removes a text that is too old. The age counts from acceptance, for a message of a broadcast from that of the
//! broadcast, by the times in ids. The age of a scheduled message counts from its time to leave, regardless of its end,
//! and a walk of its own removes its text after that end. An inbound message has always ended; its age counts from its
//! first record. The counts of a broadcast and the usage of an owner do not change.
//!
//! Walks remove old data in steps. A step looks at a limited number of rows beside other work, and removes some of them
//! in a transaction that takes about a millisecond.

use async_trait::async_trait;
use model::{AccountId, TextRetention, Timestamp};

use super::StoreError;

/// A walk through rows that may be old.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Walk {
    /// Removes the texts and the media of messages that have ended: of one account, or of all.
    Texts(Option<AccountId>),
    /// Removes the texts and the media of scheduled messages, in the order of their times to leave.
    ScheduledTexts(Option<AccountId>),
    /// Removes the texts and the media of broadcasts that are not open.
    BroadcastTexts(Option<AccountId>),
    /// Removes the texts and files of inbound messages: of one account, or of all.
    InboundTexts(Option<AccountId>),
    /// Removes inbound messages.
    InboundMessages,
    /// Removes messages that have ended: with their delivery, events and entries in the index of lists.
    Messages,
    /// Removes broadcasts that are not open and have no message left.
    Broadcasts,
    /// Removes the keys of messages that have ended or were removed. Receipts for them match nothing from then on.
    ReceiptKeys,
    /// Removes unmatched input of carriers, unless it still waits for its acknowledgement.
    Unmatched,
}

impl Walk {
    /// The walk's name in the store, in metrics and in the log.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Texts(_) | Self::ScheduledTexts(_) => "texts",
            Self::BroadcastTexts(_) => "broadcast_texts",
            Self::InboundTexts(_) => "inbound_texts",
            Self::InboundMessages => "inbound_messages",
            Self::Messages => "messages",
            Self::Broadcasts => "broadcasts",
            Self::ReceiptKeys => "receipt_keys",
            Self::Unmatched => "unmatched",
        }
    }
}

/// The result of a step.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Removed {
    /// The number of removed rows.
    pub removed: u64,
    /// The number of rows that the step looked at.
    pub looked: u64,
    /// Whether the walk is at its end: the next step begins another one.
    pub is_end: bool,
    /// The number of calls that the store has written until now, including this one; `None` if the step wrote nothing.
    pub calls: Option<u64>,
}

/// Retention.
#[async_trait]
pub trait Retention: Send + Sync {
    /// The accounts with their own rule for texts, in the order of their ids.
    async fn text_rules(&self) -> Result<Vec<(AccountId, TextRetention)>, StoreError>;

    /// One step of a walk: removes data that were accepted (for scheduled messages: were to leave; for
    /// [`Walk::Unmatched`]: were received) before `before`, at most `limit`; a store that keeps messages by weeks may
    /// remove an old week as a whole, and then counts it roughly. The next step of the same walk continues after it; a
    /// walk through texts or keys does so after a restart as well, but not [`Walk::ScheduledTexts`].
    ///
    /// Atomic: no row is removed in part. Texts of an account that [discards](TextRetention::Discard) them need no walk
    /// unless they are older than the rule: the end of their message removes them.
    async fn remove_old(&self, walk: Walk, before: Timestamp, limit: usize) -> Result<Removed, StoreError>;
}
