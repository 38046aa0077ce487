//! Who wants to hear that a message was accepted: nearly always nobody.

use model::{BroadcastId, Owner};

use super::super::unit::Unit;
use crate::contract::changes::Kind;

impl Unit {
    /// Whether somebody follows acceptances of this owner's messages, single ones or those of a broadcast.
    pub(in super::super) fn wants_accepted(&self, _: Owner, _: Option<BroadcastId>) -> bool {
        self.core.tails.want(Kind::Accepted)
    }
}
