//! Why a transaction failed, and what the caller does next.

use std::fmt::Write;

use tokio_postgres::error::SqlState;

use crate::StoreError;

/// Why a transaction did not do what it was asked.
#[derive(Debug)]
pub(super) enum Fault {
    /// PostgreSQL refused a statement, or the connection is lost.
    Sql(tokio_postgres::Error),
    /// The call was refused before it wrote anything.
    Told(StoreError),
    /// A row has something that cannot be read.
    Broken(String),
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
    /// Whether PostgreSQL ended the transaction for the sake of another one, so that the same again may succeed.
    pub(super) fn is_conflict(&self) -> bool {
        let Self::Sql(error) = self else { return false };
        let conflicts = [&SqlState::T_R_SERIALIZATION_FAILURE, &SqlState::T_R_DEADLOCK_DETECTED];
        error.code().is_some_and(|code| conflicts.contains(&code))
    }

    /// Whether the server takes no writes: it is a standby, or has become one.
    pub(super) fn is_of_a_standby(&self) -> bool {
        matches!(self, Self::Sql(error) if error.code() == Some(&SqlState::READ_ONLY_SQL_TRANSACTION))
    }

    /// What the caller is told.
    pub(super) fn told(self) -> StoreError {
        match self {
            Self::Told(error) => error,
            Self::Sql(error) => StoreError::Unavailable(described(&error)),
            Self::Broken(what) => StoreError::Unavailable(what),
        }
    }
}

/// An error with all its causes: the first says only that the database answered with an error.
pub(super) fn described(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        // Writing to a string cannot fail.
        let _ = write!(text, ": {error}");
        cause = error.source();
    }
    text
}
