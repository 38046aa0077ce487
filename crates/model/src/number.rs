//! Senders that the platform has (numbers, short codes and names), and addresses that are blocked.

use std::num::NonZeroU32;

use crate::clock::Timestamp;
use crate::error::ErrorCode;
use crate::id::AccountId;
use crate::originator::{Originator, SenderKind};

/// The state of a sender number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NumberState {
    /// It sends.
    Active,
    /// Ordered, not yet usable.
    Pending,
    /// Its use was stopped for a time.
    Suspended,
    /// Its use was ended, the number kept.
    Deactivated,
    /// Given back to the carrier.
    Released,
    /// Not to be had.
    Unavailable,
}

impl NumberState {
    /// Every state, in the order of the operator's contract.
    pub const ALL: [Self; 6] =
        [Self::Active, Self::Pending, Self::Suspended, Self::Deactivated, Self::Released, Self::Unavailable];

    /// The state's name in the admin API and in the store.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Pending => "pending",
            Self::Suspended => "suspended",
            Self::Deactivated => "deactivated",
            Self::Released => "released",
            Self::Unavailable => "unavailable",
        }
    }

    /// The state with this name.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.as_str() == text)
    }
}

/// A sender as the store holds it: a number, a short code or a name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Number {
    /// The address itself.
    pub number: Originator,
    /// Its account; `None` while it has none.
    pub account: Option<AccountId>,
    /// Its state.
    pub state: NumberState,
    /// Its pace in segments a second, over all carriers together; `None` for no limit of its own.
    pub segments_per_second: Option<NonZeroU32>,
    /// The time at which it was added.
    pub created_at: Timestamp,
}

impl Number {
    /// Whether its account gets the inbound messages to it. A name cannot receive messages.
    pub fn receives(&self) -> bool {
        let is_held = !matches!(self.state, NumberState::Released | NumberState::Unavailable);
        is_held && self.account.is_some() && self.number.kind() != SenderKind::Name
    }
}

/// Whether `account` may send from `number` (`None`: the platform does not know it), as far as the number goes.
///
/// Answers [`ErrorCode::SenderNumberNotAvailable`], [`ErrorCode::NumberNotOwned`] or
/// [`ErrorCode::SenderNumberNotActive`], in this order.
pub fn may_send(account: AccountId, number: Option<&Number>) -> Result<(), ErrorCode> {
    let number = number.ok_or(ErrorCode::SenderNumberNotAvailable)?;
    match number.state {
        NumberState::Released | NumberState::Unavailable => Err(ErrorCode::SenderNumberNotAvailable),
        _ if number.account != Some(account) => Err(ErrorCode::NumberNotOwned),
        NumberState::Pending | NumberState::Suspended | NumberState::Deactivated => {
            Err(ErrorCode::SenderNumberNotActive)
        }
        NumberState::Active => Ok(()),
    }
}

/// The side of a message that is blocked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum BlockKind {
    /// Nothing is sent to the number.
    Recipient,
    /// Nothing is sent from the number.
    Sender,
}

impl BlockKind {
    /// The kind's name in the admin API and in the store.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Recipient => "recipient",
            Self::Sender => "sender",
        }
    }

    /// The kind with this name.
    pub fn parse(text: &str) -> Option<Self> {
        [Self::Recipient, Self::Sender].into_iter().find(|kind| kind.as_str() == text)
    }
}

/// An address that may not be sent to, or from. Address, kind and account together name it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Block {
    /// The blocked address. A recipient is always a number.
    pub number: Originator,
    /// On which side.
    pub kind: BlockKind,
    /// The account; `None` for all accounts.
    pub account: Option<AccountId>,
    /// The reason, in the operator's words.
    pub reason: Option<String>,
    /// Since when.
    pub created_at: Timestamp,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::entropy::SeededEntropy;

    #[test]
    fn the_first_reason_against_a_number_is_the_one_told() {
        let entropy = SeededEntropy::new(1);
        let (mine, theirs) =
            (AccountId::new(Timestamp::default(), &entropy), AccountId::new(Timestamp::default(), &entropy));
        let number = |account, state| Number {
            number: Originator::parse("+18005559876").unwrap(),
            account,
            state,
            segments_per_second: None,
            created_at: Timestamp::default(),
        };
        assert_eq!(may_send(mine, None), Err(ErrorCode::SenderNumberNotAvailable));
        for (account, state, verdict) in [
            (Some(mine), NumberState::Active, Ok(())),
            (Some(mine), NumberState::Pending, Err(ErrorCode::SenderNumberNotActive)),
            (Some(mine), NumberState::Suspended, Err(ErrorCode::SenderNumberNotActive)),
            (Some(mine), NumberState::Deactivated, Err(ErrorCode::SenderNumberNotActive)),
            (Some(mine), NumberState::Released, Err(ErrorCode::SenderNumberNotAvailable)),
            (Some(theirs), NumberState::Unavailable, Err(ErrorCode::SenderNumberNotAvailable)),
            (Some(theirs), NumberState::Active, Err(ErrorCode::NumberNotOwned)),
            (Some(theirs), NumberState::Pending, Err(ErrorCode::NumberNotOwned)),
            (None, NumberState::Active, Err(ErrorCode::NumberNotOwned)),
        ] {
            assert_eq!(may_send(mine, Some(&number(account, state))), verdict, "{account:?} {state:?}");
        }
    }

    #[test]
    fn a_sender_receives_while_it_is_held_unless_it_is_a_name() {
        let mine = AccountId::new(Timestamp::default(), &SeededEntropy::new(1));
        let number = |text: &str, account, state| Number {
            number: Originator::parse(text).unwrap(),
            account,
            state,
            segments_per_second: None,
            created_at: Timestamp::default(),
        };
        for state in NumberState::ALL {
            let is_held = !matches!(state, NumberState::Released | NumberState::Unavailable);
            assert_eq!(number("+18005559876", Some(mine), state).receives(), is_held, "{state:?}");
            assert_eq!(number("72345", Some(mine), state).receives(), is_held, "{state:?}");
            assert!(!number("ACME", Some(mine), state).receives());
            assert!(!number("+18005559876", None, state).receives());
        }
    }
}
