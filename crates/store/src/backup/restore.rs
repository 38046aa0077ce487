//! Restoring a backup.

use std::path::{Path, PathBuf};

use model::Timestamp;
use model::key::SecretDigest;

use super::files::{self, failed};
use super::manifest::{Manifest, StorePart};
use super::media::Shelf;
use super::{Heard, Progress, STORE, Stage};
use crate::path_of;
use crate::sqlite::{Vacancy, hold_copy};
use ledger::StoreError;
use ledger::contract::holds::{Hold, Waiting};

/// Where a backup is restored to.
#[derive(Clone, Debug)]
pub struct Place {
    /// The URL of the store.
    pub store: String,
    /// The directory of media; `None` where a bucket has them.
    pub media: Option<PathBuf>,
    /// The verifier of the pepper that a server will start with.
    pub verifier: SecretDigest,
    /// That of the previous pepper.
    pub previous: Option<SecretDigest>,
}

/// A store that was restored, and is held.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Restored {
    /// What waited when the backup was made, and may have left since.
    pub waiting: Waiting,
    /// Whether the backup knows with which pepper its store was used, so that the one of `Place` is certain.
    pub is_pepper_known: bool,
}

/// Puts the store of a backup and its media into a place where there are none, at `now`. The digests were compared
/// before ([`super::verify`]).
///
/// Killed at any moment, this leaves no store, or the whole one with all media. What else it leaves the next restore
/// removes.
///
/// # Errors
/// [`StoreError::Refused`] with a sentence for the operator; the place is as it was then.
pub fn restore(
    backup: &Path,
    manifest: &Manifest,
    place: &Place,
    now: Timestamp,
    heard: Heard<'_>,
) -> Result<Restored, StoreError> {
    if manifest.store == StorePart::Postgres {
        return Err(StoreError::Refused(
            "the backup holds media alone: its store was a database, which is restored by the means of PostgreSQL"
                .to_owned(),
        ));
    }
    let path = path_of(&place.store)?.ok_or_else(|| {
        StoreError::Refused(
            "the backup holds a store on SQLite: restore it to `sqlite:PATH`, and copy that to PostgreSQL with \
             `smsfactory store copy`"
                .to_owned(),
        )
    })?;
    let directory = files::above(path);
    files::make_directory(directory).map_err(failed("make", directory))?;
    let vacancy = Vacancy::find(path)?;
    let shelf = place.media.as_deref().map(|root| Shelf::find(root, manifest)).transpose()?;
    let hold = Hold { since: now, backed_up_at: manifest.moment()? };
    fill(backup, manifest, place, vacancy, shelf.as_ref(), hold, heard)
}

fn fill(
    backup: &Path,
    manifest: &Manifest,
    place: &Place,
    vacancy: Vacancy,
    shelf: Option<&Shelf>,
    hold: Hold,
    heard: Heard<'_>,
) -> Result<Restored, StoreError> {
    let staged = vacancy.staged();
    let unusable = failed("write", &staged);
    vacancy.clear().map_err(&unusable)?;
    let ready = make_ready(backup, manifest, place, &staged, hold, heard);
    let ready = ready.and_then(|restored| match shelf {
        Some(shelf) => shelf.make_ready(backup, manifest, heard).and_then(|()| shelf.fill()).map(|()| restored),
        None => Ok(restored),
    });
    if ready.is_err() {
        // The error that counts is the first one; what cannot be removed now the next restore removes.
        let _ = vacancy.clear();
        let _ = place.media.as_deref().map(|root| Shelf::find(root, manifest));
    }
    let restored = ready?;
    vacancy.fill().map_err(&unusable)?;
    shelf.map_or(Ok(()), Shelf::finish)?;
    Ok(restored)
}

/// Copies the store to a place beside its own, and holds it there.
fn make_ready(
    backup: &Path,
    manifest: &Manifest,
    place: &Place,
    staged: &Path,
    hold: Hold,
    heard: Heard<'_>,
) -> Result<Restored, StoreError> {
    let entry = manifest.files.iter().find(|file| file.path == STORE);
    let entry = entry.ok_or_else(|| StoreError::Refused(format!("`{STORE}` is not in the backup")))?;
    let mut done = 0;
    let copied = files::copy(&backup.join(STORE), staged, &mut |bytes| {
        done += bytes;
        heard(Progress { stage: Stage::Store, done, total: entry.bytes });
    });
    if copied.map_err(failed("write", staged))?.sha256 != entry.sha256 {
        return Err(StoreError::Refused(format!("{STORE} changed while it was copied")));
    }
    let mut is_pepper_known = false;
    let waiting = hold_copy(staged, hold, |standing| {
        is_pepper_known = standing.pepper.is_some();
        standing.judge(place.verifier, place.previous).map(drop)
    })?;
    Ok(Restored { waiting, is_pepper_known })
}

/// Puts the media of a backup back whose store was a database. That was restored before by other means.
///
/// # Errors
/// As [`restore`].
pub fn restore_media(backup: &Path, manifest: &Manifest, root: &Path, heard: Heard<'_>) -> Result<(), StoreError> {
    let shelf = Shelf::find(root, manifest)?;
    shelf.make_ready(backup, manifest, heard)?;
    shelf.fill()?;
    shelf.finish()
}
