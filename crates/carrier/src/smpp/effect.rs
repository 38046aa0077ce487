//! The effects of a session's input, which its link performs.

use model::unmatched::Reason;

use crate::action::BindAction;
use crate::{AckId, Inbound, Receipt, SubmissionOutcome};

/// What a session tells its link.
#[derive(Debug)]
pub(crate) enum Effect {
    /// The SMSC took the bind.
    Bound,
    /// It refused the bind, or answered it with another: why, and when the next is worth trying.
    Refused { why: String, action: BindAction },
    /// Nothing more is submitted on this session: why.
    Ending(&'static str),
    /// Something odd, for the log.
    Remark(String),
    /// A submission ended; how many segments were reserved for it.
    Outcome(SubmissionOutcome, usize),
    /// A late answer to a submission that had ended as unknown.
    LateOutcome(SubmissionOutcome),
    /// A report; its answer goes to [`Session::answer`](super::session::Session::answer) under this number.
    Receipt(Receipt, u32),
    /// A message of a handset, or a part of one; its answer has this name and goes to
    /// [`Session::answer`](super::session::Session::answer) under this number.
    Inbound(Box<Inbound>, AckId, u32),
    /// The SMSC had the answer of this name in time.
    Answered(AckId),
    /// Something that nothing here can use was refused: why, in a word and in words, and how it came.
    Unusable(Reason, &'static str, String),
    /// Something to count.
    Count(Counted),
    /// The session is over: close the connection.
    Close(String),
}

impl Effect {
    /// Whether the session is over with it.
    pub(crate) const fn ends(&self) -> bool {
        matches!(self, Self::Refused { .. } | Self::Close(_))
    }
}

/// What is counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Counted {
    Submitted,
    Throttled,
    Malformed,
    /// A Short Message Type 0, which was answered and dropped.
    Silent,
    /// A delivery that the SMSC was asked to bring later, since too many wait.
    PutOff,
}
