//! The contract of the store, and the rules that all of its backends share.
//!
//! In come the events of a message's life (it was admitted, it is about to be handed to a carrier, the carrier
//! answered, a receipt came) and the operator's changes; out go leases, records and refusals. [`Store`] is the
//! contract; every method of it is one transaction, complete in itself: no caller needs a second call to be correct,
//! and what it returns `Ok` for is on disk. The other modules are rules without I/O, by which a backend decides inside
//! such a transaction, and the forms of the rows that it keeps.
//!
//! Reading order: [`contract::admission`] (what a request brings in), [`contract::messages`], [`contract::requests`]
//! (repeats while a request is under way), [`contract::nodes`] (who owns what), [`contract::dispatch`] (the way to a
//! carrier), [`contract::receipts`] (the way back), [`contract::broadcasts`] (one text to many), [`contract::tenants`]
//! (who may send), [`contract::usage`] (how much they send), [`contract::inbound`] (what handsets send),
//! [`contract::optouts`] (who wants no messages), [`contract::windows`] (how often), [`contract::screening`] (what was
//! found in texts), [`contract::lists`] (the index of filtered lists), [`contract::retention`] (the end of what is
//! kept), [`contract::erase`] (a person is forgotten), [`contract::changes`] (what happened, for those who follow),
//! [`contract::media`] (what multimedia messages carry), [`contract::webhooks`] (of what accounts are notified),
//! [`contract::operators`] (who runs the platform), [`contract::audit`] (what they changed), [`contract::peppers`]
//! (with which pepper secrets were hashed) and [`contract::holds`] (what a restored store may not do yet).
#![cfg_attr(test, allow(clippy::disallowed_methods, reason = "a test may ask the machine for the time and for tasks"))]

pub mod accepted;
pub mod audited;
pub mod contract;
pub mod daily;
pub mod delivery_rows;
pub mod erasing;
pub mod event_log;
pub mod facts;
pub mod fading;
pub mod handsets;
pub mod life;
pub mod listing;
pub mod operating;
pub mod packing;
pub mod peppers;
pub mod portable;
pub mod reasons;
pub mod receipts;
pub mod screened;
pub mod seats;
pub mod shares;
pub mod standing;
pub mod tally;
pub mod tenancy;
pub mod turns;
pub mod verdict;
pub mod walks;

pub use contract::StoreError;
pub use contract::audit::Audit;
pub use contract::broadcasts::Broadcasts;
pub use contract::changes::Changes;
pub use contract::dispatch::Dispatch;
pub use contract::erase::Erasures;
pub use contract::health::Health;
pub use contract::holds::Holds;
pub use contract::inbound::Inbound;
pub use contract::lists::Lists;
pub use contract::media::MediaRecords;
pub use contract::messages::Messages;
pub use contract::nodes::Nodes;
pub use contract::operators::Operators;
pub use contract::optouts::OptOuts;
pub use contract::peppers::PepperRecords;
pub use contract::receipts::Receipts;
pub use contract::requests::Requests;
pub use contract::retention::Retention;
pub use contract::schedule::Schedule;
pub use contract::screening::Screening;
pub use contract::tenants::Tenants;
pub use contract::usage::Usage;
pub use contract::webhooks::Webhooks;
pub use contract::windows::Windows;
pub use standing::Standing;

/// All that the product asks of its storage.
pub trait Store:
    Messages
    + Requests
    + Broadcasts
    + Nodes
    + Dispatch
    + Schedule
    + Receipts
    + Tenants
    + Operators
    + Audit
    + Usage
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
    + PepperRecords
    + Holds
    + Health
{
}

impl dyn Store {
    /// Whether a change may be on disk although its call ended with `error`: after a failed sync, and where other nodes
    /// share the store, since the answer to a commit can be lost between a node and its database.
    pub fn may_have_happened(&self, error: &StoreError) -> bool {
        match error {
            StoreError::Failed(_) => true,
            StoreError::Unavailable(_) => self.is_shared(),
            _ => false,
        }
    }
}

impl<
    T: Messages
        + Requests
        + Broadcasts
        + Nodes
        + Dispatch
        + Schedule
        + Receipts
        + Tenants
        + Operators
        + Audit
        + Usage
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
        + PepperRecords
        + Holds
        + Health,
> Store for T
{
}

/// What a look at a store found, in sentences for the operator.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checked {
    /// How it is.
    pub found: String,
    /// What would break a promise, although the store can be used.
    pub warnings: Vec<String>,
}
