//! The audit log: changes and their actors. Entries never change, except that an erasure removes a person's number from
//! them ([`super::erase`]).
//!
//! An entry is written before its change, and its outcome afterwards, as a row of its own. So no change is without its
//! entry, even if the process ends in between.

use std::sync::Arc;

use async_trait::async_trait;
use model::{AuditEntry, AuditId, AuditOutcome, AuditRecord, Timestamp};

use super::StoreError;

/// The filter of a list of changes. A field that is `None` does not filter.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AuditFilter {
    /// By the actor with this name.
    pub actor: Option<Arc<str>>,
    /// With a path that has this prefix.
    pub path: Option<Arc<str>>,
    /// Requested at this time or later.
    pub since: Option<Timestamp>,
    /// Requested before this time.
    pub before: Option<Timestamp>,
}

/// A page of changes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AuditPage {
    /// The changes, newest first.
    pub records: Vec<AuditRecord>,
    /// The start of the next page: after this entry. `None` at the end. A page looks at a limited number of entries, so
    /// a page with few entries, or none, may have a next one.
    pub next: Option<AuditId>,
}

/// The audit log.
#[async_trait]
pub trait Audit: Send + Sync {
    /// Writes a requested change before it is made. [`StoreError::AlreadyExists`] for a known id.
    async fn begin_audit(&self, entry: AuditEntry) -> Result<(), StoreError>;

    /// Writes the outcome of a change. A second call changes nothing. [`StoreError::NotFound`] for an unknown entry.
    async fn end_audit(&self, id: AuditId, outcome: AuditOutcome) -> Result<(), StoreError>;

    /// Changes, newest first, beginning after `after`: at most `limit`.
    async fn audit(&self, filter: AuditFilter, after: Option<AuditId>, limit: usize) -> Result<AuditPage, StoreError>;

    /// One change; `None` for an unknown one.
    async fn audit_record(&self, id: AuditId) -> Result<Option<AuditRecord>, StoreError>;

    /// Removes changes that were requested before `before`, with their outcomes: at most `limit`. Returns their number.
    async fn forget_audit(&self, before: Timestamp, limit: usize) -> Result<u64, StoreError>;
}
