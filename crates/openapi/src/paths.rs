//! The operations, in the order of the document.

mod account;
mod broadcasts;
pub mod messages;
mod opt_outs;
mod pages;
mod webhooks;

use super::operation::Operation;

pub use opt_outs::IMPORT_TYPES;

/// Every operation of the public API.
pub(super) fn all() -> Vec<Operation> {
    let mut all = Vec::from(messages::all());
    all.extend(broadcasts::all());
    all.extend(opt_outs::all());
    all.extend(webhooks::all());
    all.extend(account::all());
    all.extend(pages::all());
    all
}
