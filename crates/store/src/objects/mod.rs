//! The bytes of media, by name.
//!
//! In come bytes under a name that is used once; out go the same bytes. Whether somebody needs them is not known here:
//! that is what [`ledger::contract::media`] keeps. Behind [`Objects`] is a [`Directory`], or a [`Bucket`] of a service
//! that speaks S3.

mod bucket;
mod directory;

use std::io;

use async_trait::async_trait;
use bytes::Bytes;

pub use bucket::{Bucket, BucketSettings};
pub use directory::Directory;

/// Bytes by name. Names are letters, digits, `-` and `_`.
///
/// Nodes that share a store share its objects: a directory on a file system, or a bucket, that all of them have. Since
/// a name is used once, no two of them ever write the same one, and nothing that is written changes; so a node may keep
/// what it has read in memory.
#[async_trait]
pub trait Objects: Send + Sync {
    /// Keeps bytes under a name that nothing has yet. When it returns, they survive the loss of power.
    ///
    /// # Errors
    /// Where they could not be written; then nothing is kept under the name.
    async fn put(&self, name: &str, bytes: Bytes) -> io::Result<()>;

    /// The bytes under a name.
    ///
    /// # Errors
    /// [`io::ErrorKind::NotFound`] when there is nothing, others when it cannot be read.
    async fn get(&self, name: &str) -> io::Result<Bytes>;

    /// At most `length` of the bytes under a name, those from `offset` on; none at the end. For answers that are
    /// written bit by bit.
    ///
    /// # Errors
    /// As [`Self::get`].
    async fn read(&self, name: &str, offset: u64, length: usize) -> io::Result<Bytes> {
        let bytes = self.get(name).await?;
        let begin = usize::try_from(offset).unwrap_or(usize::MAX).min(bytes.len());
        Ok(bytes.slice(begin..begin.saturating_add(length).min(bytes.len())))
    }

    /// Removes what is under a name; nothing there is no error.
    ///
    /// # Errors
    /// Where it cannot be removed.
    async fn remove(&self, name: &str) -> io::Result<()>;

    /// Every name, in order, those included whose bytes were not written to the end.
    ///
    /// # Errors
    /// Where they cannot be listed.
    async fn names(&self) -> io::Result<Vec<String>>;
}
