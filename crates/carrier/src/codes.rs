//! The codes of a carrier's answers, for the operator: count, meaning and consequence.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use wire::receipt::ReceiptState;
use wire::smpp::CommandStatus;

use crate::action::{Action, BindAction};

/// Distinct codes that are counted by themselves. A carrier has a few dozen; one that makes up a new code for each
/// message must not fill the memory.
pub const CODES_MAX: usize = 200;

/// Octets of a code that are kept.
const CODE_BYTES_MAX: usize = 120;

/// What a code answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Answers {
    /// A bind.
    Bind,
    /// A segment, or a whole multimedia message.
    Message,
    /// It came in a receipt.
    Receipt,
}

impl Answers {
    /// In one word.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Bind => "bind",
            Self::Message => "message",
            Self::Receipt => "receipt",
        }
    }
}

/// What follows from a code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Consequence {
    /// The carrier accepted it.
    Accepted,
    /// It is tried again later.
    Retry,
    /// The carrier rests, and it is tried again.
    Throttled,
    /// It fails.
    Failed,
    /// No answer: it is sent again or held, as the route says.
    Unknown,
    /// The next bind waits for `refused_retry_secs`.
    Refused,
    /// The handset has it.
    Delivered,
    /// It will not arrive.
    Undelivered,
    /// Nothing: a final receipt may follow.
    Nothing,
}

impl Consequence {
    /// In one word.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Accepted => "accepted",
            Self::Retry => "retry",
            Self::Throttled => "throttled",
            Self::Failed => "failed",
            Self::Unknown => "unknown",
            Self::Refused => "refused",
            Self::Delivered => "delivered",
            Self::Undelivered => "undelivered",
            Self::Nothing => "none",
        }
    }

    /// Of a status that is answered with this action.
    pub(crate) const fn of(action: Action) -> Self {
        match action {
            Action::Accept => Self::Accepted,
            Action::Throttle => Self::Throttled,
            Action::QueueFull | Action::Retry | Action::Rebind => Self::Retry,
            Action::Reject | Action::InvalidDestination | Action::Block | Action::Expire => Self::Failed,
        }
    }

    /// Of a status that refuses a bind.
    pub(crate) const fn of_bind(action: BindAction) -> Self {
        match action {
            BindAction::Refused => Self::Refused,
            BindAction::Retry => Self::Retry,
        }
    }

    const fn of_state(state: ReceiptState) -> Self {
        match state {
            ReceiptState::Delivered => Self::Delivered,
            ReceiptState::Expired
            | ReceiptState::Deleted
            | ReceiptState::Undeliverable
            | ReceiptState::Rejected
            | ReceiptState::Skipped => Self::Undelivered,
            ReceiptState::Scheduled | ReceiptState::Enroute | ReceiptState::Accepted | ReceiptState::Unknown => {
                Self::Nothing
            }
        }
    }
}

/// A code, as it is told from others.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Code {
    /// A `command_status`.
    Status(u32),
    /// A code in words or digits of the carrier's own.
    Text(String),
    /// The state of a receipt, and its `err:`.
    Report(&'static str, Option<String>),
}

/// How often a code came.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CodeCount {
    /// What it answers.
    pub answers: Answers,
    /// The code as the carrier has it: a number, or words. Of a receipt its `err:`; empty where it has none.
    pub code: String,
    /// Its name in the specification, or the state of the receipt.
    pub name: Option<String>,
    /// What it means, in words.
    pub meaning: Option<&'static str>,
    /// What followed when it came last.
    pub consequence: Consequence,
    /// How often it came since the start.
    pub count: u64,
}

/// All codes of a carrier.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CodeCounts {
    /// By what they answer, the most frequent first.
    pub codes: Vec<CodeCount>,
    /// Answers with codes beyond the first [`CODES_MAX`].
    pub other: u64,
}

/// Counts codes.
#[derive(Debug, Default)]
pub struct Codes(Mutex<Counted>);

#[derive(Debug, Default)]
struct Counted {
    codes: BTreeMap<(Answers, Code), (Consequence, u64)>,
    other: u64,
}

impl Codes {
    /// A `command_status` came.
    pub(crate) fn status(&self, answers: Answers, status: CommandStatus, consequence: Consequence) {
        self.count((answers, Code::Status(status.0)), consequence);
    }

    /// An answer came that says so in words, or none came.
    pub(crate) fn text(&self, text: &str, consequence: Consequence) {
        self.count((Answers::Message, Code::Text(cut(text))), consequence);
    }

    /// A receipt came.
    pub(crate) fn receipt(&self, state: ReceiptState, error: Option<&str>) {
        let code = Code::Report(state.stat(), error.map(cut));
        self.count((Answers::Receipt, code), Consequence::of_state(state));
    }

    fn count(&self, key: (Answers, Code), consequence: Consequence) {
        let mut counted = self.lock();
        let is_full = counted.codes.len() >= CODES_MAX;
        match counted.codes.get_mut(&key) {
            Some(entry) => *entry = (consequence, entry.1 + 1),
            None if is_full => counted.other += 1,
            None => drop(counted.codes.insert(key, (consequence, 1))),
        }
    }

    /// All counts.
    pub fn counts(&self) -> CodeCounts {
        let counted = self.lock();
        let mut codes: Vec<CodeCount> = counted.codes.iter().map(|(key, entry)| shown(key, *entry)).collect();
        codes.sort_by_key(|code| (code.answers, std::cmp::Reverse(code.count)));
        CodeCounts { codes, other: counted.other }
    }

    fn lock(&self) -> MutexGuard<'_, Counted> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn shown((answers, code): &(Answers, Code), (consequence, count): (Consequence, u64)) -> CodeCount {
    let (code, name, meaning) = match code {
        Code::Status(number) => {
            let status = CommandStatus(*number);
            (format!("{number:#010x}"), status.name().map(str::to_owned), status.meaning())
        }
        Code::Text(text) => (text.clone(), None, None),
        Code::Report(state, error) => (error.clone().unwrap_or_default(), Some((*state).to_owned()), meaning(state)),
    };
    CodeCount { answers: *answers, code, name, meaning, consequence, count }
}

/// What the state of a receipt means.
fn meaning(state: &str) -> Option<&'static str> {
    let state = ReceiptState::ALL.into_iter().find(|known| known.stat() == state)?;
    Some(match state {
        ReceiptState::Scheduled => "to be sent later",
        ReceiptState::Enroute => "on its way",
        ReceiptState::Delivered => "the handset has it",
        ReceiptState::Expired => "its validity period ended",
        ReceiptState::Deleted => "it was deleted",
        ReceiptState::Undeliverable => "it cannot be delivered",
        ReceiptState::Accepted => "the next centre took it",
        ReceiptState::Unknown => "the carrier does not know",
        ReceiptState::Rejected => "it was refused",
        ReceiptState::Skipped => "it was passed over",
    })
}

fn cut(text: &str) -> String {
    text[..text.floor_char_boundary(CODE_BYTES_MAX)].to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_is_counted_with_its_name_its_meaning_and_its_last_consequence() {
        let codes = Codes::default();
        for (status, action) in [
            (CommandStatus::ROK, Action::Accept),
            (CommandStatus::RTHROTTLED, Action::Throttle),
            (CommandStatus(0x401), Action::Retry),
            (CommandStatus::ROK, Action::Accept),
        ] {
            codes.status(Answers::Message, status, Consequence::of(action));
        }
        codes.receipt(ReceiptState::Undeliverable, Some("027"));
        let counts = codes.counts();
        let seen: Vec<_> = counts
            .codes
            .iter()
            .map(|code| (&*code.code, code.name.as_deref(), code.meaning, code.consequence.as_str(), code.count))
            .collect();
        assert_eq!(
            seen,
            [
                ("0x00000000", Some("ESME_ROK"), Some("no error"), "accepted", 2),
                ("0x00000058", Some("ESME_RTHROTTLED"), Some("too many messages in too short a time"), "throttled", 1),
                ("0x00000401", None, None, "retry", 1),
                ("027", Some("UNDELIV"), Some("it cannot be delivered"), "undelivered", 1),
            ]
        );
        assert_eq!(counts.other, 0);
    }

    #[test]
    fn codes_beyond_the_bound_are_counted_together() {
        let codes = Codes::default();
        for number in 0..CODES_MAX as u32 + 50 {
            codes.status(Answers::Message, CommandStatus(number), Consequence::Retry);
        }
        codes.status(Answers::Message, CommandStatus(0), Consequence::Retry);
        let counts = codes.counts();
        assert_eq!((counts.codes.len(), counts.other), (CODES_MAX, 50));
        assert_eq!(counts.codes[0].count, 2);
    }
}
