//! The health of the store, for readiness and metrics.

use std::time::Duration;

use async_trait::async_trait;
use model::{Mint, Timestamp};

use super::StoreError;
use super::bounds::Bounds;

/// One commit.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct CommitSample {
    /// The number of calls in the commit.
    pub group: usize,
    /// The duration of the commit, fsync included.
    pub took: Duration,
}

/// The health of the store.
#[async_trait]
pub trait Health: Send + Sync {
    /// Tells `mint` the newest ids of messages, broadcasts and decisions of the screen from before `before`. Quick,
    /// regardless of their number.
    async fn show_newest(&self, mint: &Mint, before: Timestamp) -> Result<(), StoreError>;

    /// Makes a test write. Fails as a write would.
    async fn probe(&self) -> Result<(), StoreError>;

    /// Its present size on disk in bytes: the file with its log, or the database without the log of its server, which
    /// all databases share.
    async fn size_bytes(&self) -> Result<u64, StoreError>;

    /// Resolves with [`StoreError::Failed`] when the store can make no promise any more and the process has to end;
    /// otherwise never.
    async fn failed(&self) -> StoreError;

    /// Calls `observer` after every commit of this process, on a thread of the store; it must be quick. Only the last
    /// observer is called.
    fn observe_commits(&self, observer: Box<dyn Fn(CommitSample) + Send + Sync>);

    /// Sets the limits from now on. The last call counts; before it, [`Bounds::default`] applies.
    fn keep_within(&self, bounds: Bounds);

    /// Finishes running calls, writes as much as possible to the main file, and closes. Later calls get
    /// [`StoreError::Unavailable`], except those that a backend answers from memory.
    async fn close(&self);
}
