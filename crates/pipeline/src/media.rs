//! Media on the way from a client's URL to a carrier: fetched once, at admission; on disk before the answer; read again
//! when they leave.
//!
//! The input is URLs, the output is ids of kept media; later, an id gives the same bytes. The bytes are compared with
//! their digest, so a carrier gets the checked bytes or nothing.

use std::collections::VecDeque;
use std::io;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use fetch::media::{FetchError, Fetcher};
use model::error::{ErrorCode, Refusal};
use model::media::{Digest, Media, StoredMedia};
use model::sampler::Sampler;
use model::{Entropy, MediaId, Owner, Timestamp};
use runtime::Runtime;
use store::objects::Objects;
use store::{Store, StoreError};

use crate::counters::Counters;
use crate::refusal::refused_by_store;

/// How many bytes of media that were read lately are kept in memory: those of a broadcast leave thousands of times.
const RECENT_BYTES_MAX: usize = 16 << 20;

/// How many of them at most: they are looked through.
const RECENT_MAX: usize = 256;

/// Bytes that no message names are left alone for so long: their message may be about to be admitted.
const ORPHAN: Duration = Duration::from_secs(3_600);

/// The reason why media cannot be submitted to a carrier.
#[derive(Debug, thiserror::Error)]
pub(crate) enum MediaError {
    /// The store does not answer: later it may.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The disk does not answer: later it may.
    #[error("media cannot be read: {0}")]
    Unreadable(io::Error),
    /// They are missing or damaged, for good.
    #[error("media {0} are {1}")]
    Lost(MediaId, &'static str),
}

/// Stored media, for a message that will name them.
#[derive(Default)]
pub(crate) struct Placed {
    /// The media that the message names, if it has any.
    pub(crate) id: Option<MediaId>,
    /// The new media of the message, if they were not kept before.
    pub(crate) brought: Option<StoredMedia>,
}

/// The media of all messages.
pub(crate) struct Shelf {
    fetcher: Fetcher,
    objects: Arc<dyn Objects>,
    store: Arc<dyn Store>,
    counters: Arc<Counters>,
    runtime: Arc<dyn Runtime>,
    entropy: Arc<dyn Entropy>,
    /// Log lines about messages whose media are lost, and about those that wait for a disk: a broken disk causes one
    /// for each message.
    pub(crate) lost_lines: Sampler,
    pub(crate) waiting_lines: Sampler,
    /// Used lately, the last one last.
    recent: Mutex<VecDeque<(MediaId, Media)>>,
}

impl Shelf {
    pub(crate) fn new(
        fetcher: Fetcher,
        objects: Arc<dyn Objects>,
        store: Arc<dyn Store>,
        counters: Arc<Counters>,
        runtime: Arc<dyn Runtime>,
        entropy: Arc<dyn Entropy>,
    ) -> Self {
        let (lost_lines, waiting_lines) = (Sampler::new(10), Sampler::new(1));
        Self {
            fetcher,
            objects,
            store,
            counters,
            runtime,
            entropy,
            lost_lines,
            waiting_lines,
            recent: Mutex::default(),
        }
    }

    /// The file at a URL (33018, 33017, 33014, 33015).
    pub(crate) async fn fetch(&self, owner: Owner, url: &str) -> Result<Media, Refusal> {
        let fetched = self.fetcher.fetch(owner, url).await;
        let counters = &self.counters.media;
        match &fetched {
            Ok(_) => counters.fetched.add(),
            Err(FetchError::NotAllowed(_)) => counters.not_allowed.add(),
            Err(FetchError::Failed(_)) => counters.failed.add(),
            Err(FetchError::Crowded(_)) => counters.crowded.add(),
            Err(FetchError::TooLarge(_)) => counters.too_large.add(),
            Err(FetchError::NotSupported(_)) => counters.unsupported.add(),
        }
        Ok(fetched?)
    }

    /// Stores media, unless the same are kept already. New media are on disk when this returns.
    pub(crate) async fn place(&self, media: Option<&Media>) -> Result<Placed, Refusal> {
        let Some(media) = media else { return Ok(Placed::default()) };
        let digest = media.digest();
        match self.store.find_media(digest, media.kind).await.map_err(refused_by_store)? {
            Some(id) => Ok(Placed { id: Some(id), brought: None }),
            None => self.bring(media, digest).await,
        }
    }

    /// Stores media although the same were kept, because those are being removed.
    pub(crate) async fn place_again(&self, media: Option<&Media>) -> Result<Placed, Refusal> {
        match media {
            Some(media) => self.bring(media, media.digest()).await,
            None => Ok(Placed::default()),
        }
    }

    async fn bring(&self, media: &Media, digest: Digest) -> Result<Placed, Refusal> {
        let now = self.runtime.now();
        let id = MediaId::new(now, &*self.entropy);
        let stored = StoredMedia { id, kind: media.kind, digest, bytes: media.bytes.len() as u64, stored_at: now };
        self.objects.put(&stored.name(), media.bytes.clone()).await.map_err(|error| {
            let cause = format!("media cannot be stored: {error}");
            Refusal::new(ErrorCode::ServiceUnavailable).with_retry_after(RETRY_AFTER).caused_by(cause)
        })?;
        self.remember(id, media);
        Ok(Placed { id: Some(id), brought: Some(stored) })
    }

    /// Removes the new media of a message that was not admitted.
    pub(crate) async fn take_back(&self, placed: &Placed) {
        if let Some(brought) = &placed.brought {
            self.remove(brought).await;
        }
    }

    /// Media in the form for a carrier.
    pub(crate) async fn load(&self, id: MediaId) -> Result<Media, MediaError> {
        if let Some(media) = self.recall(id) {
            return Ok(media);
        }
        let stored = self.store.media(id).await?.ok_or(MediaError::Lost(id, "not kept any more"))?;
        let bytes = match self.objects.get(&stored.name()).await {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                return Err(MediaError::Lost(id, "not in their place"));
            }
            Err(error) => return Err(MediaError::Unreadable(error)),
        };
        if Digest::of(&bytes) != stored.digest {
            return Err(MediaError::Lost(id, "not what was stored"));
        }
        let media = Media { kind: stored.kind, bytes };
        self.remember(id, &media);
        Ok(media)
    }

    /// Removes some of the media that no message has needed since `unneeded_since`, those after `after`. Returns where
    /// to continue.
    pub(crate) async fn sweep(
        &self,
        after: Option<MediaId>,
        unneeded_since: Timestamp,
        limit: usize,
    ) -> Result<Option<MediaId>, StoreError> {
        let swept = self.store.sweep_media(after, self.runtime.now(), unneeded_since, limit).await?;
        for media in &swept.removed {
            self.remove(media).await;
        }
        for name in self.store.sweep_inbound_media(limit).await? {
            self.remove_object(&name).await;
        }
        Ok(swept.next)
    }

    /// Removes files that no longer belong to an inbound message: at most `limit`. Returns their number.
    pub(crate) async fn sweep_files(&self, limit: usize) -> Result<usize, StoreError> {
        let names = self.store.sweep_inbound_media(limit).await?;
        for name in &names {
            self.remove_object(name).await;
        }
        Ok(names.len())
    }

    /// Removes bytes without a record: of messages that were not admitted, because the process ended before.
    pub(crate) async fn remove_orphans(&self) -> Result<(), StoreError> {
        let names = self
            .objects
            .names()
            .await
            .map_err(|error| StoreError::Unavailable(format!("media cannot be listed: {error}")))?;
        let oldest_sound = self.runtime.now() - ORPHAN;
        for name in names {
            // What has another name is not ours.
            let Some(id) = name.split_once('-').and_then(|(_, id)| id.parse::<MediaId>().ok()) else { continue };
            if id.made_at() < oldest_sound && !self.store.has_object(id).await? {
                tracing::info!("Media {id} were stored for a message that was never admitted, and are removed");
                self.remove_object(&name).await;
            }
        }
        Ok(())
    }

    pub(crate) async fn remove(&self, media: &StoredMedia) {
        self.recent().retain(|(id, _)| *id != media.id);
        self.remove_object(&media.name()).await;
    }

    pub(crate) async fn remove_object(&self, name: &str) {
        if let Err(error) = self.objects.remove(name).await {
            // It is found again as an orphan.
            tracing::warn!(%error, "Media could not be removed: {error}");
        }
    }

    fn recall(&self, id: MediaId) -> Option<Media> {
        let mut recent = self.recent();
        let place = recent.iter().rposition(|(recent, _)| *recent == id)?;
        let found = recent.remove(place)?;
        let media = found.1.clone();
        recent.push_back(found);
        Some(media)
    }

    fn remember(&self, id: MediaId, media: &Media) {
        let mut recent = self.recent();
        // Two dispatchers may have read the same.
        recent.retain(|(recent, _)| *recent != id);
        recent.push_back((id, media.clone()));
        let mut bytes: usize = recent.iter().map(|(_, media)| media.bytes.len()).sum();
        while bytes > RECENT_BYTES_MAX || recent.len() > RECENT_MAX {
            let Some((_, oldest)) = recent.pop_front() else { break };
            bytes -= oldest.bytes.len();
        }
    }

    fn recent(&self) -> std::sync::MutexGuard<'_, VecDeque<(MediaId, Media)>> {
        self.recent.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// How soon a client may try again what the disk could not take.
const RETRY_AFTER: Duration = Duration::from_secs(2);

#[cfg(test)]
mod tests;
