//! A disk in memory for tests, which SQLite uses through a VFS by name: it loses, tears, fails and fills as a seed
//! says.
//!
//! Writes go to a cache that everybody reads; only a sync of their file makes them durable. [`Disk::crash`] is the loss
//! of power: of what was not synced, a subset survives, sector by sector. What SQLite asks of a file system (locks,
//! shared memory, the sync of a directory) is what its VFS for unix does.
//!
//! Reading order: `file` (one file and what a crash leaves of it), `directory` (names), `faults`, `state` (all
//! together, as SQLite asks for it), `vfs` (SQLite's interface, where the `unsafe` is), `shared` (the memory that
//! connections share).
//!
//! No code of production depends on this crate.

mod chance;
mod directory;
mod faults;
mod file;
mod locks;
mod shared;
mod state;
mod vfs;

use std::io;
use std::path::Path;
use std::sync::Arc;

pub use faults::Operation;
use state::{Shared, State};
use vfs::Registered;

/// A disk. SQLite opens files on it by the name of its VFS, [`Disk::name`].
///
/// A disk ends when it is dropped, crashes or is killed: SQLite opens nothing on it any more, and after a crash or a
/// kill every file that is still open fails.
pub struct Disk {
    shared: Arc<Shared>,
    registered: Registered,
}

impl Disk {
    /// An empty disk. The seed decides what happens to the writes of a sync that fails.
    pub fn new(seed: u64) -> Self {
        Self::of(State::new(seed))
    }

    fn of(state: State) -> Self {
        let shared = Arc::new(Shared::new(state));
        let registered = Registered::new(&shared);
        Self { shared, registered }
    }

    /// The name of its VFS, which no other disk of this process has had.
    pub fn name(&self) -> &str {
        self.registered.name()
    }

    /// Cuts the power. Returns the disk as it is after the restart, under another name and without planned faults:
    /// `seed` decides which of the writes, truncations, creations and deletions that were not synced it still has. A
    /// sector that was written may also hold garbage in the octets that were written; others are as they were.
    ///
    /// What is still open on this disk fails from now on. Dropping it changes nothing on the new one.
    #[must_use = "the old disk is gone"]
    pub fn crash(&self, seed: u64) -> Self {
        let mut files = self.shared.lock().end();
        files.crash(seed);
        Self::of(files)
    }

    /// Kills the process: what is open fails, and everything that was written is still there, in the new disk's cache
    /// where it was not synced.
    #[must_use = "the old disk is gone"]
    pub fn kill(&self) -> Self {
        Self::of(self.shared.lock().end())
    }

    /// Plans a fault: after `after` further operations of this kind the next `times` of them fail with an I/O error.
    /// Plans of one kind replace each other.
    ///
    /// The writes that a failed sync was to make durable are lost for good, whatever later syncs say: they can be read
    /// until the crash, and some of them are gone after it.
    pub fn fail(&self, operation: Operation, after: u64, times: u64) {
        self.shared.lock().faults.plan(operation, after, times);
    }

    /// Plans a cut: after `changes` further changes (writes, truncations, syncs, creations and deletions) everything
    /// fails, until [`Disk::crash`] or [`Disk::kill`].
    pub fn cut_after(&self, changes: u64) {
        self.shared.lock().faults.cut_after(changes);
    }

    /// How many octets all files may have together; `None` for no bound. Writes that need more fail as on a full disk.
    pub fn set_room(&self, octets: Option<u64>) {
        self.shared.lock().faults.room = octets;
    }

    /// What a process uses to write a file once more as it is read, and to sync it: for writes that were lost with a
    /// sync that failed. Does nothing where there is no file of the name.
    pub fn rewriter(&self) -> impl Fn(&Path) -> io::Result<()> + Send + Sync + use<> {
        let shared = Arc::clone(&self.shared);
        move |name| {
            let name = name.to_str().ok_or(io::ErrorKind::InvalidFilename)?;
            shared
                .lock()
                .rewrite(name)
                .map_err(|code| io::Error::other(format!("the disk fails with SQLite's code {code}")))
        }
    }

    /// Forgets the planned faults and the bound of the room.
    pub fn heal(&self) {
        self.shared.lock().faults = faults::Faults::default();
    }

    /// How many changes there were, as [`Disk::cut_after`] counts them.
    pub fn changes(&self) -> u64 {
        self.shared.lock().changes()
    }

    /// A digest of all changes so far: kinds, files, places and lengths, not contents (SQLite puts random salts into
    /// its log). Equal for runs that did the same.
    pub fn digest(&self) -> u64 {
        self.shared.lock().digest()
    }

    /// The names of its files with their lengths.
    pub fn files(&self) -> Vec<(String, u64)> {
        self.shared.lock().list()
    }
}
