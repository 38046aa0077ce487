//! What survives a crash.
//!
//! In come the events of a message's life (it was admitted, it is about to be handed to a carrier, the carrier
//! answered, a receipt came) and the operator's changes; out go leases, records and refusals. [`Store`] is the
//! contract; every method of it is one transaction, complete in itself: no caller needs a second call to be correct,
//! and what it returns `Ok` for is on disk. No SQL leaves this crate.
//!
//! Reading order: [`contract::admission`] (what a request brings in), [`contract::messages`], [`contract::requests`]
//! (repeats while a request is under way), [`contract::nodes`] (who owns what), [`contract::dispatch`] (the way to a
//! carrier), [`contract::receipts`] (the way back), [`contract::broadcasts`] (one text to many), [`contract::tenants`]
//! (who may send), [`contract::inbound`] (what handsets send), [`contract::optouts`] (who wants no messages),
//! [`contract::windows`] (how often), [`contract::screening`] (what was found in texts),
//! [`contract::lists`] (the index of filtered lists), [`contract::retention`] (the end of what is kept),
//! [`contract::erase`] (a person is forgotten), [`contract::changes`] (what happened, for those who follow),
//! [`contract::media`] and [`objects`] (what multimedia messages carry), [`contract::webhooks`] (of what accounts are
//! notified).
#![cfg_attr(test, allow(clippy::disallowed_methods, reason = "a test may ask the machine for the time and for tasks"))]

mod accepted;
pub mod contract;
mod delivery_rows;
mod erasing;
mod event_log;
mod facts;
mod handsets;
mod life;
mod listing;
pub mod objects;
mod packing;
pub mod postgres;
mod reasons;
mod receipts;
mod seats;
mod shares;
pub mod sqlite;
mod tally;
mod trial;
mod turns;
mod verdict;
mod walks;

use std::path::Path;
use std::sync::Arc;

use contract::dispatch::QueueDepth;
use runtime::Runtime;

pub use contract::StoreError;
pub use contract::broadcasts::Broadcasts;
pub use contract::changes::Changes;
pub use contract::dispatch::Dispatch;
pub use contract::erase::Erasures;
pub use contract::health::Health;
pub use contract::inbound::Inbound;
pub use contract::lists::Lists;
pub use contract::media::MediaRecords;
pub use contract::messages::Messages;
pub use contract::nodes::Nodes;
pub use contract::optouts::OptOuts;
pub use contract::receipts::Receipts;
pub use contract::requests::Requests;
pub use contract::retention::Retention;
pub use contract::screening::Screening;
pub use contract::tenants::Tenants;
pub use contract::webhooks::Webhooks;
pub use contract::windows::Windows;

/// All that the product asks of its storage.
pub trait Store:
    Messages
    + Requests
    + Broadcasts
    + Nodes
    + Dispatch
    + Receipts
    + Tenants
    + Inbound
    + OptOuts
    + Windows
    + Webhooks
    + Screening
    + MediaRecords
    + Lists
    + Retention
    + Changes
    + Erasures
    + Health
{
}

impl<
    T: Messages
        + Requests
        + Broadcasts
        + Nodes
        + Dispatch
        + Receipts
        + Tenants
        + Inbound
        + OptOuts
        + Windows
        + Webhooks
        + Screening
        + MediaRecords
        + Lists
        + Retention
        + Changes
        + Erasures
        + Health,
> Store for T
{
}

/// Opens the store that `url` names, bringing its schema up to date: `sqlite:PATH`. Its tasks and its time are those of
/// `runtime`.
///
/// # Errors
/// [`StoreError::Refused`] with a sentence for the operator when the URL is not understood, the schema is newer than
/// this program, or the file cannot be used; its directory must exist.
pub async fn open(url: &str, runtime: Arc<dyn Runtime>) -> Result<Arc<dyn Store>, StoreError> {
    if is_postgres(url) {
        return Ok(Arc::new(postgres::Postgres::open(url, runtime).await?));
    }
    Ok(Arc::new(sqlite::Sqlite::open(path_of(url)?.to_owned(), runtime).await?))
}

/// Whether a URL names a database of PostgreSQL.
fn is_postgres(url: &str) -> bool {
    url.starts_with("postgres://") || url.starts_with("postgresql://")
}

/// Looks at the store that `url` names, tries whether it can be made or written, and leaves everything as it was.
/// Says what it found, in a sentence for the operator.
///
/// # Errors
/// As [`open`].
pub fn check(url: &str) -> Result<String, StoreError> {
    sqlite::Sqlite::check(path_of(url)?)
}

/// What waits for each carrier in the store that `url` names, in no order; nothing where there is no store yet. A
/// server may be running with it. Leaves everything as it was.
///
/// # Errors
/// As [`open`].
pub fn waiting(url: &str) -> Result<Vec<QueueDepth>, StoreError> {
    if is_new(url)? { Ok(Vec::new()) } else { sqlite::Sqlite::waiting(path_of(url)?) }
}

/// Whether there is no store yet where `url` says: no file, or an empty one.
///
/// # Errors
/// [`StoreError::Refused`] for a URL that is not understood.
pub fn is_new(url: &str) -> Result<bool, StoreError> {
    Ok(std::fs::metadata(path_of(url)?).map_or(0, |file| file.len()) == 0)
}

/// The file that a URL names.
///
/// # Errors
/// [`StoreError::Refused`] for a URL of another kind, and for names that SQLite takes for something else than a file.
pub fn path_of(url: &str) -> Result<&Path, StoreError> {
    // The URL stays out of the message: it may hold a password.
    let refused =
        |what: &str| Err(StoreError::Refused(format!("store URL {what}; it must be `sqlite:` and the path of a file")));
    match url.split_once(':') {
        // SQLite takes an empty name for a database that ends with the connection, `:memory:` for one that no other
        // connection sees, and `file:` for a URI whose parameters can do the same.
        Some(("sqlite", path)) if path.is_empty() || path.starts_with(':') || path.starts_with("file:") => {
            refused("names no file")
        }
        Some(("sqlite", path)) if path.contains('\0') || path.ends_with('/') => refused("names no file"),
        Some(("sqlite", path)) => Ok(Path::new(path)),
        Some((scheme, _)) if scheme.bytes().all(|byte| byte.is_ascii_alphanumeric()) => {
            refused(&format!("begins with `{scheme}:`"))
        }
        _ => refused("is not understood"),
    }
}
