//! The end of what is kept: texts, then messages and broadcasts with all that belongs to them, and the keys under which
//! receipts find their segment.
//!
//! A message has *ended* when it is delivered, undelivered, failed or canceled, or when it is sent and waits for no
//! receipt. One that has not ended keeps everything, whatever its age; text that is too old then goes in the
//! transaction in which the message ends. Age is counted from acceptance, for a message of a broadcast from that of the
//! broadcast, by the times in ids. The age of a message that leaves later is counted from its time to leave, whatever
//! became of it, and its text goes with a walk of its own after its end. A message of a handset has always ended;
//! its age is counted from when it was recorded first. What a broadcast has counted and what an owner has used is not
//! changed.
//!
//! Old things are removed by walks, in steps. A step looks at a bounded number of rows beside everything else, and
//! removes some of them in a transaction that takes about a millisecond.

use async_trait::async_trait;
use model::{AccountId, TextRetention, Timestamp};

use super::StoreError;

/// A walk through rows that may be old.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Walk {
    /// Removes the texts and the media of messages that have ended: of one account, or of all.
    Texts(Option<AccountId>),
    /// The same of messages that leave later, in the order of their times to leave.
    ScheduledTexts(Option<AccountId>),
    /// The same of broadcasts that are not open.
    BroadcastTexts(Option<AccountId>),
    /// Removes the texts and files of messages of handsets: of one account, or of all.
    InboundTexts(Option<AccountId>),
    /// Removes messages of handsets.
    InboundMessages,
    /// Removes messages that have ended: with their delivery, events and entries in the index of lists.
    Messages,
    /// Removes broadcasts that are not open and have no message left.
    Broadcasts,
    /// Removes the keys of messages that have ended or are gone. Receipts for them match nothing from then on.
    ReceiptKeys,
    /// Removes what carriers sent and nothing could use, unless it still waits for its acknowledgement.
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

/// What a step came to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Removed {
    /// How many were removed.
    pub removed: u64,
    /// How many rows were looked at.
    pub looked: u64,
    /// Whether the walk is at its end: the next step begins another one.
    pub is_end: bool,
    /// How many calls the store had to write until now, this one included; `None` where the step wrote nothing.
    pub calls: Option<u64>,
}

/// The end of what is kept.
#[async_trait]
pub trait Retention: Send + Sync {
    /// The accounts whose texts have a rule of their own, in the order of their ids.
    async fn text_rules(&self) -> Result<Vec<(AccountId, TextRetention)>, StoreError>;

    /// One step of a walk: removes of what was accepted (of what leaves later: what was to leave; of
    /// [`Walk::Unmatched`]: what came) before `before`, at most `limit`; a store that keeps messages by weeks may
    /// remove all of an old week at once, and counts it roughly. The next step of the same walk goes on behind it; a
    /// walk through texts or keys does so after a restart as well, but not [`Walk::ScheduledTexts`].
    ///
    /// Atomic: each thing goes whole. Texts of an account that [discards](TextRetention::Discard) them need no walk
    /// unless they are older than the rule: they go with the end of their message.
    async fn remove_old(&self, walk: Walk, before: Timestamp, limit: usize) -> Result<Removed, StoreError>;
}
