//! The change feed: changes of resources, in the order of their commits.
//!
//! Every method that changes a resource notes the change in the same transaction. There are two kinds of readers:
//!
//! - A *tail* ([`Changes::subscribe`]) lives in this process. It gets the changes of each transaction after its commit
//!   and before the calls of that transaction return, from memory. Nothing of it survives the process.
//! - A *consumer* ([`Changes::register_consumer`]) has a name and a position in the log on disk, its cursor. It misses
//!   nothing, even if processes are killed. The log holds only kinds that a consumer wants; without consumers nothing
//!   is written.
//!
//! Each writer of the log numbers its own changes, from 1 and without gaps, in the order of its commits. A reader
//! follows each writer separately, so no order between writers is needed. Today both backends have one writer: on
//! PostgreSQL all nodes number their changes together.

pub mod tail;

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

/// The writer of a change in the log, and the number of the change.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Position {
    /// The writer.
    pub writer: u64,
    /// Its number, from 1.
    pub seq: u64,
}

/// A committed change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// Its place in the log; `None` if no consumer wanted it, so the log does not have it.
    pub position: Option<Position>,
    /// The time of the change, as given by the caller of the changing method.
    pub at: Timestamp,
    /// The owner of the resource. `None` for a resource of both modes of an account, or of the platform.
    pub owner: Option<Owner>,
    /// The changed resource, in its new state.
    pub resource: Resource,
}

/// A resource in its state after a change.
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
        /// The counts of its recipients.
        counts: BroadcastCounts,
    },
    /// An account was created, or its state or limits changed.
    Account(Account),
    /// A key was created or revoked.
    Key(ApiKey),
    /// A number was added or changed.
    Number(Number),
    /// A block was set.
    Blocked(Block),
    /// A block was removed.
    Unblocked {
        /// The number.
        number: Originator,
        /// The kind of the block.
        kind: BlockKind,
        /// The account; `None` for all accounts.
        account: Option<AccountId>,
    },
    /// An inbound message was recorded for an account, or a late part changed it.
    Inbound {
        /// Which.
        id: MessageId,
        /// Whether parts of it are missing.
        is_partial: bool,
    },
    /// A recipient opted out. The value has the reason and the time.
    OptedOut(OptOut),
    /// An opt-out ended. Source, keyword, message, reason and time are those of its end.
    OptedIn(OptOut),
    /// The keyword settings of an account or a number changed.
    Keywords {
        /// The account or number with these settings.
        of: KeywordsOf,
        /// The settings, as JSON.
        settings: Arc<str>,
    },
    /// The screening policy of an account changed.
    Policy {
        /// The account.
        account: AccountId,
        /// The policy, as JSON.
        policy: Arc<str>,
    },
    /// A template of an account was approved.
    TemplateApproved(ScreeningTemplate),
    /// A template was removed.
    TemplateRemoved {
        /// Whose.
        account: AccountId,
        /// Which.
        id: TemplateId,
    },
}

/// The kind of a change, for the choice of a reader.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Kind {
    /// A message was accepted, or queued when its time had come. Separate from [`Self::Message`], because every message
    /// has this change, and its client already knows of it.
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

    /// The number under which the kind is stored. A number never changes its meaning.
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

    /// Tenants and their rules: accounts, keys, numbers, blocks, policies and opt-outs.
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

    /// The union of both.
    #[must_use]
    pub const fn and(self, others: Self) -> Self {
        Self(self.0 | others.0)
    }

    /// The stored form: a bit for each kind, at the position of its number.
    pub const fn bits(self) -> u32 {
        self.0
    }

    /// The kinds with this stored form.
    pub const fn from_bits(bits: u32) -> Self {
        Self(bits)
    }
}

/// A reader of the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Consumer {
    /// Its name, under which the store keeps the cursor.
    pub name: String,
    /// The kinds that it wants.
    pub kinds: Kinds,
    /// Its cursor: the last processed change of each writer, in the order of writers.
    pub cursor: Cursor,
    /// The number of changes in the log that it has not processed, including those of other kinds.
    pub behind: u64,
}

/// The cursor of a consumer: the last processed change of each writer.
pub type Cursor = Vec<Position>;

/// Changes from the log, in the order of their numbers, of one writer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Batch {
    /// Those that the consumer wants.
    pub changes: Vec<Change>,
    /// The new cursor when the consumer has processed them: the last change that the search looked at. `None` if there
    /// was none.
    pub end: Option<Position>,
}

/// The change feed.
#[async_trait]
pub trait Changes: Send + Sync {
    /// Registers a consumer of these kinds, or changes the kinds of a known one. A new consumer sees the changes that
    /// are committed after this call returns; a known one keeps its cursor.
    async fn register_consumer(&self, name: &str, kinds: Kinds) -> Result<(), StoreError>;

    /// Removes a consumer and its cursor. Does nothing if there is no consumer of this name.
    async fn remove_consumer(&self, name: &str) -> Result<(), StoreError>;

    /// Every consumer, by name.
    async fn consumers(&self) -> Result<Vec<Consumer>, StoreError>;

    /// The changes that a consumer has not processed, oldest first; looks at no more than `limit` changes. Changes
    /// nothing, so a repeat returns the same changes and perhaps more. [`StoreError::NotFound`] for an unknown
    /// consumer.
    ///
    /// Within a writer there is no gap: an earlier commit is never seen later.
    async fn changes(&self, consumer: &str, limit: usize) -> Result<Batch, StoreError>;

    /// Notes that a consumer has processed the changes of the writer up to `to`. A cursor never goes back, and never
    /// beyond the last written change. [`StoreError::NotFound`] for an unknown consumer.
    async fn move_cursor(&self, consumer: &str, to: Position) -> Result<(), StoreError>;

    /// Drops changes that every consumer has processed, oldest first: at most `limit`. Returns their number.
    async fn forget_changes(&self, limit: usize) -> Result<u64, StoreError>;

    /// Subscribes to these kinds in this process: every change of later calls, after its commit, in the order of
    /// commits. The changes of a call are there when the call returns. If several nodes share the store, changes of
    /// [`Kinds::TENANTS`] at other nodes follow within a second, also in the order of commits. A subscription never
    /// delays the store: if its tail is full, or if the node was cut off for long, the tail misses changes and reports
    /// that ([`Tailed::Missed`]).
    fn subscribe(&self, kinds: Kinds) -> Tail;
}
