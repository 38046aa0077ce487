//! Recorded decisions of the compliance screen: the text, the findings, and the outcome.

use std::sync::Arc;

use crate::clock::Timestamp;
use crate::id::{AccountId, BroadcastId, MessageId, ScreeningId, TemplateId};
use crate::key::Mode;
use crate::originator::Originator;

/// The outcome for a text with findings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ScreeningOutcome {
    /// The request was refused (33019).
    Blocked,
    /// The request was accepted and marked.
    Flagged,
}

impl ScreeningOutcome {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Blocked, Self::Flagged];

    /// Its name in the admin API and in the store.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Blocked => "blocked",
            Self::Flagged => "flagged",
        }
    }

    /// The outcome with this name.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|outcome| outcome.as_str() == text)
    }
}

/// The certainty of the screen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ScreeningCertainty {
    /// From the score on that blocks by default.
    Sure,
    /// Below it: a person should look.
    Unsure,
}

impl ScreeningCertainty {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Sure, Self::Unsure];

    /// Its name in the admin API, in metrics and in the store.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Sure => "sure",
            Self::Unsure => "unsure",
        }
    }

    /// The certainty with this name.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|certainty| certainty.as_str() == text)
    }
}

/// What a flagged record is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Screened {
    /// A message.
    Message(MessageId),
    /// A broadcast, screened once for all of its recipients.
    Broadcast(BroadcastId),
}

/// A decision of the screen, kept for review.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ScreeningRecord {
    /// Its id; ids sort by time.
    pub id: ScreeningId,
    /// The account of the text.
    pub account: AccountId,
    /// The mode of its key.
    pub mode: Mode,
    /// The time of the decision.
    pub at: Timestamp,
    /// The outcome for the text.
    pub outcome: ScreeningOutcome,
    /// The certainty of the surest finding.
    pub certainty: ScreeningCertainty,
    /// What it became; nothing where it was blocked.
    pub about: Option<Screened>,
    /// From which address it was to leave.
    pub originator: Originator,
    /// The names of the categories that were found, the surest first.
    pub categories: Vec<String>,
    /// The findings as JSON, for a reviewer: category, certainty, score, spans, reasons and help of each.
    pub findings: String,
    /// The text.
    pub body: Arc<str>,
    /// An operator's judgement of the decision, if there was one.
    pub review: Option<ScreeningReview>,
}

/// An operator's judgement of a decision of the screen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ScreeningReview {
    /// The time of the review.
    pub at: Timestamp,
    /// Whether the decision was right.
    pub is_correct: bool,
    /// The note of the operator.
    pub note: Option<String>,
}

/// A text that an operator approved for an account, with placeholders for the variable parts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ScreeningTemplate {
    /// Its id; ids sort by time.
    pub id: TemplateId,
    /// The account whose texts pass under it.
    pub account: AccountId,
    /// The text. An account has each text once.
    pub text: Arc<str>,
    /// The note of the operator.
    pub note: Option<String>,
    /// The time of its approval.
    pub created_at: Timestamp,
}

impl ScreeningTemplate {
    /// The most that an account may have.
    pub const PER_ACCOUNT_MAX: usize = 1_000;
}
