//! Why a call of the writer failed, and the failure after which the store promises nothing.

use tokio::sync::watch;

use ledger::StoreError;

/// Why a call did not do what it was asked.
pub(super) enum Fault {
    /// SQLite failed: the group is rolled back.
    Sql(rusqlite::Error),
    /// The call was refused before it wrote anything.
    Told(StoreError),
}

impl From<rusqlite::Error> for Fault {
    fn from(error: rusqlite::Error) -> Self {
        Self::Sql(error)
    }
}

/// The store's failure, after which nothing is promised any more; `None` while all is well.
pub(super) type Poison = watch::Sender<Option<StoreError>>;

/// Notes the store's failure, unless there is one already.
pub(super) fn fail(poison: &Poison, error: StoreError) {
    poison.send_if_modified(|failure| {
        if failure.is_some() {
            return false;
        }
        tracing::error!(%error, "The store failed, and accepts nothing until the process starts again: {error}");
        *failure = Some(error);
        true
    });
}
