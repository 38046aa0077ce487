//! The files of media: out of their directory into a backup, and back.

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::files::{self, Content, failed, sync};
use super::manifest::{FileEntry, Manifest};
use super::{Heard, MEDIA, Progress, Stage};
use ledger::StoreError;

/// Copies every file of media, and notes it in `entries`. Returns how many were removed meanwhile.
pub(super) fn copy_out(
    root: &Path,
    to: &Path,
    entries: &mut Vec<FileEntry>,
    heard: Heard<'_>,
) -> Result<u64, StoreError> {
    let unreadable = failed("read", root);
    let shards = files::of_media(root).map_err(&unreadable)?;
    let length = |path: PathBuf| fs::metadata(path).map_or(0, |file| file.len());
    let all = || shards.iter().flat_map(|(shard, names)| names.iter().map(move |name| (shard, name)));
    let total = all().map(|(shard, name)| length(root.join(shard).join(name))).sum();
    let (mut done, mut gone) = (0, 0);
    for (shard, name) in all() {
        let (from, place) = (root.join(shard).join(name), to.join(MEDIA).join(shard));
        files::make_directory(&place).map_err(failed("make", &place))?;
        let to = place.join(name);
        let copied = files::copy(&from, &to, &mut |bytes| {
            done += bytes;
            heard(Progress { stage: Stage::Media, done, total });
        });
        match copied {
            Ok(Content { bytes, sha256 }) => {
                entries.push(FileEntry { path: format!("{MEDIA}/{shard}/{name}"), bytes, sha256 });
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound && !from.exists() => gone += 1,
            Err(error) => return Err(failed("copy", &from)(error)),
        }
    }
    Ok(gone)
}

/// A directory for media in which there are none, and in which those of a backup are made ready.
pub(super) struct Shelf {
    root: PathBuf,
}

/// Where media are made ready. As long as it is there, a restore has not come to its end.
const UNFINISHED: &str = ".restoring";

impl Shelf {
    /// Finds out whether the media of a backup may come to `root`, and removes what an earlier restore of them left
    /// there when it was stopped.
    ///
    /// # Errors
    /// [`StoreError::Refused`] with a sentence for the operator where there are others.
    pub(super) fn find(root: &Path, manifest: &Manifest) -> Result<Self, StoreError> {
        let unusable = failed("use", root);
        let shards = files::of_media(root).map_err(&unusable)?;
        let unfinished = root.join(UNFINISHED);
        let ours: BTreeSet<&str> = manifest.files.iter().map(|file| file.path.as_str()).collect();
        let is_left_over =
            |shard: &str, name: &str| unfinished.exists() && ours.contains(format!("{MEDIA}/{shard}/{name}").as_str());
        for (shard, names) in &shards {
            for name in names {
                if !is_left_over(shard, name) {
                    return Err(StoreError::Refused(format!(
                        "{} holds media, which a restore does not mix with those of a backup: move them away first",
                        root.display()
                    )));
                }
                fs::remove_file(root.join(shard).join(name)).map_err(&unusable)?;
            }
        }
        if unfinished.exists() {
            fs::remove_dir_all(&unfinished).map_err(&unusable)?;
        }
        Ok(Self { root: root.to_owned() })
    }

    /// Copies the media of a backup to a place beside their own, and compares them with their digests.
    pub(super) fn make_ready(&self, backup: &Path, manifest: &Manifest, heard: Heard<'_>) -> Result<(), StoreError> {
        let unfinished = self.root.join(UNFINISHED);
        files::make_directory(&unfinished).map_err(failed("make", &unfinished))?;
        let media = || manifest.files.iter().filter_map(|file| Some((file, file.path.strip_prefix("media/")?)));
        let (mut done, total) = (0, media().map(|(file, _)| file.bytes).sum());
        for (file, place) in media() {
            let to = unfinished.join(place);
            let shard = files::above(&to);
            files::make_directory(shard).map_err(failed("make", shard))?;
            let copied = files::copy(&backup.join(&file.path), &to, &mut |bytes| {
                done += bytes;
                heard(Progress { stage: Stage::Media, done, total });
            });
            let copied = copied.map_err(failed("write", &to))?;
            if copied.sha256 != file.sha256 {
                return Err(StoreError::Refused(format!("{} changed while it was copied", file.path)));
            }
        }
        Ok(())
    }

    /// Moves the media to their places.
    pub(super) fn fill(&self) -> Result<(), StoreError> {
        let moved = || -> io::Result<()> {
            for (shard, names) in files::of_media(&self.root.join(UNFINISHED))? {
                let place = self.root.join(&shard);
                files::make_directory(&place)?;
                for name in names {
                    fs::rename(self.root.join(UNFINISHED).join(&shard).join(&name), place.join(&name))?;
                }
                sync(&place)?;
            }
            sync(&self.root)
        };
        moved().map_err(failed("write to", &self.root))
    }

    /// Says that the restore has come to its end.
    pub(super) fn finish(&self) -> Result<(), StoreError> {
        let unfinished = self.root.join(UNFINISHED);
        let removed = fs::remove_dir_all(&unfinished).and_then(|()| sync(&self.root));
        removed.map_err(failed("remove", &unfinished))
    }
}
