//! The contract, one file for each part of a message's life. The backends have files of the same names.

pub mod admission;
pub mod audit;
pub mod bounds;
pub mod broadcasts;
pub mod changes;
pub mod dispatch;
pub mod erase;
pub mod health;
pub mod holds;
pub mod inbound;
pub mod lists;
pub mod media;
pub mod messages;
pub mod nodes;
pub mod operators;
pub mod optouts;
pub mod peppers;
pub mod receipts;
pub mod requests;
pub mod retention;
pub mod schedule;
pub mod screening;
pub mod tenants;
pub mod usage;
pub mod webhooks;
pub mod windows;

/// The reasons why a call failed, one for each next step of the caller. Nothing was changed, unless the store says
/// otherwise (`may_have_happened` of [`Store`](crate::Store)).
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StoreError {
    /// Temporary (disk full, connection lost, queue full): try again, and tell the client to try again later.
    #[error("store unavailable: {0}")]
    Unavailable(String),
    /// Writes may not be on disk (an fsync failed): promise nothing more, end the process, and recover.
    #[error("store failed: {0}")]
    Failed(String),
    /// The node's epoch is over ([`nodes`]), and other nodes have its work: stop sending at once and end the process.
    #[error("this node is over: its work belongs to other nodes now")]
    Over,
    /// The operator must do something first: a newer schema, a path that cannot be used.
    #[error("{0}")]
    Refused(String),
    /// The name exists already.
    #[error("already exists")]
    AlreadyExists,
    /// The name is unknown.
    #[error("not found")]
    NotFound,
}
