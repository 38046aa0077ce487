//! Accounts: who sends, whether they may, and how much.

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

/// How much an account may ask of the API.
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

/// What is to change about limits. `None` leaves a limit as it is.
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
    /// These limits, with what `change` gives in their place.
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

/// An account as the store holds it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Account {
    /// Its id.
    pub id: AccountId,
    /// What the operator calls it.
    pub name: String,
    /// Whether it may send.
    pub state: AccountState,
    /// How much it may send.
    pub limits: Limits,
    /// Its screening policy as JSON; the platform's default where there is none.
    pub screening: Option<Arc<str>>,
    /// When it was made.
    pub created_at: Timestamp,
}
