//! Why a transaction failed, and what the caller does next.

use std::fmt::Write;

use tokio_postgres::error::SqlState;
use uuid::Uuid;

use ledger::StoreError;

/// Why a transaction did not do what it was asked.
#[derive(Debug)]
pub(super) enum Fault {
    /// PostgreSQL refused a statement, or the connection is lost.
    Sql(tokio_postgres::Error),
    /// The call was refused before it wrote anything.
    Told(StoreError),
    /// A row has something that cannot be read.
    Broken(String),
    /// The message of this id has no partition yet. With one, the same again may succeed.
    NoRoom(Uuid),
    /// What was decided rests on what another transaction has changed since.
    Overtaken,
}

impl From<tokio_postgres::Error> for Fault {
    fn from(error: tokio_postgres::Error) -> Self {
        Self::Sql(error)
    }
}

impl From<StoreError> for Fault {
    fn from(error: StoreError) -> Self {
        Self::Told(error)
    }
}

impl Fault {
    /// Whether the transaction ended for the sake of another one, so that the same again may succeed, or for a reason
    /// that is another statement's: of statements that are sent together, those behind the one that failed say only
    /// that the transaction is over, and one of them may be heard first. The same again shows the reason.
    pub(super) fn is_conflict(&self) -> bool {
        let Self::Sql(error) = self else { return matches!(self, Self::Overtaken) };
        let conflicts = [
            &SqlState::T_R_SERIALIZATION_FAILURE,
            &SqlState::T_R_DEADLOCK_DETECTED,
            &SqlState::IN_FAILED_SQL_TRANSACTION,
        ];
        error.code().is_some_and(|code| conflicts.contains(&code))
    }

    /// Whether a row has no partition to go to. PostgreSQL says so as of a check that a row violates, without the name
    /// that a constraint has.
    pub(super) fn lacks_room(&self) -> bool {
        let Self::Sql(error) = self else { return false };
        let is_unnamed = error.as_db_error().is_some_and(|error| error.constraint().is_none());
        error.code() == Some(&SqlState::CHECK_VIOLATION) && is_unnamed
    }

    /// Whether a lock was not to be had in the time for it.
    pub(super) fn is_locked_out(&self) -> bool {
        let Self::Sql(error) = self else { return false };
        error.code() == Some(&SqlState::LOCK_NOT_AVAILABLE)
    }

    /// Whether the server takes no writes: it is a standby, or has become one.
    pub(super) fn is_of_a_standby(&self) -> bool {
        matches!(self, Self::Sql(error) if error.code() == Some(&SqlState::READ_ONLY_SQL_TRANSACTION))
    }

    /// Whether the server's disk has no room.
    pub(super) fn is_of_a_full_disk(&self) -> bool {
        matches!(self, Self::Sql(error) if error.code() == Some(&SqlState::DISK_FULL))
    }

    /// Whether a group of calls failed because of what one of them brings or finds, so that others may succeed. Nothing
    /// is changed then.
    pub(super) fn is_of_one_call(&self) -> bool {
        // Class 22: a value does not fit; class 23: a constraint is violated.
        let is_about_values = |state: &SqlState| state.code().starts_with("22") || state.code().starts_with("23");
        match self {
            Self::Sql(error) => error.code().is_some_and(is_about_values),
            Self::Told(error) => !matches!(error, StoreError::Unavailable(_) | StoreError::Failed(_)),
            Self::Broken(_) | Self::NoRoom(_) => true,
            Self::Overtaken => false,
        }
    }

    /// What the caller is told.
    pub(super) fn told(self) -> StoreError {
        match self {
            Self::Told(error) => error,
            Self::Sql(error) => StoreError::Unavailable(described(&error)),
            Self::Broken(what) => StoreError::Unavailable(what),
            Self::NoRoom(id) => StoreError::Unavailable(format!("there is no partition for {id}")),
            Self::Overtaken => StoreError::Unavailable("other transactions were first again and again".to_owned()),
        }
    }
}

/// What PostgreSQL refuses is the operator's to fix; a lost connection may come back.
pub(super) fn refused_or_lost(error: &tokio_postgres::Error, what: &str) -> StoreError {
    match error.code() {
        Some(&SqlState::INVALID_SQL_STATEMENT_NAME) => StoreError::Refused(
            "a pooler loses prepared statements: use its session mode, or connect to the database itself".to_owned(),
        ),
        Some(_) => StoreError::Refused(format!("{what}: {}", described(error))),
        None => StoreError::Unavailable(described(error)),
    }
}

/// An error with all its causes: the first says only that the database answered with an error.
pub(super) fn described(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        // Some errors have the text of their cause in their own.
        if !text.ends_with(&error.to_string()) {
            // Writing to a string cannot fail.
            let _ = write!(text, ": {error}");
        }
        cause = error.source();
    }
    text
}
