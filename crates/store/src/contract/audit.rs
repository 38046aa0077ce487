//! The audit log: what was changed by whom. Nothing in it is changed, but for an erasure, which takes a person's number
//! out of it ([`super::erase`]).
//!
//! An entry is written before its change is made, and its outcome after it, as a row of its own: so that no change is
//! without its entry, whatever happens to the process.

use std::sync::Arc;

use async_trait::async_trait;
use model::{AuditEntry, AuditId, AuditOutcome, AuditRecord, Timestamp};

use super::StoreError;

/// The filter of a list of changes. A field that is `None` does not filter.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AuditFilter {
    /// Of the actor with this name.
    pub actor: Option<Arc<str>>,
    /// Whose path begins so.
    pub path: Option<Arc<str>>,
    /// Asked for at this time or later.
    pub since: Option<Timestamp>,
    /// Asked for before this time.
    pub before: Option<Timestamp>,
}

/// A page of changes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AuditPage {
    /// The changes, newest first.
    pub records: Vec<AuditRecord>,
    /// Where the next page begins: after this entry. `None` at the end. A page looks at a bounded number of entries, so
    /// that one which shows few of them, or none, may have others behind it.
    pub next: Option<AuditId>,
}

/// The audit log.
#[async_trait]
pub trait Audit: Send + Sync {
    /// Writes what is asked for, before it is done. [`StoreError::AlreadyExists`] for a known id.
    async fn begin_audit(&self, entry: AuditEntry) -> Result<(), StoreError>;

    /// Writes what became of it. A second time changes nothing. [`StoreError::NotFound`] for an unknown entry.
    async fn end_audit(&self, id: AuditId, outcome: AuditOutcome) -> Result<(), StoreError>;

    /// Changes, newest first: those behind `after`, at most `limit`.
    async fn audit(&self, filter: AuditFilter, after: Option<AuditId>, limit: usize) -> Result<AuditPage, StoreError>;

    /// One change; `None` for an unknown one.
    async fn audit_record(&self, id: AuditId) -> Result<Option<AuditRecord>, StoreError>;

    /// Forgets what was asked for before `before`, with its outcomes, at most `limit` of it. Returns how many.
    async fn forget_audit(&self, before: Timestamp, limit: usize) -> Result<u64, StoreError>;
}
