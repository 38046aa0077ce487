//! A store in a directory of its own, which goes with it.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use runtime::{Machine, Runtime};
use store::Store;
use tempfile::TempDir;

/// A directory for one store, and for what lies beside it.
#[derive(Debug)]
pub struct Place {
    directory: TempDir,
}

impl Place {
    /// An empty one.
    ///
    /// # Panics
    /// Where the machine has no room for it.
    #[expect(clippy::new_without_default, reason = "to make a directory is no default")]
    pub fn new() -> Self {
        Self { directory: tempfile::tempdir().expect("a directory for a test") }
    }

    /// The directory.
    pub fn path(&self) -> &Path {
        self.directory.path()
    }

    /// The file of the store.
    pub fn file(&self) -> PathBuf {
        self.path().join("store.db")
    }

    /// The URL of the store.
    pub fn url(&self) -> String {
        format!("sqlite:{}", self.file().display())
    }

    /// Opens the store: an empty one at first; once that is closed, the same one again.
    ///
    /// # Panics
    /// Where it cannot be opened.
    pub async fn open(&self) -> Arc<dyn Store> {
        self.open_on(Arc::new(Machine::new())).await
    }

    /// The same, with tasks and times of `runtime`.
    ///
    /// # Panics
    /// Where it cannot be opened.
    pub async fn open_on(&self, runtime: Arc<dyn Runtime>) -> Arc<dyn Store> {
        store::open(&self.url(), runtime).await.expect("the store of a test opens")
    }
}
