//! What a page of a list shows, as far as ids and owners tell: the rules, without the rows.
//!
//! Ids begin with the time at which they were made, so that the times of a filter are ends of a range of ids. Messages
//! of a broadcast are as old as their broadcast, and those that were accepted after a clock was set back are as old as
//! their ids say.

use std::ops::Range;

use model::{AccountId, BroadcastId, MessageId, Mode, Msisdn, Originator, Owner};

use crate::contract::broadcasts::BroadcastFilter;
use crate::contract::messages::MessageFilter;

/// How many rows a page of broadcasts looks at.
pub const BROADCASTS_PER_PAGE: usize = 5_000;

/// Whose resources a list shows. `None` does not narrow it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Scope {
    /// The account.
    pub account: Option<AccountId>,
    /// The world of the account.
    pub mode: Option<Mode>,
}

impl Scope {
    /// What `owner` sees (everybody's, when `None`) of the account and the mode that a filter asks for; `None` where it
    /// asks for another owner's.
    pub fn of(owner: Option<Owner>, account: Option<AccountId>, mode: Option<Mode>) -> Option<Self> {
        let Some(owner) = owner else { return Some(Self { account, mode }) };
        let is_theirs =
            account.is_none_or(|account| account == owner.account) && mode.is_none_or(|mode| mode == owner.mode);
        is_theirs.then_some(Self { account: Some(owner.account), mode: Some(owner.mode) })
    }
}

/// The handset that an address is of, where it is a number.
pub const fn handset(address: Originator) -> Option<Msisdn> {
    match address {
        Originator::Number(number) => Some(number),
        Originator::ShortCode(_) | Originator::Name(_) => None,
    }
}

/// The ids of messages that a filter lets pass, below `after`.
pub fn message_ids(filter: &MessageFilter, after: Option<MessageId>) -> Range<u128> {
    // The ids of a broadcast's messages follow each other.
    let (first, last) = (
        filter.broadcast.map(|id| id.message(0)),
        filter.broadcast.map(|id| id.message(BroadcastId::RECIPIENTS_MAX - 1)),
    );
    let number = |id: MessageId| u128::from_be_bytes(id.to_bytes());
    let lowest = [filter.from.map(MessageId::lowest_at), first].into_iter().flatten().map(number).max();
    let ends = [after, filter.before.map(MessageId::lowest_at)]
        .into_iter()
        .flatten()
        .map(number)
        .chain(last.map(|last| number(last) + 1));
    lowest.unwrap_or(0)..ends.min().unwrap_or(u128::MAX)
}

/// The same of broadcasts.
pub fn broadcast_ids(filter: &BroadcastFilter, after: Option<BroadcastId>) -> Range<u128> {
    let number = |id: BroadcastId| u128::from_be_bytes(id.to_bytes());
    let ends = [after, filter.before.map(BroadcastId::lowest_at)].into_iter().flatten().map(number);
    filter.from.map_or(0, |from| number(BroadcastId::lowest_at(from)))..ends.min().unwrap_or(u128::MAX)
}

#[cfg(test)]
mod tests {
    use model::{SeededEntropy, Timestamp};

    use super::*;

    #[test]
    fn a_filter_widens_nothing() {
        let [mine, theirs] = [1, 2].map(|octet| AccountId::from_bytes([octet; 16]));
        let owner = Owner { account: mine, mode: Mode::Live };
        let own = Scope { account: Some(mine), mode: Some(Mode::Live) };
        for (account, mode, scope) in [
            (None, None, Some(own)),
            (Some(mine), Some(Mode::Live), Some(own)),
            (Some(theirs), None, None),
            (None, Some(Mode::Test), None),
        ] {
            assert_eq!(Scope::of(Some(owner), account, mode), scope);
            assert_eq!(Scope::of(None, account, mode), Some(Scope { account, mode }));
        }
    }

    #[test]
    fn the_messages_of_a_broadcast_are_a_range() {
        let at = Timestamp::from_millis(1_773_576_000_000);
        let id = BroadcastId::new(at, &SeededEntropy::new(1));
        let filter = MessageFilter { broadcast: Some(id), ..MessageFilter::default() };
        let number = |id: MessageId| u128::from_be_bytes(id.to_bytes());
        let (first, last) = (id.message(0), id.message(BroadcastId::RECIPIENTS_MAX - 1));
        assert_eq!(message_ids(&filter, None), number(first)..number(last) + 1);
        assert_eq!(message_ids(&filter, Some(last)), number(first)..number(last));
        let later = MessageFilter { from: Some(at + std::time::Duration::from_secs(1)), ..filter };
        assert!(message_ids(&later, None).is_empty());
        assert_eq!(message_ids(&MessageFilter::default(), None), 0..u128::MAX);
    }
}
