//! A copy of a store as one moment shows it, and a copy that takes the place of a store.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use rusqlite::backup::{Backup, StepResult};
use rusqlite::{Connection, OpenFlags};

use super::lock::Lock;
use super::{Stopped, connect, holds, migrations, open, place, refused};
use ledger::contract::holds::{Hold, Waiting};
use ledger::{Standing, StoreError};

/// How many pages of 4 KiB are copied between two words of progress.
const PAGES: i32 = 2_048;

/// Copies the store at `path` to a new file, as the present moment shows it, while a server may be writing to it. Tells
/// how many bytes are done, and of how many. Returns the version of its schema.
///
/// The whole copy is made under one snapshot: commits go on beside it, in the log, which cannot begin anew meanwhile.
///
/// # Errors
/// [`StoreError::Refused`] with a sentence for the operator.
pub(crate) fn copy_as_of_now(path: &Path, to: &Path, heard: &mut dyn FnMut(u64, u64)) -> Result<usize, StoreError> {
    if !path.exists() {
        return Err(StoreError::Refused(format!("there is no store at {}", path.display())));
    }
    place::refuse_remains(path)?;
    place::refuse_empty(path)?;
    let unreadable = |error: rusqlite::Error| refused(path, &error);
    let unwritable = |error: rusqlite::Error| refused(to, &error);
    let source = connect(path, None, OpenFlags::SQLITE_OPEN_READ_ONLY).map_err(unreadable)?;
    migrations::refuse_foreign(&source, path)?;
    let snapshot = source.unchecked_transaction().map_err(unreadable)?;
    let version = migrations::version(&snapshot, path)?;
    place::open_private(to).map_err(|error| place::unusable(to, &error))?;
    let mut target = open(to, None, OpenFlags::default()).map_err(unwritable)?;
    // Nobody relies on the file before it is whole, and it is synced then.
    target.execute_batch("PRAGMA journal_mode = off; PRAGMA synchronous = off").map_err(unwritable)?;
    let backup = Backup::new(&source, &mut target).map_err(unwritable)?;
    loop {
        let step = backup.step(PAGES).map_err(unwritable)?;
        let progress = backup.progress();
        let (total, left) = (bytes(progress.pagecount), bytes(progress.remaining));
        heard(total.saturating_sub(left), total);
        match step {
            StepResult::Done => break,
            StepResult::More => {}
            _ => return Err(StoreError::Unavailable(format!("{} is locked by another program", path.display()))),
        }
    }
    drop(backup);
    drop(target);
    stand_alone(to).map_err(unwritable)?;
    Ok(version)
}

fn bytes(pages: i32) -> u64 {
    u64::try_from(pages).unwrap_or(0) * 4_096
}

/// Has a copy need no log beside it, and looks whether it is sound.
fn stand_alone(copy: &Path) -> rusqlite::Result<()> {
    let connection = open(copy, None, OpenFlags::default())?;
    connection.query_row("PRAGMA journal_mode = delete", [], |_| Ok(()))?;
    let found: String = connection.query_row("PRAGMA integrity_check(1)", [], |row| row.get(0))?;
    if found == "ok" { Ok(()) } else { Err(rusqlite::Error::InvalidParameterName(format!("it is damaged: {found}"))) }
}

/// A place for a store where there is none, or one with nothing in it, which no server can take meanwhile.
pub(crate) struct Vacancy {
    path: PathBuf,
    /// On the empty store that is there.
    lock: Option<Lock>,
}

impl Vacancy {
    /// Finds out whether a store may take the place `path`.
    ///
    /// # Errors
    /// [`StoreError::Refused`] with a sentence for the operator when there is a store that is not empty, or that a
    /// server uses.
    pub(crate) fn find(path: &Path) -> Result<Self, StoreError> {
        place::refuse_remains(path)?;
        let Ok(file) = fs::metadata(path) else { return Ok(Self { path: path.to_owned(), lock: None }) };
        if file.len() == 0 {
            // What was in it is lost, or a program has just made it.
            let lock = Lock::take(path)?;
            return Ok(Self { path: lock.path().to_owned(), lock: Some(lock) });
        }
        let Stopped { connection, lock } = Stopped::open(path).map_err(|error| match error {
            StoreError::Refused(words) => StoreError::Refused(format!(
                "{words}; a restore replaces only a store that is stopped and has nothing in it: move this one away"
            )),
            other => other,
        })?;
        let sql = "SELECT EXISTS (SELECT 1 FROM accounts) OR EXISTS (SELECT 1 FROM numbers) \
            OR EXISTS (SELECT 1 FROM messages) OR EXISTS (SELECT 1 FROM blocks) \
            OR EXISTS (SELECT 1 FROM inbound)";
        let in_use: bool = connection.query_row(sql, [], |row| row.get(0)).map_err(|error| refused(path, &error))?;
        if in_use {
            return Err(StoreError::Refused(format!(
                "{} is a store with accounts or messages in it, and is not replaced: move it away first",
                path.display()
            )));
        }
        // SQLite takes the log away with the last connection.
        drop(connection);
        Ok(Self { path: lock.path().to_owned(), lock: Some(lock) })
    }

    /// Where a store is made ready that is to take the place.
    pub(crate) fn staged(&self) -> PathBuf {
        place::beside(&self.path, ".restoring")
    }

    /// Removes what an earlier attempt left.
    ///
    /// # Errors
    /// Where it cannot be removed.
    pub(crate) fn clear(&self) -> io::Result<()> {
        let staged = self.staged();
        let logs = ["-journal", "-wal", "-shm"].map(|suffix| place::beside(&staged, suffix));
        std::iter::once(staged).chain(logs).try_for_each(|file| match fs::remove_file(file) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        })
    }

    /// Lets the store that was made ready take the place: from then on it is there, whole, and before nothing of it.
    ///
    /// # Errors
    /// Where it cannot, or a store has come there meanwhile.
    pub(crate) fn fill(self) -> io::Result<()> {
        let (staged, directory) = (self.staged(), self.path.parent().filter(|path| !path.as_os_str().is_empty()));
        if self.lock.is_some() {
            fs::rename(&staged, &self.path)?;
        } else {
            // Unlike a rename this fails where there is a file by now.
            fs::hard_link(&staged, &self.path)?;
            fs::remove_file(&staged)?;
        }
        fs::File::open(directory.unwrap_or(Path::new(".")))?.sync_all()
    }
}

/// Brings the schema of a copy up to date and holds it, and asks `judge` about it before. What waits in it.
///
/// # Errors
/// Those of `judge`; [`StoreError::Refused`] when the copy is no store of this program, or of a newer one.
pub(crate) fn hold_copy(
    copy: &Path,
    hold: Hold,
    judge: impl FnOnce(&Standing) -> Result<(), StoreError>,
) -> Result<Waiting, StoreError> {
    let unusable = |error: rusqlite::Error| refused(copy, &error);
    let mut connection: Connection = open(copy, None, OpenFlags::default()).map_err(unusable)?;
    migrations::refuse_foreign(&connection, copy)?;
    migrations::run(&mut connection, copy)?;
    judge(&holds::look(&connection, hold.since).map_err(unusable)?)?;
    let held = || {
        holds::write(&connection, hold)?;
        holds::waiting(&connection, hold.since)
    };
    let waiting = held().map_err(unusable)?;
    drop(connection);
    let synced = fs::File::open(copy).and_then(|file| file.sync_all());
    synced.map(|()| waiting).map_err(|error| place::unusable(copy, &error))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_copy_is_of_one_moment_however_much_is_written_meanwhile_and_needs_no_log() {
        let directory = tempfile::tempdir().unwrap();
        let (path, copy) = (directory.path().join("store.db"), directory.path().join("copy.db"));
        let mut writer = connect(&path, None, OpenFlags::default()).unwrap();
        migrations::run(&mut writer, &path).unwrap();
        writer.execute_batch("CREATE TABLE filler (octets BLOB); CREATE TABLE counted (number INTEGER)").unwrap();
        for _ in 0..20 {
            writer.execute("INSERT INTO filler VALUES (randomblob(1000000))", []).unwrap();
        }
        let mut steps = 0;
        let version = copy_as_of_now(&path, &copy, &mut |done, total| {
            assert!(done <= total);
            steps += 1;
            writer.execute("INSERT INTO counted VALUES (1)", []).unwrap();
            writer.execute("UPDATE filler SET octets = randomblob(1000000) WHERE rowid = 1", []).unwrap();
        });
        assert_eq!(version, Ok(migrations::MIGRATIONS.len()));
        assert!(steps > 1, "{steps}");
        let there: Vec<_> = fs::read_dir(directory.path()).unwrap().map(|file| file.unwrap().file_name()).collect();
        assert!(!there.iter().any(|name| name.to_string_lossy().starts_with("copy.db-")), "{there:?}");
        let copied = Connection::open_with_flags(&copy, OpenFlags::SQLITE_OPEN_READ_ONLY).unwrap();
        let counted: i64 = copied.query_row("SELECT count(*) FROM counted", [], |row| row.get(0)).unwrap();
        assert_eq!(counted, 0, "what was committed after the copy began is not in it");
    }
}
