//! Whether a connection is a session, or a pooler gives each transaction another one.

use tokio_postgres::error::SqlState;
use tokio_postgres::{Client, Statement};

use super::refused_or_lost;
use crate::StoreError;

/// A sentence for the operator when transactions of one connection run in different sessions. While the second
/// connection has a transaction open, a pooler has to give the first one another session.
///
/// # Errors
/// [`StoreError::Refused`] when statements are not found again in those.
pub(super) async fn look(client: &Client, other: &Client) -> Result<Option<String>, StoreError> {
    let failed = |error: tokio_postgres::Error| refused_or_lost(&error, "the database does not tell its sessions");
    let statement = client.prepare("SELECT pg_backend_pid()").await.map_err(failed)?;
    let first = session(client, &statement).await;
    other.batch_execute("BEGIN; SELECT 1").await.map_err(failed)?;
    let second = session(client, &statement).await;
    other.batch_execute("ROLLBACK").await.map_err(failed)?;
    match (first, second) {
        (Ok(first), Ok(second)) => Ok((first != second).then(|| {
            "a pooler gives each transaction another session, which loses time limits and settings: use its session \
             mode, or connect to the database itself"
                .to_owned()
        })),
        (Err(error), _) | (_, Err(error)) if error.code() == Some(&SqlState::INVALID_SQL_STATEMENT_NAME) => {
            Err(StoreError::Refused(
                "a pooler loses prepared statements: use its session mode, or connect to the database itself".to_owned(),
            ))
        }
        (Err(error), _) | (_, Err(error)) => Err(failed(error)),
    }
}

async fn session(client: &Client, statement: &Statement) -> Result<i32, tokio_postgres::Error> {
    client.query_one(statement, &[]).await?.try_get(0)
}
