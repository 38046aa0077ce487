//! The change feed: what happened to resources, in the order in which it was committed.
//!
//! Every method that changes a resource notes the change in the same transaction. Two kinds of readers follow:
//!
//! - A *tail* ([`Changes::subscribe`]) lives in this process. It gets the changes of each transaction after its commit
//!   and before the calls of that transaction return, from memory. Nothing of it survives the process.
//! - A *consumer* ([`Changes::register_consumer`]) has a name and a place in the log on disk, its cursor. It misses
//!   nothing, whatever is killed. The log holds only kinds that a consumer wants; without consumers nothing is written.
//!
//! Each writer of the log numbers its own changes, from 1 and without gaps, in the order of its commits. A reader
//! follows each writer by itself, so that no order between writers is needed. Today both backends have one writer: on
//! PostgreSQL all nodes number their changes together.

pub(crate) mod tail;

use std::sync::Arc;

use async_trait::async_trait;
use model::account::Account;
use model::key::ApiKey;
use model::number::{Block, BlockKind, Number};
use model::{
    AccountId, BroadcastCounts, BroadcastId, BroadcastStatus, Delivery, MessageId, OptOut, Originator, Owner,
    ScreeningTemplate, TemplateId, Timestamp,
};

use super::StoreError;
use super::tenants::KeywordsOf;
pub use tail::{Tail, Tailed};

/// Who wrote a change into the log, and its number among the changes of that writer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Position {
    /// The writer.
    pub writer: u64,
    /// Its number, from 1.
    pub seq: u64,
}

/// A change that was committed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// Where it is in the log; `None` where no consumer wanted it, so that the log does not have it.
    pub position: Option<Position>,
    /// When it happened, as the caller of the changing method gave it.
    pub at: Timestamp,
    /// Whose resource it is. `None` for what belongs to both worlds of an account, or to the platform.
    pub owner: Option<Owner>,
    /// What changed, as it is now.
    pub resource: Resource,
}

/// A resource, as a change left it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Resource {
    /// A message was accepted ([`Kind::Accepted`]) or changed its status ([`Kind::Message`]).
    Message {
        /// Which.
        id: MessageId,
        /// The broadcast that it belongs to.
        broadcast: Option<BroadcastId>,
        /// The outcome.
        delivery: Delivery,
    },
    /// A broadcast was accepted or changed its status.
    Broadcast {
        /// Which.
        id: BroadcastId,
        /// Its status.
        status: BroadcastStatus,
        /// Where its recipients stood.
        counts: BroadcastCounts,
    },
    /// An account was made, or its state or limits changed.
    Account(Account),
    /// A key was made or revoked.
    Key(ApiKey),
    /// A number was added or changed.
    Number(Number),
    /// A block was set.
    Blocked(Block),
    /// A block was lifted.
    Unblocked {
        /// The number.
        number: Originator,
        /// What it was blocked as.
        kind: BlockKind,
        /// For whom; `None` for every account.
        account: Option<AccountId>,
    },
    /// A message of a handset was recorded for an account, or a late part changed it.
    Inbound {
        /// Which.
        id: MessageId,
        /// Whether parts of it are missing.
        is_partial: bool,
    },
    /// A handset opted out. The value says why and since when.
    OptedOut(OptOut),
    /// An opt-out ended. Source, keyword, message, reason and time are those of its end.
    OptedIn(OptOut),
    /// What an account or a number sets about keywords changed.
    Keywords {
        /// Whose settings.
        of: KeywordsOf,
        /// The settings, as JSON.
        settings: Arc<str>,
    },
    /// What texts of an account are screened for changed.
    Policy {
        /// Whose texts.
        account: AccountId,
        /// The policy, as JSON.
        policy: Arc<str>,
    },
    /// A template of an account's texts was approved.
    TemplateApproved(ScreeningTemplate),
    /// A template was removed.
    TemplateRemoved {
        /// Whose.
        account: AccountId,
        /// Which.
        id: TemplateId,
    },
}

/// What a change is about, for those who choose.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Kind {
    /// A message was accepted, or queued when its time had come. Apart from [`Self::Message`], because every message
    /// has this change and its client knows of it already.
    Accepted,
    /// The status of a message.
    Message,
    /// The status of a broadcast.
    Broadcast,
    /// An account.
    Account,
    /// A key.
    Key,
    /// A number.
    Number,
    /// A block.
    Block,
    /// A screening policy, a template, or settings of keywords.
    Policy,
    /// An inbound message.
    Inbound,
    /// An opt-out.
    OptOut,
}

impl Kind {
    /// Every kind.
    pub const ALL: [Self; 10] = [
        Self::Accepted,
        Self::Message,
        Self::Broadcast,
        Self::Account,
        Self::Key,
        Self::Number,
        Self::Block,
        Self::Policy,
        Self::Inbound,
        Self::OptOut,
    ];

    /// How the kind is written. A number is never given another meaning.
    pub const fn number(self) -> u8 {
        match self {
            Self::Accepted => 0,
            Self::Message => 1,
            Self::Broadcast => 2,
            Self::Account => 3,
            Self::Key => 4,
            Self::Number => 5,
            Self::Block => 6,
            Self::Policy => 7,
            Self::Inbound => 8,
            Self::OptOut => 9,
        }
    }
}

impl Resource {
    /// The kind of the change.
    pub const fn kind(&self) -> Kind {
        match self {
            Self::Message { delivery, .. } if delivery.status.is_waiting() => Kind::Accepted,
            Self::Message { .. } => Kind::Message,
            Self::Broadcast { .. } => Kind::Broadcast,
            Self::Account(_) => Kind::Account,
            Self::Key(_) => Kind::Key,
            Self::Number(_) => Kind::Number,
            Self::Blocked(_) | Self::Unblocked { .. } => Kind::Block,
            Self::Policy { .. } | Self::TemplateApproved(_) | Self::TemplateRemoved { .. } | Self::Keywords { .. } => {
                Kind::Policy
            }
            Self::Inbound { .. } => Kind::Inbound,
            Self::OptedOut(_) | Self::OptedIn(_) => Kind::OptOut,
        }
    }
}

/// Some kinds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Kinds(u32);

impl Kinds {
    /// None.
    pub const NONE: Self = Self(0);

    /// Who may send, and to whom: accounts, keys, numbers, blocks, policies and opt-outs.
    pub const TENANTS: Self =
        Self::of(&[Kind::Account, Kind::Key, Kind::Number, Kind::Block, Kind::Policy, Kind::OptOut]);

    /// These.
    pub const fn of(kinds: &[Kind]) -> Self {
        let (mut bits, mut place) = (0, 0);
        while place < kinds.len() {
            bits |= 1 << kinds[place].number();
            place += 1;
        }
        Self(bits)
    }

    /// Whether this kind is among them.
    pub const fn has(self, kind: Kind) -> bool {
        self.0 & 1 << kind.number() != 0
    }

    /// These and those.
    #[must_use]
    pub const fn and(self, others: Self) -> Self {
        Self(self.0 | others.0)
    }

    /// How they are written: a bit for each kind, at the place of its number.
    pub const fn bits(self) -> u32 {
        self.0
    }

    /// Those that are written so.
    pub const fn from_bits(bits: u32) -> Self {
        Self(bits)
    }
}

/// A reader of the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Consumer {
    /// The name, under which the cursor is kept.
    pub name: String,
    /// What it wants.
    pub kinds: Kinds,
    /// Its cursor: the last change of each writer that it has passed, in the order of writers.
    pub cursor: Cursor,
    /// How many changes in the log it has not passed, those of other kinds included.
    pub behind: u64,
}

/// How far a consumer has read: for each writer the last change that it has passed.
pub type Cursor = Vec<Position>;

/// Changes from the log, in the order of their numbers, of one writer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Batch {
    /// Those that the consumer wants.
    pub changes: Vec<Change>,
    /// Where the cursor goes when the consumer is done with them: the last change that was looked at. `None` when there
    /// was none.
    pub end: Option<Position>,
}

/// The change feed.
#[async_trait]
pub trait Changes: Send + Sync {
    /// Registers a consumer of these kinds, or gives a known one these kinds. A new one sees what is committed after
    /// this call returns; a known one keeps its cursor.
    async fn register_consumer(&self, name: &str, kinds: Kinds) -> Result<(), StoreError>;

    /// Removes a consumer and its cursor. Does nothing when there is none of this name.
    async fn remove_consumer(&self, name: &str) -> Result<(), StoreError>;

    /// Every consumer, by name.
    async fn consumers(&self) -> Result<Vec<Consumer>, StoreError>;

    /// What a consumer has not passed, oldest first: looks at `limit` changes at most. Changes nothing, so that a
    /// repeat gives the same and perhaps more. [`StoreError::NotFound`] for an unknown consumer.
    ///
    /// Within a writer there is no gap: what was committed earlier is never seen later.
    async fn changes(&self, consumer: &str, limit: usize) -> Result<Batch, StoreError>;

    /// Notes that a consumer has passed everything of the writer up to `to`. A cursor never goes back, and not beyond
    /// the last change that was written. [`StoreError::NotFound`] for an unknown consumer.
    async fn move_cursor(&self, consumer: &str, to: Position) -> Result<(), StoreError>;

    /// Drops changes that every consumer has passed, oldest first, at most `limit`. Returns how many.
    async fn forget_changes(&self, limit: usize) -> Result<u64, StoreError>;

    /// Follows these kinds in this process: every change of calls made from now on, after its commit, in the order of
    /// commits. The changes of a call are there when the call returns. Where several nodes share the store, what the
    /// others change of [`Kinds::TENANTS`] follows within a second, in the order of commits as well. Never holds the
    /// store up: a tail that is left full, or a node that was cut off for long, misses changes, and the tail says so
    /// ([`Tailed::Missed`]).
    fn subscribe(&self, kinds: Kinds) -> Tail;
}
