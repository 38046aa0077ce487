//! The records of media. The bytes themselves are objects beside the store.
//!
//! Media are recorded with the first message that carries them, in its transaction
//! ([`super::admission::Admission::media`]); other messages name them. After a sweep has removed a record, no message
//! can name it any more: the caller gets an error and stores the media again, under another id.

use async_trait::async_trait;
use model::media::{Digest, StoredMedia};
use model::{MediaId, MediaType, Timestamp};

use super::StoreError;

/// The result of a look at some of the kept media.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SweptMedia {
    /// Those that are no longer kept; their bytes can be removed.
    pub removed: Vec<StoredMedia>,
    /// The start of the next search: after these. `None` at the end.
    pub next: Option<MediaId>,
}

/// The records of kept media.
#[async_trait]
pub trait MediaRecords: Send + Sync {
    /// Kept media with these bytes and of this type, if there are any.
    async fn find_media(&self, digest: Digest, kind: MediaType) -> Result<Option<MediaId>, StoreError>;

    /// The record of media; `None` if they are not kept.
    async fn media(&self, id: MediaId) -> Result<Option<StoredMedia>, StoreError>;

    /// Looks at kept media after `after`, at most `limit`: notes at `now` those that no queued message and no open
    /// broadcast needs, and removes the records of those that have not been needed since `unneeded_since`. Atomic.
    async fn sweep_media(
        &self,
        after: Option<MediaId>,
        now: Timestamp,
        unneeded_since: Timestamp,
        limit: usize,
    ) -> Result<SweptMedia, StoreError>;

    /// Whether a record names the object of these media: as media of outbound messages, or as a file of an inbound
    /// message.
    async fn has_object(&self, id: MediaId) -> Result<bool, StoreError>;

    /// Takes at most `limit` files off the list of those that no longer belong to an inbound message, and returns the
    /// names of their objects, which can be removed. If there are none, it writes nothing.
    async fn sweep_inbound_media(&self, limit: usize) -> Result<Vec<String>, StoreError>;
}
