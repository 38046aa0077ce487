//! One process for each store: the start of a second one would take the first one's leases away, and messages would be
//! sent twice.
//!
//! The lock is on the store's own file, and so it is the same by whatever name the file is reached: a symbolic link, a
//! hard link, another mount. It is one of `flock` (2), which on Linux has nothing to do with the record locks of
//! `fcntl` (2) that SQLite takes on the same file: `sqlite3 FILE .backup` works beside it. Those record locks make one
//! rule: a process loses all that it has on a file as soon as it closes any descriptor of that file. So the descriptor
//! of the lock is opened before SQLite opens the file, is closed after SQLite has closed it, and none is opened in
//! between.
//!
//! On a file system that SQLite reaches through a VFS by name, the lock is SQLite's own, on a file beside the store.

use std::collections::BTreeSet;
use std::fs::{self, File, Metadata, TryLockError};
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use rusqlite::{Connection, ErrorCode, OpenFlags};

use super::place;
use ledger::StoreError;

/// The stores that this process has open: these files are not to be opened again, not even to be told that they are
/// locked.
static OPEN: Mutex<BTreeSet<Inode>> = Mutex::new(BTreeSet::new());

/// A file, whatever it is called: its device and its number there.
type Inode = (u64, u64);

/// The right to use a store. The operating system takes it back when the process ends, however that happens.
pub(super) struct Lock {
    path: PathBuf,
    held: Held,
}

enum Held {
    /// A file of the machine, locked.
    File(Inode, Mutex<Option<File>>),
    /// A connection that has the file beside the store for itself, on the VFS with this name.
    Vfs(String, Mutex<Option<Connection>>),
}

impl Lock {
    /// Takes the lock on the store at `path`, and makes its file where there is none, readable by its owner only.
    pub(super) fn take(path: &Path) -> Result<Self, StoreError> {
        let unusable = |error: io::Error| place::unusable(path, &error);
        let mut open = open_here();
        if fs::metadata(path).is_ok_and(|file| open.contains(&inode_of(&file))) {
            return Err(in_use(path));
        }
        let file = place::open_private(path).map_err(unusable)?;
        let inode = inode_of(&file.metadata().map_err(unusable)?);
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(in_use(path)),
            Err(TryLockError::Error(error)) => return Err(unusable(error)),
        }
        let lock =
            Self { path: fs::canonicalize(path).map_err(unusable)?, held: Held::File(inode, Mutex::new(Some(file))) };
        // Another process may have put another file in its place before the lock was taken.
        if !lock.is_in_place() {
            drop(open);
            return Err(StoreError::Refused(format!("the store {} was replaced while it was opened", path.display())));
        }
        open.insert(inode);
        Ok(lock)
    }

    /// Takes the lock on the store at `path` of the VFS with this name.
    pub(super) fn take_on(vfs: String, path: &Path) -> Result<Self, StoreError> {
        let take = || {
            let connection =
                Connection::open_with_flags_and_vfs(place::beside(path, "-lock"), OpenFlags::default(), vfs.as_str())?;
            connection.busy_timeout(Duration::ZERO)?;
            // Nothing is written to it: the lock alone counts.
            connection.execute_batch("PRAGMA journal_mode = memory; BEGIN EXCLUSIVE")?;
            Ok(connection)
        };
        let connection = take().map_err(|error: rusqlite::Error| match error.sqlite_error_code() {
            Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => in_use(path),
            _ => StoreError::Refused(format!("cannot lock the store {}: {error}", path.display())),
        })?;
        Ok(Self { path: path.to_owned(), held: Held::Vfs(vfs, Mutex::new(Some(connection))) })
    }

    /// Whether a process has the store at `path` open.
    pub(super) fn is_taken(path: &Path) -> bool {
        if fs::metadata(path).is_ok_and(|file| open_here().contains(&inode_of(&file))) {
            return true;
        }
        File::open(path).is_ok_and(|file| matches!(file.try_lock_shared(), Err(TryLockError::WouldBlock)))
    }

    /// Whether the path still leads to the file that is locked: it was neither removed nor moved away. Names of a VFS
    /// are not moved.
    pub(super) fn is_in_place(&self) -> bool {
        match &self.held {
            Held::File(inode, _) => fs::metadata(&self.path).is_ok_and(|file| inode_of(&file) == *inode),
            Held::Vfs(..) => true,
        }
    }

    /// Nothing may be promised while the path leads elsewhere: the file may have no name any more, and ends with this
    /// process.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] then.
    pub(super) fn require_in_place(&self) -> Result<(), StoreError> {
        if self.is_in_place() {
            return Ok(());
        }
        Err(StoreError::Unavailable(format!(
            "{} was moved or removed while it is in use: nothing is accepted until it is back",
            self.path.display()
        )))
    }

    /// Where the file lies: the path that the store was opened by, on the machine with no symbolic link in it.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// How long the log beside the file is, in bytes; 0 where there is none, or the file is not the machine's.
    pub(super) fn log_bytes(&self) -> u64 {
        match &self.held {
            Held::File(..) => fs::metadata(place::beside(&self.path, "-wal")).map_or(0, |log| log.len()),
            Held::Vfs(..) => 0,
        }
    }

    /// The VFS that the file lies on; none for a file of the machine.
    pub(super) fn vfs(&self) -> Option<&str> {
        match &self.held {
            Held::File(..) => None,
            Held::Vfs(name, _) => Some(name),
        }
    }

    /// Gives it back. To be called once SQLite has closed the file.
    pub(super) fn release(&self) {
        match &self.held {
            Held::File(inode, file) => {
                if file.lock().unwrap_or_else(PoisonError::into_inner).take().is_some() {
                    open_here().remove(inode);
                }
            }
            Held::Vfs(_, connection) => drop(connection.lock().unwrap_or_else(PoisonError::into_inner).take()),
        }
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        self.release();
    }
}

fn in_use(path: &Path) -> StoreError {
    StoreError::Refused(format!("the store {} is in use by another process", path.display()))
}

fn inode_of(file: &Metadata) -> Inode {
    (file.dev(), file.ino())
}

fn open_here() -> MutexGuard<'static, BTreeSet<Inode>> {
    OPEN.lock().unwrap_or_else(PoisonError::into_inner)
}
