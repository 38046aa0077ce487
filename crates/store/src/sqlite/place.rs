//! Where the file lies: whether it can be made and written there, and that only its owner reads it.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use crate::trial;
use ledger::StoreError;

/// Readable by its owner only: there are texts and numbers in it.
const PRIVATE: u32 = 0o600;

/// Opens a file for writing and leaves what is in it; makes it, readable by its owner only, where there is none.
/// (SQLite would make it readable by everybody; its log gets the permissions of the file.)
pub(super) fn open_private(path: &Path) -> io::Result<File> {
    OpenOptions::new().create(true).append(true).mode(PRIVATE).open(path)
}

/// Refuses to begin a new store beside the log of another one: its file was moved away, removed or cut to nothing.
/// SQLite would remove the log, and with it what was promised and is not in the file yet.
///
/// # Errors
/// [`StoreError::Refused`] with what to do.
pub(super) fn refuse_remains(path: &Path) -> Result<(), StoreError> {
    let log = beside(path, "-wal");
    let length = |path: &Path| fs::metadata(path).map_or(0, |file| file.len());
    if length(path) > 0 || length(&log) == 0 {
        return Ok(());
    }
    let (path, log) = (path.display(), log.display());
    Err(StoreError::Refused(format!(
        "{path} is missing or empty, and {log} holds changes of the store that was there: put the file back, or \
         restore a backup and move {log} away"
    )))
}

/// Refuses an empty file: a store's file never is, so that its content was lost, and a new store in its place would
/// hide that.
///
/// # Errors
/// [`StoreError::Refused`] with what to do.
pub(super) fn refuse_empty(path: &Path) -> Result<(), StoreError> {
    if fs::metadata(path).is_ok_and(|file| file.is_file() && file.len() == 0) {
        let path = path.display();
        return Err(StoreError::Refused(format!(
            "{path} is empty, which a store never is: restore a backup, or remove the file to begin a new store"
        )));
    }
    Ok(())
}

/// Finds out whether a store can be made or written at `path`, and leaves everything as it was.
///
/// # Errors
/// [`StoreError::Refused`] with the reason.
pub(super) fn try_writing(path: &Path) -> Result<(), StoreError> {
    if path.exists() {
        OpenOptions::new().append(true).open(path).map_err(|error| unusable(path, &error))?;
    }
    let directory = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    trial::in_directory(directory, || {
        // The log has to be made beside the file, too.
        let probe = beside(path, ".probe");
        open_private(&probe).and_then(|_| fs::remove_file(&probe)).map_err(|error| unusable(path, &error))
    })
}

/// How many bytes are rewritten at a time.
const REWRITTEN: usize = 1 << 20;

/// Writes a file once more as it is read, and syncs it. Does nothing where there is none.
///
/// After an fsync that failed, Linux takes the pages for written: they can be read from the cache, the next fsync
/// succeeds, and they are gone with the next loss of power. A process that starts after such a failure cannot know of
/// it.
///
/// # Errors
/// When the file cannot be read, written or synced.
pub(super) fn rewrite(path: &Path) -> io::Result<()> {
    let file = match OpenOptions::new().read(true).write(true).open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(error),
    };
    let (mut bytes, mut at) = (vec![0; REWRITTEN], 0);
    loop {
        let count = file.read_at(&mut bytes, at)?;
        if count == 0 {
            return file.sync_all();
        }
        file.write_all_at(&bytes[..count], at)?;
        at += count as u64;
    }
}

/// The file of this name with something added to it.
pub(super) fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    name.into()
}

/// That the file at `path` cannot be used, and why.
pub(super) fn unusable(path: &Path, error: &io::Error) -> StoreError {
    StoreError::Refused(format!("cannot use the store {}: {error}", path.display()))
}
