//! The files of multimedia messages of handsets: put into their place before the message is recorded, so that a carrier
//! is answered only when they are on disk.

use std::io;
use std::sync::Arc;

use bytes::Bytes;
use carrier::InboundFile;
use model::media::Digest;
use model::{Entropy, InboundMedia, MediaId};
use runtime::Runtime;
use store::objects::Objects;

/// What puts files into their place.
#[derive(Clone)]
pub(crate) struct Files {
    pub(crate) objects: Arc<dyn Objects>,
    pub(crate) runtime: Arc<dyn Runtime>,
    pub(crate) entropy: Arc<dyn Entropy>,
}

impl Files {
    /// Puts all files of a message into their place. What had been placed before one could not be is removed.
    ///
    /// # Errors
    /// Where the disk does not take one.
    pub(crate) async fn place(&self, files: Vec<InboundFile>) -> io::Result<Vec<InboundMedia>> {
        let mut placed = Vec::with_capacity(files.len());
        for InboundFile { content_type, bytes } in files {
            let media = InboundMedia {
                id: MediaId::new(self.runtime.now(), &*self.entropy),
                content_type: content_type.into(),
                bytes: bytes.len() as u64,
                sha256: Digest::of(&bytes).0,
            };
            if let Err(error) = self.objects.put(&media.name(), Bytes::from(bytes)).await {
                self.remove(&placed).await;
                return Err(error);
            }
            placed.push(media);
        }
        Ok(placed)
    }

    /// Removes files that belong to no message: those of one that was recorded before, or that could not be recorded.
    pub(crate) async fn remove(&self, media: &[InboundMedia]) {
        for media in media {
            if let Err(error) = self.objects.remove(&media.name()).await {
                // It is found again as an orphan.
                tracing::warn!(%error, "A file of an inbound message could not be removed: {error}");
            }
        }
    }
}
