//! Which media are kept, and for how long. The bytes themselves are [`crate::objects`].
//!
//! Media come with the message that first carries them, in its transaction ([`super::admission::Admission::media`]);
//! others name them. What a sweep removes, no message can name any more: it is told so and brings them again, under
//! another id.

use async_trait::async_trait;
use model::media::{Digest, StoredMedia};
use model::{MediaId, MediaType, Timestamp};

use super::StoreError;

/// What a look at some of the kept media came to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SweptMedia {
    /// Those that are kept no longer; their bytes can go.
    pub removed: Vec<StoredMedia>,
    /// The start of the next search: after these. `None` at the end.
    pub next: Option<MediaId>,
}

/// Which media are kept.
#[async_trait]
pub trait MediaRecords: Send + Sync {
    /// Media with these bytes and of this type, if some are kept.
    async fn find_media(&self, digest: Digest, kind: MediaType) -> Result<Option<MediaId>, StoreError>;

    /// What is known of media; `None` when they are not kept.
    async fn media(&self, id: MediaId) -> Result<Option<StoredMedia>, StoreError>;

    /// Looks at kept media after `after`, at most `limit` of them: notes at `now` which of them no queued message and
    /// no open broadcast needs, and keeps those no longer that have not been needed since `unneeded_since`. Atomic.
    async fn sweep_media(
        &self,
        after: Option<MediaId>,
        now: Timestamp,
        unneeded_since: Timestamp,
        limit: usize,
    ) -> Result<SweptMedia, StoreError>;

    /// Whether a record names the object of these media: as media of outbound messages, or as a file of a message that
    /// a handset sent.
    async fn has_object(&self, id: MediaId) -> Result<bool, StoreError>;

    /// Takes at most `limit` files off the list of those that no inbound message has any more, and returns the names of
    /// their objects, which can go. With nothing to take, it writes nothing.
    async fn sweep_inbound_media(&self, limit: usize) -> Result<Vec<String>, StoreError>;
}
