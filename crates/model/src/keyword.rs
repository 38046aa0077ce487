//! Keywords of inbound messages, and the automatic messages that answer them.

use std::sync::Arc;

/// The meaning of a keyword.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum KeywordKind {
    /// No more messages.
    Stop,
    /// Messages again.
    Start,
    /// Information about the sender, and how to stop messages.
    Help,
}

impl KeywordKind {
    /// Every kind.
    pub const ALL: [Self; 3] = [Self::Stop, Self::Start, Self::Help];

    /// The kind's name in the API and in the store.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Stop => "stop",
            Self::Start => "start",
            Self::Help => "help",
        }
    }

    /// The kind with this name.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == text)
    }
}

/// The keyword that a text is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Keyword {
    /// Its meaning.
    pub kind: KeywordKind,
    /// The word of the list that matched, in upper case: `STOP`.
    pub word: Arc<str>,
}
