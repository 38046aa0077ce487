//! Objects as files of a directory: written beside, synced, and moved to their place, so that a name has all of its
//! bytes or none.

use std::collections::BTreeSet;
use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use bytes::Bytes;
use runtime::Runtime;

use super::Objects;
use crate::trial;
use ledger::StoreError;

/// Objects as files of a directory. The first two characters of a name are a directory of their own, because some file
/// systems are slow where one holds very many.
#[derive(Clone)]
pub struct Directory {
    files: Files,
    runtime: Arc<dyn Runtime>,
}

/// The files themselves.
#[derive(Clone)]
struct Files {
    root: PathBuf,
    /// The directories below it that are known to survive the loss of power.
    lasting: Arc<Mutex<BTreeSet<PathBuf>>>,
}

/// Where files are written before they are moved to their place.
const UNFINISHED: &str = "tmp";

/// Read by its owner only: these are the pictures of somebody.
const PRIVATE_FILE: u32 = 0o600;
const PRIVATE_DIRECTORY: u32 = 0o700;

impl Directory {
    /// The directory at `root`, made where there is none.
    ///
    /// # Errors
    /// Where it cannot be made or written.
    pub fn open(root: impl Into<PathBuf>, runtime: Arc<dyn Runtime>) -> io::Result<Self> {
        let files = Files { root: root.into(), lasting: Arc::default() };
        let missing: Vec<&Path> = files
            .root
            .ancestors()
            .take_while(|ancestor| !ancestor.as_os_str().is_empty() && !ancestor.exists())
            .collect();
        make(&files.root.join(UNFINISHED))?;
        for made in missing {
            sync(made.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new(".")))?;
        }
        Ok(Self { files, runtime })
    }

    /// Tries whether objects could be kept at `root`, and leaves everything as it was. What was found, in a sentence
    /// for the operator.
    ///
    /// # Errors
    /// [`StoreError::Refused`] when [`Directory::open`] would fail, or nothing could be written there.
    pub fn check(root: &Path) -> Result<String, StoreError> {
        let probe = root.join(".probe");
        trial::in_directory(root, || {
            let written = File::create(&probe).and_then(|_| fs::remove_file(&probe));
            written.map_err(|error| StoreError::Refused(format!("cannot write to {}: {error}", root.display())))
        })?;
        Ok(format!("{} can be written", root.display()))
    }

    /// Whether anything is kept at `root`. Nothing is, where there is no such directory.
    ///
    /// # Errors
    /// Where it cannot be read.
    pub fn holds_objects(root: &Path) -> io::Result<bool> {
        match (Files { root: root.into(), lasting: Arc::default() }).list() {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
            listed => listed.map(|names| !names.is_empty()),
        }
    }

    async fn blocking<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Files) -> io::Result<T> + Send + 'static,
    ) -> io::Result<T> {
        let files = self.files.clone();
        let done = self.runtime.run_blocking("media-files", move || work(&files)).await;
        done.unwrap_or_else(|ended| Err(io::Error::other(format!("the work on the file system {ended}"))))
    }
}

impl Files {
    fn place(&self, name: &str) -> PathBuf {
        self.root.join(name.get(..2).unwrap_or(name)).join(name)
    }

    fn write(&self, name: &str, bytes: &[u8]) -> io::Result<()> {
        let (unfinished, place) = (self.root.join(UNFINISHED).join(name), self.place(name));
        let written = self.write_and_move(&unfinished, &place, bytes);
        if written.is_err() {
            // Whether it is there or not: the error that counts is the first one.
            let _ = fs::remove_file(&unfinished);
            let _ = fs::remove_file(&place);
        }
        written
    }

    fn write_and_move(&self, unfinished: &Path, place: &Path, bytes: &[u8]) -> io::Result<()> {
        let mut file = OpenOptions::new().write(true).create_new(true).mode(PRIVATE_FILE).open(unfinished)?;
        file.write_all(bytes)?;
        file.sync_all()?;
        let shard = place.parent().unwrap_or(&self.root);
        self.make_lasting(shard)?;
        fs::rename(unfinished, place)?;
        sync(shard)
    }

    /// Makes a directory below the root, if there is none, and has it survive. That it is there does not say so:
    /// whoever made it may not have come that far, in another thread or in a process that was killed.
    fn make_lasting(&self, shard: &Path) -> io::Result<()> {
        let lasting = || self.lasting.lock().unwrap_or_else(PoisonError::into_inner);
        if shard.is_dir() && lasting().contains(shard) {
            return Ok(());
        }
        make(shard)?;
        sync(&self.root)?;
        lasting().insert(shard.to_owned());
        Ok(())
    }

    fn read(&self, name: &str, offset: u64, length: usize) -> io::Result<Bytes> {
        let mut file = File::open(self.place(name))?;
        file.seek(SeekFrom::Start(offset))?;
        let mut bytes = Vec::with_capacity(length);
        file.take(length as u64).read_to_end(&mut bytes)?;
        Ok(bytes.into())
    }

    fn list(&self) -> io::Result<Vec<String>> {
        let mut names = Vec::new();
        for shard in fs::read_dir(&self.root)? {
            let shard = shard?;
            if shard.file_type()?.is_dir() {
                for file in fs::read_dir(shard.path())? {
                    names.extend(file?.file_name().into_string());
                }
            }
        }
        // The file system has an order of its own, which is to decide nothing.
        names.sort_unstable();
        Ok(names)
    }
}

#[async_trait]
impl Objects for Directory {
    async fn put(&self, name: &str, bytes: Bytes) -> io::Result<()> {
        let name = name.to_owned();
        self.blocking(move |files| files.write(&name, &bytes)).await
    }

    async fn get(&self, name: &str) -> io::Result<Bytes> {
        let name = name.to_owned();
        self.blocking(move |files| fs::read(files.place(&name)).map(Bytes::from)).await
    }

    async fn read(&self, name: &str, offset: u64, length: usize) -> io::Result<Bytes> {
        let name = name.to_owned();
        self.blocking(move |files| files.read(&name, offset, length)).await
    }

    async fn remove(&self, name: &str) -> io::Result<()> {
        let places = [self.files.place(name), self.files.root.join(UNFINISHED).join(name)];
        self.blocking(move |_| places.iter().try_for_each(|place| gone(fs::remove_file(place)))).await
    }

    async fn names(&self) -> io::Result<Vec<String>> {
        self.blocking(Files::list).await
    }
}

/// What is not there needs no removing.
fn gone(removed: io::Result<()>) -> io::Result<()> {
    match removed {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

fn make(directory: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(PRIVATE_DIRECTORY).create(directory)
}

/// Makes the entries of a directory survive the loss of power.
fn sync(directory: &Path) -> io::Result<()> {
    File::open(directory)?.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_of_an_object_is_read() {
        let place = tempfile::TempDir::new().unwrap();
        let files = Directory::open(place.path(), Arc::new(runtime::Machine::new())).unwrap().files;
        files.write("abc", b"0123456789").unwrap();
        for (offset, length, part) in [(0, 4, "0123"), (8, 4, "89"), (10, 4, ""), (99, 1, ""), (0, 99, "0123456789")] {
            assert_eq!(files.read("abc", offset, length).unwrap(), part, "{offset} {length}");
        }
        assert_eq!(files.read("abd", 0, 1).unwrap_err().kind(), io::ErrorKind::NotFound);
    }

    #[test]
    fn a_directory_that_somebody_else_made_is_not_taken_to_survive() {
        let place = tempfile::TempDir::new().unwrap();
        let directory = Directory::open(place.path().join("media"), Arc::new(runtime::Machine::new())).unwrap().files;
        let shard = directory.root.join("ab");
        fs::create_dir(&shard).unwrap();
        directory.write("abc", b"one").unwrap();
        assert!(directory.lasting.lock().unwrap().contains(&shard));
        fs::remove_dir_all(&shard).unwrap();
        directory.write("abd", b"two").expect("it is made again");
    }
}
