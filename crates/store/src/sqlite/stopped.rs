//! A store that no server uses, as it lies on the disk: for a copy of all that is in it.

use std::path::Path;

use rusqlite::{Connection, OpenFlags};

use super::lock::Lock;
use super::{connect, migrations, open, place, refused, schema};
use ledger::StoreError;

/// A store whose lock is held, so that nobody changes it. It is only read.
pub(crate) struct Stopped {
    /// Closed before the lock is given back.
    pub(crate) connection: Connection,
    pub(super) lock: Lock,
}

impl Stopped {
    /// Takes the store at `path`, which has the schema of this program.
    ///
    /// # Errors
    /// [`StoreError::Refused`] with a sentence for the operator when there is none, a server uses it, or its schema is
    /// of another version.
    pub(crate) fn open(path: &Path) -> Result<Self, StoreError> {
        if !path.exists() {
            return Err(StoreError::Refused(format!("there is no store at {}", path.display())));
        }
        place::refuse_remains(path)?;
        place::refuse_empty(path)?;
        let lock = Lock::take(path)?;
        let place = lock.path();
        let log = place::beside(place, "-wal");
        place::rewrite(&log).map_err(|error| place::unusable(&log, &error))?;
        let unusable = |error: rusqlite::Error| refused(place, &error);
        migrations::refuse_foreign(&open(place, None, OpenFlags::default()).map_err(unusable)?, place)?;
        let connection = connect(place, None, OpenFlags::default()).map_err(unusable)?;
        let (version, known) = (migrations::version(&connection, place)?, migrations::MIGRATIONS.len());
        if version != known {
            return Err(StoreError::Refused(format!(
                "the store {} has schema version {version}, and this program copies version {known}: start this \
                 program with it once, stop it, and copy then",
                path.display()
            )));
        }
        schema::verify(&connection, version, place)?;
        connection.pragma_update(None, "query_only", "on").map_err(unusable)?;
        Ok(Self { connection, lock })
    }
}
