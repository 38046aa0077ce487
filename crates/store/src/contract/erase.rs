//! Erasure of a person: everything about one number is removed or blanked, in steps that are small enough to run beside
//! everything else.
//!
//! The caller finds what there is by reading ([`super::messages::Messages::messages`] filtered by the number,
//! [`Erasures::packed_with`], [`Erasures::receipts_of`]) and hands it in pieces to the methods that erase it. Each of
//! these looks again, in its own transaction, at what it is about to blank; so any of them may be repeated, and an
//! erasure that was interrupted simply begins again. The order matters: recipients that are still packed come first,
//! so that no broadcast makes a message to the number any more; then messages; and receipts last, because those of
//! messages under way come late.
//!
//! What stays: the rows of messages and broadcasts with their statuses, times and counts; quotas; blocks of the number,
//! which protect the person; sender numbers.

use async_trait::async_trait;
use model::media::StoredMedia;
use model::{AuditId, BroadcastId, Erasure, ErasureCounts, ErasureId, MessageId, Msisdn, Timestamp};

use super::StoreError;

/// An erasure to be.
#[derive(Clone, Debug)]
pub struct NewErasure {
    /// Its id.
    pub id: ErasureId,
    /// The number.
    pub number: Msisdn,
    /// The keyed digest of the number.
    pub digest: [u8; 32],
    /// Who asks for it.
    pub operator: String,
    /// The operator's own name for the request.
    pub reference: Option<String>,
    /// The present moment.
    pub at: Timestamp,
}

/// What became of some messages.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ErasedMessages {
    /// Messages with an attempt under way. They are left as they are: a carrier may have them, and the outcome is still
    /// to be recorded. They are not tried again meanwhile.
    pub under_way: Vec<MessageId>,
    /// Media that are kept no longer, because nothing else needs them; their bytes can go.
    pub media: Vec<StoredMedia>,
}

/// What became of some of what a person sent.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ErasedInbound {
    /// The names of objects that belong to no message any more.
    pub objects: Vec<String>,
    /// Whether there may be more to erase.
    pub more: bool,
}

/// A row of packed recipients: its broadcast, and the place of its first recipient.
pub type Chunk = (BroadcastId, u32);

/// Which packed recipients of broadcasts are the number.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Packed {
    /// Rows that hold it.
    pub chunks: Vec<Chunk>,
    /// How many recipients of those have not had their turn.
    pub recipients: u64,
    /// The start of the next search: after this row. `None` at the end.
    pub next: Option<Chunk>,
}

/// Which entries of what matched nothing mention the number.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ReceiptsOf {
    /// Their places.
    pub places: Vec<i64>,
    /// The start of the next search: after this place. `None` at the end.
    pub next: Option<i64>,
}

/// Which entries of the audit log mention the number.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AuditOf {
    /// The entries.
    pub entries: Vec<AuditId>,
    /// The start of the next search: after this entry. `None` at the end.
    pub next: Option<AuditId>,
}

/// Erasure of persons.
#[async_trait]
pub trait Erasures: Send + Sync {
    /// Puts an erasure on record. Where one of the same number is under way, nothing is changed and that one is
    /// returned.
    ///
    /// # Errors
    /// [`StoreError::AlreadyExists`] for a number that is provisioned as a sender, which is a tenant's and no person's.
    async fn begin_erasure(&self, erasure: NewErasure) -> Result<Erasure, StoreError>;

    /// The erasures that are under way, oldest first, with their numbers where those are not forgotten: at most
    /// `limit`.
    async fn open_erasures(&self, limit: usize) -> Result<Vec<(ErasureId, Option<Msisdn>)>, StoreError>;

    /// Blanks those of these messages that are to the number or from it: address, text, media, details of events, the
    /// recipient of their segments, the idempotency record of their request, and removes what the screen recorded of
    /// them. A message that is queued is canceled first, with an event, and never leaves. A broadcast to this number
    /// alone loses its text and its media as well. Atomic. What is blank already is left alone.
    ///
    /// An idempotency record stays as one of an unknown request, so that a repeat makes no second message and is
    /// answered as a request whose key stands for another one.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] where no such erasure is under way.
    async fn erase_messages(
        &self,
        id: ErasureId,
        messages: Vec<MessageId>,
        now: Timestamp,
    ) -> Result<ErasedMessages, StoreError>;

    /// What [`Self::erase_messages`] would blank of these messages. Changes nothing.
    async fn erasable(&self, number: Msisdn, messages: Vec<MessageId>) -> Result<ErasureCounts, StoreError>;

    /// Blanks messages of handsets that are from the number or to it, at most `limit` of them: address, text, files.
    /// Messages without an account are among them. With the last of them go parts that the number sent, its address
    /// among the recipients of group messages, and the record of automatic messages to it. Opt-outs of the number stay
    /// in force, as blocks do, without their reasons; of their history stays the line with which each one in force
    /// began. Atomic; repeated until there is no more.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] where no such erasure is under way.
    async fn erase_inbound(&self, id: ErasureId, now: Timestamp, limit: usize) -> Result<ErasedInbound, StoreError>;

    /// What [`Self::erase_inbound`] would blank of messages in all. Changes nothing.
    async fn erasable_inbound(&self, number: Msisdn) -> Result<ErasureCounts, StoreError>;

    /// Looks at some of the packed recipients of open broadcasts, after the row `after`.
    async fn packed_with(&self, number: Msisdn, after: Option<Chunk>) -> Result<Packed, StoreError>;

    /// Puts nobody in the place of the number in these rows, without values for variables: the recipient is skipped in
    /// turn. A turn of these broadcasts that was prepared before is refused. Atomic; repeated, it changes nothing.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] where no such erasure is under way.
    async fn erase_packed(&self, id: ErasureId, chunks: Vec<Chunk>) -> Result<(), StoreError>;

    /// Looks at some of what matched nothing, after `after`.
    async fn receipts_of(&self, number: Msisdn, after: Option<i64>) -> Result<ReceiptsOf, StoreError>;

    /// Removes these entries of what matched nothing. Those that wait for an acknowledgement wait no more. Atomic;
    /// repeated, it changes nothing.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] where no such erasure is under way.
    async fn erase_receipts(&self, id: ErasureId, places: Vec<i64>, now: Timestamp) -> Result<(), StoreError>;

    /// Looks at some of the audit log, after `after`: which entries have the number in their path, their request, or
    /// what was before and after.
    async fn audit_of(&self, number: Msisdn, after: Option<AuditId>) -> Result<AuditOf, StoreError>;

    /// Takes the number out of these entries of the audit log. Who did what to which resource stays. Atomic; repeated,
    /// it changes nothing.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] where no such erasure is under way.
    async fn erase_audit(&self, id: ErasureId, entries: Vec<AuditId>) -> Result<(), StoreError>;

    /// Removes the number from the record of an erasure, when nothing else of it is left. From then on the erasure
    /// blanks nothing more. A second time changes nothing.
    async fn forget_number(&self, id: ErasureId) -> Result<(), StoreError>;

    /// Empties the log of the store, where earlier versions of what was blanked may still be read. `false` where it is
    /// in use at the moment: try again.
    async fn empty_log(&self) -> Result<bool, StoreError>;

    /// Ends an erasure. A second time changes nothing.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] for an unknown erasure.
    async fn end_erasure(&self, id: ErasureId, now: Timestamp) -> Result<Erasure, StoreError>;

    /// One erasure.
    async fn erasure(&self, id: ErasureId) -> Result<Option<Erasure>, StoreError>;

    /// Erasures, newest first, beginning after `after`: at most `limit`; of one number where a digest is given.
    async fn erasures(
        &self,
        of: Option<[u8; 32]>,
        after: Option<ErasureId>,
        limit: usize,
    ) -> Result<Vec<Erasure>, StoreError>;
}
