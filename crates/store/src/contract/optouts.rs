//! Opt-outs: the list, its history, and the ways in which it changes beside inbound messages.

use std::sync::Arc;

use async_trait::async_trait;
use model::{Msisdn, OptOut, OptOutChange, OptOutName, OptOutSource, Owner, Timestamp};

use super::StoreError;

/// The filter of a list of opt-outs. A field that is `None` does not filter.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct OptOutFilter {
    /// Of this recipient.
    pub number: Option<Msisdn>,
    /// Made at this time or later.
    pub since: Option<Timestamp>,
    /// Made before this time.
    pub before: Option<Timestamp>,
}

/// A part of a list, newest first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OptOutPage {
    /// The opt-outs.
    pub opt_outs: Vec<OptOut>,
    /// The start of the next page. `None` at the end.
    pub next: Option<OptOutCursor>,
}

/// A place in the list: after the opt-out of this number, in the order in which they were made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OptOutCursor(pub i64);

/// A part of a history, oldest first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HistoryPage {
    /// The changes.
    pub changes: Vec<OptOutChange>,
    /// The start of the next page. `None` at the end.
    pub next: Option<OptOutCursor>,
}

/// Why and by whom a handset is opted in again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OptIn {
    /// Which opt-out ends.
    pub name: OptOutName,
    /// The operator who requests it.
    pub source: OptOutSource,
    /// Why.
    pub reason: Option<Arc<str>>,
    /// When.
    pub at: Timestamp,
}

/// What became of a wish to opt a handset in again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OptedIn {
    /// It was opted out, and is not any more.
    Changed,
    /// It was not opted out.
    Unchanged,
    /// The handset opted out itself, and no reason was given: nothing was changed.
    ReasonRequired,
}

/// Opt-outs.
#[async_trait]
pub trait OptOuts: Send + Sync {
    /// Every opt-out in force, for memory: calls `each` with batches of at most a few thousand. What changes meanwhile
    /// is in the change feed.
    async fn all_opt_outs(&self, each: Box<dyn FnMut(Vec<OptOut>) + Send>) -> Result<(), StoreError>;

    /// Opts handsets out: one result each, in order, `true` where it was not opted out under that name. Atomic for the
    /// whole list, so that a list of more than a thousand keeps other writes waiting. A repeat changes nothing and adds
    /// nothing to the history. Queued messages to the handset in its scope fail as those of a blocked recipient do,
    /// many of them in later transactions before this call returns.
    ///
    /// A keyword of the handset takes over an opt-out of another source, which then needs a reason to end; the list
    /// says that it is the handset's own.
    async fn opt_out(&self, opt_outs: Vec<OptOut>) -> Result<Vec<bool>, StoreError>;

    /// Ends an opt-out. One by a keyword needs a reason, unless a keyword ends it.
    async fn opt_in(&self, opt_in: OptIn) -> Result<OptedIn, StoreError>;

    /// Opt-outs of an owner, newest first, beginning after `after`: at most `limit`, and fewer where many are not in
    /// the time that the filter asks for.
    async fn opt_outs(
        &self,
        owner: Owner,
        filter: OptOutFilter,
        after: Option<OptOutCursor>,
        limit: usize,
    ) -> Result<OptOutPage, StoreError>;

    /// Every change of the opt-outs of a handset at this owner, oldest first, beginning after `after`: at most `limit`.
    async fn opt_out_history(
        &self,
        owner: Owner,
        number: Msisdn,
        after: Option<OptOutCursor>,
        limit: usize,
    ) -> Result<HistoryPage, StoreError>;
}
