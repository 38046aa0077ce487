//! Making a backup.

use std::fs::{self, File, TryLockError};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use model::Timestamp;

use super::files::{self, above, failed, sync};
use super::manifest::{FORMAT, FileEntry, Manifest, MediaPart, NAME, StorePart};
use super::{Heard, MEDIA, Progress, STORE, Stage};
use crate::path_of;
use crate::sqlite::copy_as_of_now;
use ledger::StoreError;

/// What is to be backed up.
#[derive(Clone, Debug)]
pub struct Sources {
    /// The URL of the store.
    pub store: String,
    /// The directory of media; `None` where a bucket has them.
    pub media: Option<PathBuf>,
    /// The version of this program.
    pub program: String,
}

/// A backup that was made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Made {
    /// What is in it.
    pub manifest: Manifest,
    /// How many media were removed while they were copied, for nobody needed them any more.
    pub media_gone: u64,
}

/// Makes a backup in the directory `to`, which is new or empty, at `now`. A server may be running.
///
/// # Errors
/// [`StoreError::Refused`] with a sentence for the operator. Then `to` is as it was.
pub fn make(sources: &Sources, to: &Path, now: Timestamp, heard: Heard<'_>) -> Result<Made, StoreError> {
    let path = path_of(&sources.store)?;
    if !files::is_vacant(to).map_err(failed("read", to))? {
        return Err(StoreError::Refused(format!("{} is not empty: name a new directory", to.display())));
    }
    let workplace = Workplace::take(to)?;
    let made = write(sources, path, &workplace.path, now, heard).and_then(|made| workplace.finish(to).map(|()| made));
    if made.is_err() {
        // The error that counts is the first one; what is left is removed by the next backup.
        let _ = fs::remove_dir_all(&workplace.path);
    }
    made
}

/// Where a backup is written before it is whole. Locked, so that no other process takes it for left over.
struct Workplace {
    path: PathBuf,
    _lock: File,
}

impl Workplace {
    fn take(to: &Path) -> Result<Self, StoreError> {
        let name = to.file_name().ok_or_else(|| {
            StoreError::Refused(format!("{} does not end in a name: name a new directory", to.display()))
        })?;
        let path = above(to).join(format!(".{}.unfinished", name.to_string_lossy()));
        let failed = failed("write to", &path);
        if path.exists() {
            // Of a process that was killed.
            drop(lock(&path)?);
            fs::remove_dir_all(&path).map_err(&failed)?;
        }
        files::make_directory(above(to)).and_then(|()| files::make_directory(&path)).map_err(&failed)?;
        Ok(Self { _lock: lock(&path)?, path })
    }

    /// Has everything survive the loss of power, and gives it its name.
    fn finish(&self, to: &Path) -> Result<(), StoreError> {
        let media = self.path.join(MEDIA);
        let synced = || -> io::Result<()> {
            if media.exists() {
                for shard in fs::read_dir(&media)? {
                    sync(&shard?.path())?;
                }
                sync(&media)?;
            }
            sync(&self.path)
        };
        synced().map_err(failed("write to", &self.path))?;
        fs::rename(&self.path, to).and_then(|()| sync(above(to))).map_err(|error| {
            StoreError::Refused(format!(
                "cannot move the finished backup to {}: {error}; if that is a mount point, name a directory in it",
                to.display()
            ))
        })
    }
}

fn lock(directory: &Path) -> Result<File, StoreError> {
    let file = File::open(directory).map_err(failed("open", directory))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => {
            Err(StoreError::Refused(format!("another process is writing a backup to {}", directory.display())))
        }
        Err(TryLockError::Error(error)) => Err(failed("lock", directory)(error)),
    }
}

fn write(
    sources: &Sources,
    store: Option<&Path>,
    to: &Path,
    now: Timestamp,
    heard: Heard<'_>,
) -> Result<Made, StoreError> {
    let mut files = Vec::new();
    let store = match store {
        Some(path) => {
            let copy = to.join(STORE);
            let tell = &mut |done, total| heard(Progress { stage: Stage::Store, done, total });
            let schema_version = copy_as_of_now(path, &copy, tell)?;
            let content = File::open(&copy).and_then(|file| file.sync_all());
            let content = content.and_then(|()| files::content(&copy, &mut |_| {})).map_err(failed("read", &copy))?;
            files.push(FileEntry { path: STORE.to_owned(), bytes: content.bytes, sha256: content.sha256 });
            StorePart::Sqlite { schema_version }
        }
        None => StorePart::Postgres,
    };
    // After the store: what a message needs was there before the message, and what has come since harms nothing.
    let (media, media_gone) = match &sources.media {
        Some(root) => (MediaPart::Directory, super::media::copy_out(root, to, &mut files, heard)?),
        None => (MediaPart::Bucket, 0),
    };
    let (program, made_at) = (sources.program.clone(), now.to_string());
    let manifest = Manifest { format: FORMAT, program, made_at, store, media, files };
    let path = to.join(NAME);
    let text = serde_json::to_string_pretty(&manifest).map_err(|error| StoreError::Refused(error.to_string()))?;
    let written = files::create(&path).and_then(|mut file| {
        file.write_all(text.as_bytes())?;
        file.sync_all()
    });
    written.map_err(failed("write", &path))?;
    Ok(Made { manifest, media_gone })
}
