//! The media of messages that are about to leave: read side by side, and never waited for beyond a deadline.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::sync::Arc;
use std::time::Duration;

use model::{Media, MediaId};
use runtime::Runtime;
use tokio::sync::{Semaphore, mpsc};

use super::Dispatcher;
use crate::media::{MediaError, Shelf};

/// Reads of media that one dispatcher has under way at once.
pub const READS_MAX: usize = 16;

/// How long a dispatcher waits for the media of a batch. What the disk has not given by then is tried again later, and
/// the rest of the batch leaves.
const DEADLINE: Duration = Duration::from_secs(5);

impl Dispatcher {
    /// These media, as far as they come. Those of a broadcast have the same, which is read once. One whose read panics
    /// is missing.
    pub(super) async fn read_media(&self, wanted: BTreeSet<MediaId>) -> BTreeMap<MediaId, Result<Media, MediaError>> {
        let (reads, mut done) = mpsc::unbounded_channel();
        for id in wanted {
            let (read, reads) = (
                read(Arc::clone(&self.runtime), Arc::clone(&self.shelf), Arc::clone(&self.loading), id),
                reads.clone(),
            );
            // A dispatcher that is gone needs no media.
            self.runtime.spawn("media read", Box::pin(async move { drop(reads.send((id, read.await))) }));
        }
        drop(reads);
        let mut read = BTreeMap::new();
        while let Some((id, media)) = done.recv().await {
            read.insert(id, media);
        }
        read
    }
}

/// Reads media within the deadline.
async fn read(
    runtime: Arc<dyn Runtime>,
    shelf: Arc<Shelf>,
    places: Arc<Semaphore>,
    id: MediaId,
) -> Result<Media, MediaError> {
    let reading = async {
        // The semaphore is never closed.
        let Ok(place) = places.acquire_owned().await else { return Err(late()) };
        // A disk that hangs cannot be interrupted. The read keeps its place until it ends, so that hanging reads stay
        // within their number.
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
    MediaError::Unreadable(io::Error::new(
        io::ErrorKind::TimedOut,
        format!("no answer within {} s", DEADLINE.as_secs()),
    ))
}
