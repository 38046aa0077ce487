//! Whether a connection is a session, or a pooler gives each transaction another one.

use tokio_postgres::{Client, Error, Statement};

use crate::fault::refused_or_lost;
use ledger::StoreError;

/// A sentence for the operator when transactions of one connection run in different sessions. While the second
/// connection has a transaction open, a pooler has to give the first one another session.
///
/// # Errors
/// [`StoreError::Refused`] when statements are not found again in those.
pub(super) async fn look(client: &Client, other: &Client) -> Result<Option<String>, StoreError> {
    let compared = compare(client, other).await;
    let is_same = compared.map_err(|error| refused_or_lost(&error, "the database does not tell its sessions"))?;
    let pooled = "a pooler gives each transaction another session, which loses time limits and settings: use its \
        session \
        mode, or connect to the database itself";
    Ok((!is_same).then(|| pooled.to_owned()))
}

/// Whether two transactions of a connection run in the same session.
async fn compare(client: &Client, other: &Client) -> Result<bool, Error> {
    let statement = client.prepare("SELECT pg_backend_pid()").await?;
    let first = session(client, &statement).await?;
    other.batch_execute("BEGIN; SELECT 1").await?;
    let second = session(client, &statement).await;
    other.batch_execute("ROLLBACK").await?;
    Ok(first == second?)
}

async fn session(client: &Client, statement: &Statement) -> Result<i32, Error> {
    client.query_one(statement, &[]).await?.try_get(0)
}
