//! What is in a backup, and whether it is all there.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Component, Path};

use model::Timestamp;
use serde::{Deserialize, Serialize};

use super::files::{content, failed};
use super::{Heard, MEDIA, Progress, STORE, Stage};
use ledger::StoreError;

/// The name of the manifest.
pub(super) const NAME: &str = "manifest.json";

/// The form of backups that this program writes, and the only one that it reads.
pub(super) const FORMAT: u32 = 1;

/// What a backup is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Manifest {
    /// The form of the backup.
    pub format: u32,
    /// The version of the program that made it.
    pub program: String,
    /// The moment that it shows, as in RFC 3339.
    pub made_at: String,
    /// What is in it of the store.
    pub store: StorePart,
    /// What is in it of media.
    pub media: MediaPart,
    /// Every file but this one.
    pub files: Vec<FileEntry>,
}

/// What is in a backup of the store.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", tag = "kind")]
pub enum StorePart {
    /// The whole of it.
    #[serde(rename_all = "camelCase")]
    Sqlite {
        /// The version of its schema.
        schema_version: usize,
    },
    /// Nothing: it is a database that is backed up by its own means.
    Postgres,
}

/// What is in a backup of media.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum MediaPart {
    /// All of them.
    Directory,
    /// Nothing: a bucket has them.
    Bucket,
}

/// A file of a backup.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileEntry {
    /// Its path in the backup.
    pub path: String,
    /// Its length.
    pub bytes: u64,
    /// Its SHA-256, in hexadecimal.
    pub sha256: String,
}

impl Manifest {
    /// The moment that the backup shows.
    ///
    /// # Errors
    /// [`StoreError::Refused`] where the manifest says no time.
    pub fn moment(&self) -> Result<Timestamp, StoreError> {
        let unknown = || StoreError::Refused(format!("{NAME}: `madeAt` is no time: {}", self.made_at));
        Timestamp::parse(&self.made_at).ok_or_else(unknown)
    }

    /// How many bytes its files have.
    pub fn bytes(&self) -> u64 {
        self.files.iter().map(|file| file.bytes).sum()
    }
}

/// Reads the manifest of the backup in a directory.
///
/// # Errors
/// [`StoreError::Refused`] with a sentence for the operator where there is none, or it is not understood.
pub fn read(backup: &Path) -> Result<Manifest, StoreError> {
    let path = backup.join(NAME);
    let text = fs::read_to_string(&path).map_err(failed("read", &path))?;
    let refused = |what: String| StoreError::Refused(format!("{}: {what}", path.display()));
    let manifest: Manifest = serde_json::from_str(&text).map_err(|error| refused(error.to_string()))?;
    if manifest.format != FORMAT {
        return Err(refused(format!("the backup has form {}, and this program reads form {FORMAT}", manifest.format)));
    }
    let mut seen = BTreeSet::new();
    for file in &manifest.files {
        if !is_ours(&file.path) || !seen.insert(&file.path) {
            return Err(refused(format!("`{}` is not a file of a backup, or occurs twice", file.path)));
        }
    }
    let has_store = seen.iter().any(|path| *path == STORE);
    if has_store != matches!(manifest.store, StorePart::Sqlite { .. }) {
        return Err(refused(format!("`{STORE}` is missing, or should not be there")));
    }
    Ok(manifest)
}

/// Whether a path is one that a backup has: nothing in it leads out of the directory.
fn is_ours(path: &str) -> bool {
    let steps: Vec<Component<'_>> = Path::new(path).components().collect();
    let is_plain =
        |step: &Component<'_>| matches!(step, Component::Normal(name) if !name.as_encoded_bytes().starts_with(b"."));
    steps.iter().all(is_plain) && (path == STORE || steps.len() == 3 && path.starts_with(&format!("{MEDIA}/")))
}

/// Compares every file of a backup with its digest.
///
/// # Errors
/// [`StoreError::Refused`] with the name of the first one that is missing or has another content.
pub fn verify(backup: &Path, manifest: &Manifest, heard: Heard<'_>) -> Result<(), StoreError> {
    let (mut done, total) = (0, manifest.bytes());
    for file in &manifest.files {
        let path = backup.join(&file.path);
        let found = content(&path, &mut |bytes| {
            done += bytes;
            heard(Progress { stage: Stage::Verifying, done, total });
        });
        let found = found.map_err(failed("read", &path))?;
        if (found.bytes, &found.sha256) != (file.bytes, &file.sha256) {
            return Err(StoreError::Refused(format!(
                "{} is not as the backup was made: it has {} bytes and the SHA-256 {}, and the manifest says {} bytes \
                 and {}",
                path.display(),
                found.bytes,
                found.sha256,
                file.bytes,
                file.sha256
            )));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_that_leads_out_of_a_backup_is_none_of_a_backup() {
        for path in ["store.db", "media/ab/abc"] {
            assert!(is_ours(path), "{path}");
        }
        for path in ["", "/etc/passwd", "media", "media/../../x", "media/ab", "../store.db", "media/.x/y", "other/a/b"]
        {
            assert!(!is_ours(path), "{path}");
        }
    }
}
