//! Opt-outs: the list, its history, and its changes other than by inbound messages.

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

/// A place in the list: after the opt-out of this number, in the order of their creation.
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

/// The reason and the actor of an opt-in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OptIn {
    /// The opt-out that ends.
    pub name: OptOutName,
    /// The source of the request.
    pub source: OptOutSource,
    /// Why.
    pub reason: Option<Arc<str>>,
    /// When.
    pub at: Timestamp,
}

/// The outcome of an opt-in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OptedIn {
    /// The opt-out has ended.
    Changed,
    /// There was no opt-out.
    Unchanged,
    /// The recipient opted out by itself, and no reason was given: nothing was changed.
    ReasonRequired,
}

/// Opt-outs.
#[async_trait]
pub trait OptOuts: Send + Sync {
    /// Every opt-out in force, to load them into memory: calls `each` with batches of at most a few thousand. Changes
    /// meanwhile are in the change feed.
    async fn all_opt_outs(&self, each: Box<dyn FnMut(Vec<OptOut>) + Send>) -> Result<(), StoreError>;

    /// Opts recipients out: one result each, in order, `true` if there was no such opt-out before. Atomic for the whole
    /// list, so a list of more than a thousand delays other writes. A repeat changes nothing and adds nothing to the
    /// history. Queued messages to the recipient in its scope fail like those to a blocked recipient, many of them in
    /// later transactions before this call returns.
    ///
    /// A keyword of the recipient takes over an opt-out of another source, which then needs a reason to end; the list
    /// shows it as the recipient's own.
    async fn opt_out(&self, opt_outs: Vec<OptOut>) -> Result<Vec<bool>, StoreError>;

    /// Ends an opt-out. An opt-out by a keyword needs a reason, unless a keyword ends it.
    async fn opt_in(&self, opt_in: OptIn) -> Result<OptedIn, StoreError>;

    /// Opt-outs of an owner, newest first, beginning after `after`: at most `limit`, and fewer if many are outside of
    /// the time in the filter.
    async fn opt_outs(
        &self,
        owner: Owner,
        filter: OptOutFilter,
        after: Option<OptOutCursor>,
        limit: usize,
    ) -> Result<OptOutPage, StoreError>;

    /// Every change of the opt-outs of a recipient at this owner, oldest first, beginning after `after`: at most
    /// `limit`.
    async fn opt_out_history(
        &self,
        owner: Owner,
        number: Msisdn,
        after: Option<OptOutCursor>,
        limit: usize,
    ) -> Result<HistoryPage, StoreError>;
}
