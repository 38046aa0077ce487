//! Opt-outs: handsets that an account may send nothing to, because the handset said so, or the account or
//! the operator did.

use std::sync::Arc;

use crate::address::Msisdn;
use crate::clock::Timestamp;
use crate::id::MessageId;
use crate::originator::Originator;
use crate::owner::Owner;

/// The source of a change of an opt-out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OptOutSource {
    /// The handset sent a keyword, or a text that the account's policy takes for one.
    Keyword,
    /// The account asked for it through the API.
    Api,
    /// The operator asked for it.
    Operator,
    /// It came in an import.
    Import,
}

impl OptOutSource {
    /// Every source.
    pub const ALL: [Self; 4] = [Self::Keyword, Self::Api, Self::Operator, Self::Import];

    /// The source's name in the API and in the store.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Keyword => "keyword",
            Self::Api => "api",
            Self::Operator => "operator",
            Self::Import => "import",
        }
    }

    /// The source with this name.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|source| source.as_str() == text)
    }
}

/// The name of an opt-out: the owner of the messages, the recipient, and the sender.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct OptOutName {
    /// The owner of the messages: an account and a mode.
    pub owner: Owner,
    /// The handset.
    pub number: Msisdn,
    /// Only messages from this sender; `None` for every message of the account.
    pub from: Option<Originator>,
}

/// An opt-out in force.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OptOut {
    /// Its name.
    pub name: OptOutName,
    /// Its source.
    pub source: OptOutSource,
    /// The keyword that the recipient sent, as in the list of keywords.
    pub keyword: Option<Arc<str>>,
    /// The inbound message that asked for it.
    pub message: Option<MessageId>,
    /// The reason, in the words of the account or the operator.
    pub reason: Option<Arc<str>>,
    /// Since when.
    pub created_at: Timestamp,
}

/// One line of an opt-out's history. Lines are only ever added.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OptOutChange {
    /// Whether the handset is opted out since.
    pub is_out: bool,
    /// The opt-out as the change left it, or as it was when it ended; source, keyword, message, reason and time are
    /// those of the change.
    pub opt_out: OptOut,
}

/// The scope of an opt-out by keyword.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum OptOutScope {
    /// Every message of the account.
    #[default]
    Account,
    /// Messages from the number that the handset wrote to.
    Number,
}

impl OptOutScope {
    /// Every scope.
    pub const ALL: [Self; 2] = [Self::Account, Self::Number];

    /// The scope's name in the API and in the store.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Account => "account",
            Self::Number => "number",
        }
    }

    /// The scope with this name.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|scope| scope.as_str() == text)
    }
}
