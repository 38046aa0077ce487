//! One process for each file: the start of a second one would take the first one's leases away, and messages would be sent twice.

use std::fs::{File, TryLockError};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use super::place;
use crate::StoreError;

/// The right to use a store. The operating system takes it back when the process ends, however that happens.
pub(super) struct Lock(Mutex<Option<File>>);

impl Lock {
    /// Takes the lock beside the file at `path`.
    pub(super) fn take(path: &Path) -> Result<Self, StoreError> {
        let lock = beside(path);
        let unusable = |error: &dyn std::fmt::Display| StoreError::Refused(format!("cannot use {}: {error}", lock.display()));
        let file = place::open_private(&lock).map_err(|error| unusable(&error))?;
        match file.try_lock() {
            Ok(()) => Ok(Self(Mutex::new(Some(file)))),
            Err(TryLockError::WouldBlock) => Err(StoreError::Refused(format!("the store {} is in use by another process", path.display()))),
            Err(TryLockError::Error(error)) => Err(unusable(&error)),
        }
    }

    /// Whether a process has it.
    pub(super) fn is_taken(path: &Path) -> bool {
        File::open(beside(path)).is_ok_and(|file| matches!(file.try_lock_shared(), Err(TryLockError::WouldBlock)))
    }

    /// Gives it back.
    pub(super) fn release(&self) {
        drop(self.0.lock().unwrap_or_else(PoisonError::into_inner).take());
    }
}

fn beside(path: &Path) -> PathBuf {
    place::beside(path, ".lock")
}
