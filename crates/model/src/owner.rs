//! Owners: the accounts and modes to which messages belong, and for which they are counted.

use crate::id::AccountId;
use crate::key::Mode;

/// One of the two worlds of an account: the one that its live keys reach, or the one that its test keys reach.
///
/// Messages, broadcasts, idempotency keys, quotas, rate windows and lists belong to an owner, so that nothing made with
/// a test key is visible to a live key or counted with it, nor the other way round. Numbers, blocks and policies belong
/// to the account and hold for both.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Owner {
    /// The account.
    pub account: AccountId,
    /// Its mode.
    pub mode: Mode,
}
