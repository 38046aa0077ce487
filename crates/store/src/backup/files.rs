//! Files of a backup: copied with their digest, synced, and readable by their owner only.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use ledger::StoreError;

/// How many bytes are read at once.
const BYTES: usize = 1 << 20;

/// What is in a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Content {
    pub(super) bytes: u64,
    /// Of the SHA-256, in hexadecimal.
    pub(super) sha256: String,
}

/// Reads a file, and tells how many bytes were read each time.
pub(super) fn content(path: &Path, read: &mut dyn FnMut(u64)) -> io::Result<Content> {
    through(&mut File::open(path)?, &mut io::sink(), read)
}

/// Copies a file to a new one, readable by its owner only, and syncs it.
pub(super) fn copy(from: &Path, to: &Path, copied: &mut dyn FnMut(u64)) -> io::Result<Content> {
    let mut source = File::open(from)?;
    let mut target = create(to)?;
    let content = through(&mut source, &mut target, copied)?;
    target.sync_all()?;
    Ok(content)
}

/// A new file, readable by its owner only.
pub(super) fn create(path: &Path) -> io::Result<File> {
    OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)
}

fn through(from: &mut dyn Read, to: &mut dyn Write, moved: &mut dyn FnMut(u64)) -> io::Result<Content> {
    let (mut buffer, mut hash, mut bytes) = (vec![0; BYTES], Sha256::new(), 0);
    loop {
        let count = from.read(&mut buffer)?;
        if count == 0 {
            break;
        }
        hash.update(&buffer[..count]);
        to.write_all(&buffer[..count])?;
        bytes += count as u64;
        moved(count as u64);
    }
    let sha256 = hash.finalize().iter().map(|octet| format!("{octet:02x}")).collect();
    Ok(Content { bytes, sha256 })
}

/// Makes a directory, and those above it, that only their owner can enter.
pub(super) fn make_directory(path: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(path)
}

/// Has the entries of a directory survive the loss of power.
pub(super) fn sync(directory: &Path) -> io::Result<()> {
    File::open(directory)?.sync_all()
}

/// The directory that a path is in.
pub(super) fn above(path: &Path) -> &Path {
    path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// Whether there is nothing at `path`, or a directory without entries.
pub(super) fn is_vacant(path: &Path) -> io::Result<bool> {
    match fs::read_dir(path) {
        Ok(mut entries) => Ok(entries.next().is_none()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(true),
        Err(error) => Err(error),
    }
}

/// The files of a directory of media: each directory below it, and the names of the files in it. Hidden directories and
/// that of unfinished files are left out.
pub(super) fn of_media(root: &Path) -> io::Result<Vec<(String, Vec<String>)>> {
    let mut shards = Vec::new();
    let entries = match fs::read_dir(root) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(shards),
        entries => entries?,
    };
    for entry in entries {
        let entry = entry?;
        let Ok(name) = entry.file_name().into_string() else { continue };
        if name.starts_with('.') || name == "tmp" || !entry.file_type()?.is_dir() {
            continue;
        }
        let mut files = Vec::new();
        for file in fs::read_dir(entry.path())? {
            files.extend(file?.file_name().into_string());
        }
        files.sort_unstable();
        shards.push((name, files));
    }
    shards.sort_unstable();
    Ok(shards)
}

/// What could not be done with a file or a directory, in a sentence for the operator.
pub(super) fn failed(what: &'static str, path: &Path) -> impl Fn(io::Error) -> StoreError + use<> {
    let path: PathBuf = path.to_owned();
    move |error| StoreError::Refused(format!("cannot {what} {}: {error}", path.display()))
}
