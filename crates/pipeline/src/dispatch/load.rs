//! The media of messages that are about to leave: read side by side, and never waited for beyond a deadline.

use std::collections::{BTreeSet, HashMap};
use std::io;
use std::sync::Arc;
use std::time::Duration;

use model::sampler::Line;
use model::{ErrorType, Media, MediaId};
use runtime::Runtime;
use store::contract::dispatch::{Leased, Retry, Verdict};
use tokio::sync::{Semaphore, mpsc};

use super::Dispatcher;
use crate::media::{MediaError, Shelf};

/// Reads of media that one dispatcher has under way at once.
pub const READS_MAX: usize = 16;

/// How long a dispatcher waits for the media of a batch. What the disk has not given by then is tried again later, and the rest of the batch leaves.
const DEADLINE: Duration = Duration::from_secs(5);

impl Dispatcher {
    /// Messages with their media, where they have some; and those whose media cannot be had, with what follows.
    pub(super) async fn with_media(&self, messages: Vec<Leased>) -> (Vec<(Leased, Option<Media>)>, Vec<(Leased, Verdict)>) {
        let read = self.read_media(&messages).await;
        let (mut live, mut without) = (Vec::with_capacity(messages.len()), Vec::new());
        for leased in messages {
            match leased.message.media.map(|id| read.get(&id)) {
                None => live.push((leased, None)),
                Some(Some(Ok(media))) => live.push((leased, Some(media.clone()))),
                Some(Some(Err(error))) => {
                    let verdict = self.without_media(&leased, error);
                    without.push((leased, verdict));
                }
                // Its read panicked.
                Some(None) => {
                    let verdict = self.without_media(&leased, &late());
                    without.push((leased, verdict));
                }
            }
        }
        (live, without)
    }

    /// The media of these messages. Those of a broadcast have the same, which is read once.
    async fn read_media(&self, messages: &[Leased]) -> HashMap<MediaId, Result<Media, MediaError>> {
        let (reads, mut done) = mpsc::unbounded_channel();
        for id in messages.iter().filter_map(|leased| leased.message.media).collect::<BTreeSet<_>>() {
            let (read, reads) = (read(Arc::clone(&self.runtime), Arc::clone(&self.shelf), Arc::clone(&self.loading), id), reads.clone());
            // A dispatcher that is gone needs no media.
            self.runtime.spawn("media read", Box::pin(async move { drop(reads.send((id, read.await))) }));
        }
        drop(reads);
        let mut read = HashMap::new();
        while let Some((id, media)) = done.recv().await {
            read.insert(id, media);
        }
        read
    }

    fn without_media(&self, leased: &Leased, error: &MediaError) -> Verdict {
        if let MediaError::Lost(..) = error {
            if let Some(Line { left_out }) = self.shelf.lost_lines.line(self.runtime.instant()) {
                tracing::error!(message.id = %leased.message.id, left_out, "A message cannot be sent: {error}");
            }
            self.counters.media.lost.add();
            let error_type = ErrorType::MediaFailed;
            return Verdict::Failed { error_type, message: error_type.sentence().to_owned() };
        }
        if let Some(Line { left_out }) = self.shelf.waiting_lines.line(self.runtime.instant()) {
            tracing::warn!(message.id = %leased.message.id, left_out, "A message waits for its media: {error}");
        }
        let due_at = self.runtime.steady() + self.settings.retry.floor;
        Verdict::Retry(Retry { due_at, carrier: leased.carrier.clone(), counts: false, outcome_unknown: false })
    }
}

/// Reads media within the deadline.
async fn read(runtime: Arc<dyn Runtime>, shelf: Arc<Shelf>, places: Arc<Semaphore>, id: MediaId) -> Result<Media, MediaError> {
    let reading = async {
        // The semaphore is never closed.
        let Ok(place) = places.acquire_owned().await else { return Err(late()) };
        // A disk that hangs cannot be interrupted. The read keeps its place until it ends, so that hanging reads stay within their number.
        let read = runtime.run("media from disk", async move {
            let media = shelf.load(id).await;
            drop(place);
            media
        });
        read.await.unwrap_or_else(|ended| Err(MediaError::Unreadable(io::Error::other(ended))))
    };
    runtime.timeout(DEADLINE, reading).await.unwrap_or_else(|_| Err(late()))
}

fn late() -> MediaError {
    MediaError::Unreadable(io::Error::new(io::ErrorKind::TimedOut, format!("no answer within {} s", DEADLINE.as_secs())))
}
