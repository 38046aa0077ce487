//! Erasure of a person: everything about one number is removed or blanked, in steps that are small enough to run beside
//! other work.
//!
//! The caller finds the data by reading ([`super::messages::Messages::messages`] filtered by the number,
//! [`Erasures::packed_with`], [`Erasures::receipts_of`]) and passes them in pieces to the methods that erase them. Each
//! of these checks the data again in its own transaction, so any of them may be repeated, and an interrupted erasure
//! simply begins again. The order matters. Packed recipients come first, so that no broadcast makes a message to the
//! number any more; then messages; and receipts last, because those of messages under way come late.
//!
//! Not erased: the rows of messages and broadcasts with their statuses, times and counts; quotas; blocks of the number,
//! which protect the person; sender numbers.

use async_trait::async_trait;
use model::media::StoredMedia;
use model::{AuditId, BroadcastId, Erasure, ErasureCounts, ErasureId, MessageId, Msisdn, Timestamp};

use super::StoreError;

/// A new erasure.
#[derive(Clone, Debug)]
pub struct NewErasure {
    /// Its id.
    pub id: ErasureId,
    /// The number.
    pub number: Msisdn,
    /// The keyed digest of the number.
    pub digest: [u8; 32],
    /// The operator who requests it.
    pub operator: String,
    /// The operator's reference for the request.
    pub reference: Option<String>,
    /// The present time.
    pub at: Timestamp,
}

/// The outcome for some messages.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ErasedMessages {
    /// Messages with an attempt under way. They are not changed: a carrier may have them, and the outcome is still to
    /// be recorded. They are not tried again meanwhile.
    pub under_way: Vec<MessageId>,
    /// Media that are no longer kept, because nothing else needs them; their bytes can be removed.
    pub media: Vec<StoredMedia>,
}

/// The outcome for some inbound messages of a person.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ErasedInbound {
    /// The names of objects that no longer belong to a message.
    pub objects: Vec<String>,
    /// Whether there may be more to erase.
    pub more: bool,
}

/// A row of packed recipients: its broadcast, and the place of its first recipient.
pub type Chunk = (BroadcastId, u32);

/// The packed recipients of broadcasts that are the number.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Packed {
    /// Rows with the number.
    pub chunks: Vec<Chunk>,
    /// The number of these recipients that are not expanded.
    pub recipients: u64,
    /// The start of the next search: after this row. `None` at the end.
    pub next: Option<Chunk>,
}

/// The unmatched entries that mention the number.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ReceiptsOf {
    /// Their places.
    pub places: Vec<i64>,
    /// The start of the next search: after this place. `None` at the end.
    pub next: Option<i64>,
}

/// The entries of the audit log that mention the number.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AuditOf {
    /// The entries.
    pub entries: Vec<AuditId>,
    /// The start of the next search: after this entry. `None` at the end.
    pub next: Option<AuditId>,
}

/// Erasures of persons.
#[async_trait]
pub trait Erasures: Send + Sync {
    /// Records an erasure. If one of the same number is under way, changes nothing and returns that one.
    ///
    /// # Errors
    /// [`StoreError::AlreadyExists`] for a number that is a sender, which belongs to a tenant and not to a person.
    async fn begin_erasure(&self, erasure: NewErasure) -> Result<Erasure, StoreError>;

    /// The erasures under way, oldest first, with their numbers if those are not removed yet: at most `limit`.
    async fn open_erasures(&self, limit: usize) -> Result<Vec<(ErasureId, Option<Msisdn>)>, StoreError>;

    /// Blanks those of these messages that are to the number or from it: address, text, media, details of events, the
    /// recipient of their segments, and the idempotency record of their request. Removes the screen's decisions about
    /// them. A queued message is canceled first, with an event, and never leaves. A broadcast to this number alone
    /// loses its text and its media as well. Atomic. Blank data stay as they are.
    ///
    /// An idempotency record stays as that of an unknown request. So a repeat makes no second message, and gets the
    /// answer for a key that belongs to another request.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] if no such erasure is under way.
    async fn erase_messages(
        &self,
        id: ErasureId,
        messages: Vec<MessageId>,
        now: Timestamp,
    ) -> Result<ErasedMessages, StoreError>;

    /// What [`Self::erase_messages`] would blank of these messages. Changes nothing.
    async fn erasable(&self, number: Msisdn, messages: Vec<MessageId>) -> Result<ErasureCounts, StoreError>;

    /// Blanks inbound messages from the number or to it, at most `limit`: address, text, files. That includes messages
    /// without an account. The last step also removes parts that the number sent, its address among the recipients of
    /// group messages, and the record of automatic messages to it. Opt-outs of the number stay in force, as blocks do,
    /// without their reasons; of their history, the line with which each one in force began stays. Atomic; repeated
    /// until nothing is left.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] if no such erasure is under way.
    async fn erase_inbound(&self, id: ErasureId, now: Timestamp, limit: usize) -> Result<ErasedInbound, StoreError>;

    /// What [`Self::erase_inbound`] would blank of messages in all. Changes nothing.
    async fn erasable_inbound(&self, number: Msisdn) -> Result<ErasureCounts, StoreError>;

    /// Searches some of the packed recipients of open broadcasts, after the row `after`.
    async fn packed_with(&self, number: Msisdn, after: Option<Chunk>) -> Result<Packed, StoreError>;

    /// Replaces the number in these rows by an empty place without values for variables, which the expansion skips. An
    /// expansion of these broadcasts that was prepared before is refused. Atomic; a repeat changes nothing.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] if no such erasure is under way.
    async fn erase_packed(&self, id: ErasureId, chunks: Vec<Chunk>) -> Result<(), StoreError>;

    /// Searches some of the unmatched entries, after `after`.
    async fn receipts_of(&self, number: Msisdn, after: Option<i64>) -> Result<ReceiptsOf, StoreError>;

    /// Removes these unmatched entries, also those that wait for an acknowledgement. Atomic; a repeat changes nothing.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] if no such erasure is under way.
    async fn erase_receipts(&self, id: ErasureId, places: Vec<i64>, now: Timestamp) -> Result<(), StoreError>;

    /// Searches some of the audit log, after `after`, for the number in the path, in the request, or in the state
    /// before and after the change.
    async fn audit_of(&self, number: Msisdn, after: Option<AuditId>) -> Result<AuditOf, StoreError>;

    /// Removes the number from these entries of the audit log. The actor, the change and the resource stay. Atomic; a
    /// repeat changes nothing.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] if no such erasure is under way.
    async fn erase_audit(&self, id: ErasureId, entries: Vec<AuditId>) -> Result<(), StoreError>;

    /// Removes the number from the record of an erasure, when nothing else is left. From then on the erasure blanks
    /// nothing more. A second call changes nothing.
    async fn forget_number(&self, id: ErasureId) -> Result<(), StoreError>;

    /// Empties the log of the store, in which erased data may still be readable. `false` if the log is in use at the
    /// moment: try again.
    async fn empty_log(&self) -> Result<bool, StoreError>;

    /// Ends an erasure. A second call changes nothing.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] for an unknown erasure.
    async fn end_erasure(&self, id: ErasureId, now: Timestamp) -> Result<Erasure, StoreError>;

    /// One erasure.
    async fn erasure(&self, id: ErasureId) -> Result<Option<Erasure>, StoreError>;

    /// Erasures, newest first, beginning after `after`: at most `limit`; only those of one number if its digest is
    /// given.
    async fn erasures(
        &self,
        of: Option<[u8; 32]>,
        after: Option<ErasureId>,
        limit: usize,
    ) -> Result<Vec<Erasure>, StoreError>;
}
