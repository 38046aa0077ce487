//! Accounts: state and limits.

use std::fmt;
use std::num::NonZeroU16;
use std::sync::Arc;

use crate::clock::Timestamp;
use crate::id::AccountId;

/// Whether an account may use the API at all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AccountState {
    /// It may.
    Active,
    /// Not for now; what it had accepted is still sent.
    Suspended,
    /// Not any more; what it had accepted is still sent.
    Disabled,
}

impl AccountState {
    /// Every state, in the order of the operator's contract.
    pub const ALL: [Self; 3] = [Self::Active, Self::Suspended, Self::Disabled];

    /// The state's name in the admin API and in the store.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Suspended => "suspended",
            Self::Disabled => "disabled",
        }
    }

    /// The state with this name.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.as_str() == text)
    }
}

/// The limits of an account.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// `POST /message` requests in a window of 60 s.
    pub message_per_minute: u32,
    /// `POST /broadcast` requests in a window of 60 s.
    pub broadcast_per_minute: u32,
    /// Reading requests in a window of 60 s.
    pub read_per_minute: u32,
    /// Recipients in a UTC day.
    pub daily_quota: u64,
}

/// Changes of limits. `None` changes nothing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LimitsChange {
    /// `POST /message` requests in a window of 60 s.
    pub message_per_minute: Option<u32>,
    /// `POST /broadcast` requests in a window of 60 s.
    pub broadcast_per_minute: Option<u32>,
    /// Reading requests in a window of 60 s.
    pub read_per_minute: Option<u32>,
    /// Recipients in a UTC day.
    pub daily_quota: Option<u64>,
}

impl Limits {
    /// These limits, with the changes of `change`.
    #[must_use]
    pub fn with(self, change: LimitsChange) -> Self {
        Self {
            message_per_minute: change.message_per_minute.unwrap_or(self.message_per_minute),
            broadcast_per_minute: change.broadcast_per_minute.unwrap_or(self.broadcast_per_minute),
            read_per_minute: change.read_per_minute.unwrap_or(self.read_per_minute),
            daily_quota: change.daily_quota.unwrap_or(self.daily_quota),
        }
    }
}

/// The retention of the texts of an account, if it is shorter than the platform's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TextRetention {
    /// Until the message has ended.
    Discard,
    /// So many days from the acceptance of the message, and in any case until it has ended.
    Days(NonZeroU16),
}

impl TextRetention {
    /// The most days that an account or the platform may have.
    pub const DAYS_MAX: u16 = 3_650;

    /// The rule with this name: `discard`, or a number of days from 1 to [`Self::DAYS_MAX`].
    pub fn parse(text: &str) -> Option<Self> {
        if text == "discard" {
            return Some(Self::Discard);
        }
        text.parse().ok().and_then(Self::of_days)
    }

    /// The rule of so many days, if that many are allowed.
    pub fn of_days(days: u16) -> Option<Self> {
        NonZeroU16::new(days).filter(|days| days.get() <= Self::DAYS_MAX).map(Self::Days)
    }
}

impl fmt::Display for TextRetention {
    /// The rule's name in the store and on the command line.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Discard => f.write_str("discard"),
            Self::Days(days) => days.fmt(f),
        }
    }
}

/// An account as the store holds it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Account {
    /// Its id.
    pub id: AccountId,
    /// The operator's name for it.
    pub name: String,
    /// Whether it may send.
    pub state: AccountState,
    /// Its limits.
    pub limits: Limits,
    /// Its screening policy as JSON; the platform's default where there is none.
    pub screening: Option<Arc<str>>,
    /// The retention of its texts; `None` for the platform's rule.
    pub retention: Option<TextRetention>,
    /// The time of its creation.
    pub created_at: Timestamp,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rule_for_texts_reads_back() {
        for text in ["discard", "1", "30", "3650"] {
            assert_eq!(TextRetention::parse(text).map(|rule| rule.to_string()).as_deref(), Some(text));
        }
        for text in ["", "0", "3651", "-1", "70000", "Discard", "7 days"] {
            assert_eq!(TextRetention::parse(text), None, "{text}");
        }
    }
}
