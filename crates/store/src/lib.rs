//! What survives a crash: the stores that the product has, and everything that is done with a whole one.
//!
//! The crate [`ledger`] has the contract ([`Store`]) and the rules. A store is a file of [`sqlite`], or a database of
//! [`postgres`] that nodes share; [`open`] knows which one a URL names. No SQL leaves these crates. [`copy`] makes a
//! store on PostgreSQL of one in a file, [`backup`] copies and restores one, and [`objects`] keeps the bytes of media.
#![cfg_attr(test, allow(clippy::disallowed_methods, reason = "a test may ask the machine for the time and for tasks"))]

pub mod backup;
pub mod copy;
pub mod objects;
pub mod sqlite;
mod trial;

use std::path::Path;
use std::sync::Arc;

use ledger::contract::dispatch::QueueDepth;
use model::Timestamp;
use postgres::{Postgres, valkey};
use runtime::{Runtime, Work};

pub use ledger::{
    Audit, Broadcasts, Changes, Checked, Dispatch, Erasures, Health, Holds, Inbound, Lists, MediaRecords, Messages,
    Nodes, Operators, OptOuts, PepperRecords, Receipts, Requests, Retention, Schedule, Screening, Standing, Store,
    StoreError, Tenants, Usage, Webhooks, Windows, contract, reasons,
};
pub use postgres;

/// Opens the store that `url` names, bringing its schema up to date: `sqlite:PATH`, or `postgres://USER@HOST/DATABASE`
/// with several hosts or options as libpq has them. Its tasks and its time are those of `runtime`.
///
/// This function is not `async`: the compiler makes the code of an `async fn`, and of the tasks that it starts, in the
/// crate that awaits it, as optimised as that crate is.
///
/// # Errors
/// [`StoreError::Refused`] with a sentence for the operator when the URL is not understood, the schema is newer than
/// this program, or the file or the database cannot be used; the directory of a file must exist.
/// [`StoreError::Unavailable`] when a database does not answer.
pub fn open(url: &str, runtime: Arc<dyn Runtime>) -> Work<Result<Arc<dyn Store>, StoreError>> {
    let url = url.to_owned();
    Box::pin(async move {
        let store: Arc<dyn Store> = match path_of(&url)? {
            Some(path) => Arc::new(sqlite::Sqlite::open(path.to_owned(), runtime).await?),
            None => Arc::new(Postgres::open(&url, runtime).await?),
        };
        Ok(store)
    })
}

/// As [`open`], of a database, where the Valkey that `valkey` names counts the rate windows. The database counts them
/// while that is down.
///
/// # Errors
/// As [`open`]; [`StoreError::Refused`] for a URL of a Valkey that is not understood, and for a store in a file.
pub async fn open_with_valkey(
    url: &str,
    valkey: &str,
    runtime: Arc<dyn Runtime>,
) -> Result<Arc<dyn Store>, StoreError> {
    if path_of(url)?.is_some() {
        return Err(StoreError::Refused("a store in a file counts rate windows itself, and uses no Valkey".to_owned()));
    }
    let store = Postgres::open(url, runtime).await?;
    Ok(Arc::new(store.with_valkey(valkey, valkey::Patience::default()).await?))
}

/// Looks at the store that `url` names, tries whether it can be made or written, and leaves everything as it was.
///
/// # Errors
/// As [`open`].
pub async fn check(url: &str, runtime: Arc<dyn Runtime>) -> Result<Checked, StoreError> {
    match path_of(url)? {
        Some(path) => sqlite::Sqlite::check(path).map(|found| Checked { found, warnings: Vec::new() }),
        None => Postgres::check(url, runtime).await,
    }
}

/// What waits for each carrier in the store that `url` names, in no order; nothing where there is no store yet. A
/// server may be running with it. Leaves everything as it was.
///
/// # Errors
/// As [`open`].
pub async fn waiting(url: &str, runtime: Arc<dyn Runtime>) -> Result<Vec<QueueDepth>, StoreError> {
    match path_of(url)? {
        Some(path) if is_empty(path) => Ok(Vec::new()),
        Some(path) => sqlite::Sqlite::waiting(path),
        None => Postgres::waiting(url, runtime).await,
    }
}

/// Looks at the store that `url` names, at `now`; as of a new one where there is none yet. A server may be running with
/// it. Leaves everything as it was.
///
/// # Errors
/// As [`crate::open`].
pub async fn standing(url: &str, now: Timestamp, runtime: Arc<dyn Runtime>) -> Result<Standing, StoreError> {
    match path_of(url)? {
        Some(path) if is_empty(path) => Ok(Standing::default()),
        Some(path) => sqlite::Sqlite::standing(path, now),
        None => Postgres::standing(url, now, runtime).await,
    }
}

/// Whether there is no store yet where `url` says: no file, an empty one, or a database without tables.
///
/// # Errors
/// As [`open`].
pub async fn is_new(url: &str, runtime: Arc<dyn Runtime>) -> Result<bool, StoreError> {
    match path_of(url)? {
        Some(path) => Ok(is_empty(path)),
        None => Postgres::is_new(url, runtime).await,
    }
}

fn is_empty(path: &Path) -> bool {
    std::fs::metadata(path).map_or(0, |file| file.len()) == 0
}

/// The file that a URL names; `None` for a URL of a database.
///
/// # Errors
/// [`StoreError::Refused`] for a URL that is not understood, and for names that SQLite takes for something else than a
/// file.
pub fn path_of(url: &str) -> Result<Option<&Path>, StoreError> {
    // The URL stays out of the message: it may hold a password.
    let refused = |what: &str| {
        Err(StoreError::Refused(format!(
            "store URL {what}; it must be `sqlite:` and the path of a file, or `postgres://USER@HOST/DATABASE`"
        )))
    };
    if Postgres::is_named_by(url) {
        return Postgres::understand(url).map(|()| None);
    }
    match url.split_once(':') {
        // SQLite takes an empty name for a database that ends with the connection, `:memory:` for one that no other
        // connection sees, and `file:` for a URI whose parameters can do the same.
        Some(("sqlite", path)) if path.is_empty() || path.starts_with(':') || path.starts_with("file:") => {
            refused("names no file")
        }
        Some(("sqlite", path)) if path.contains('\0') || path.ends_with('/') => refused("names no file"),
        Some(("sqlite", path)) => Ok(Some(Path::new(path))),
        Some((scheme, _)) if scheme.bytes().all(|byte| byte.is_ascii_alphanumeric()) => {
            refused(&format!("begins with `{scheme}:`"))
        }
        _ => refused("is not understood"),
    }
}

/// A URL as people may see it: without its password, and without its options, one of which may be a password.
pub fn without_password(url: &str) -> String {
    let Some((scheme, rest)) = url.split_once("://") else { return url.to_owned() };
    let (credentials, place) = rest.rsplit_once('@').map_or(("", rest), |(credentials, place)| (credentials, place));
    let user = credentials.split([':', '/', '?']).next().unwrap_or_default();
    let hidden = if user.len() < credentials.len() { ":…" } else { "" };
    let at = if credentials.is_empty() { "" } else { "@" };
    match place.split_once('?') {
        Some((place, _)) => format!("{scheme}://{user}{hidden}{at}{place}?…"),
        None => format!("{scheme}://{user}{hidden}{at}{place}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_is_shown_without_its_password() {
        for (url, shown) in [
            ("sqlite:./data/x.db", "sqlite:./data/x.db"),
            ("postgres://me@db/x", "postgres://me@db/x"),
            ("postgres://db1,db2/x?target_session_attrs=any", "postgres://db1,db2/x?…"),
            ("postgres://me:secret@db1:5433,db2/x?sslmode=require", "postgres://me:…@db1:5433,db2/x?…"),
            ("postgres://me:se?cr@t@db/x", "postgres://me:…@db/x"),
            ("postgres://db/x?password=secret&application_name=a@b", "postgres://db:…@b"),
        ] {
            assert_eq!(without_password(url), shown);
        }
    }
}
