//! How the store is doing, for readiness and metrics.

use std::time::Duration;

use async_trait::async_trait;
use model::{Mint, Timestamp};

use super::StoreError;
use super::bounds::Bounds;

/// One commit.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct CommitSample {
    /// How many calls shared the commit.
    pub group: usize,
    /// How long the commit took, fsync included.
    pub took: Duration,
}

/// The health of the store.
#[async_trait]
pub trait Health: Send + Sync {
    /// Lets `mint` know the newest ids of messages, broadcasts and decisions of the screen that were made before
    /// `before`. Quick, however many there are.
    async fn show_newest(&self, mint: &Mint, before: Timestamp) -> Result<(), StoreError>;

    /// Whether a write would succeed now: makes one. Errors as a write would.
    async fn probe(&self) -> Result<(), StoreError>;

    /// How many bytes of disk it takes at present: the file with its log, or the database without the log of its
    /// server, which belongs to all databases.
    async fn size_bytes(&self) -> Result<u64, StoreError>;

    /// Resolves with [`StoreError::Failed`] when nothing may be promised any more and the process has to end; never,
    /// while all is well.
    async fn failed(&self) -> StoreError;

    /// Calls `observer` after every commit of this process, on a thread of the store; it must be quick. The last
    /// observer set is the one called.
    fn observe_commits(&self, observer: Box<dyn Fn(CommitSample) + Send + Sync>);

    /// Bounds what is kept from now on. The last bounds set count; [`Bounds::default`] until then.
    fn keep_within(&self, bounds: Bounds);

    /// Finishes what was begun, writes what can be written to the main file, and closes. Calls after it answer
    /// [`StoreError::Unavailable`], but for those that a backend answers from memory.
    async fn close(&self);
}
