//! What the screen says about a message.

use crate::category::{COUNT, Category};
use crate::language::Language;

/// The verdict on one message: a score for every category, and a finding for each that reached the point of review.
#[derive(Debug, Clone, PartialEq)]
pub struct Verdict {
    /// The findings, the strongest first. Empty when nothing was found.
    pub findings: Vec<Finding>,
    /// In which language the message is written. The network has no say on one that is not English.
    pub language: Language,
    pub(crate) scores: [f32; COUNT],
}

impl Verdict {
    /// Whether the message would be refused under the default policy.
    #[must_use]
    pub fn is_violation(&self) -> bool {
        self.certainty() == Some(Certainty::Sure)
    }

    /// How certain the surest finding is; `None` when nothing was found.
    #[must_use]
    pub fn certainty(&self) -> Option<Certainty> {
        self.findings.iter().map(|finding| finding.certainty).max()
    }

    /// The categories found, the strongest first.
    pub fn categories(&self) -> impl Iterator<Item = Category> + '_ {
        self.findings.iter().map(|finding| finding.category)
    }

    /// How sure the screen is of `category`: from 0 to 1, a finding from [`REVIEW`](crate::points::REVIEW), or from
    /// [`RULES_ALONE`](crate::points::RULES_ALONE) in a language that is not English.
    #[must_use]
    pub const fn score(&self, category: Category) -> f32 {
        self.scores[category.index()]
    }

    /// What would help, one sentence for each category that was found; no sentence twice.
    #[must_use]
    pub fn help(&self) -> Vec<&str> {
        let mut help: Vec<&str> = Vec::new();
        for finding in &self.findings {
            if !help.contains(&finding.help.as_str()) {
                help.push(&finding.help);
            }
        }
        help
    }

    /// Every match of every finding, in the order of the text.
    #[must_use]
    pub fn matches(&self) -> Vec<Match> {
        let mut all: Vec<Match> = self
            .findings
            .iter()
            .flat_map(|finding| finding.spans.iter().map(|span| Match { span: *span, category: finding.category }))
            .collect();
        all.sort_by_key(|one| (one.span.start, one.span.end, one.category));
        all
    }
}

/// How certain a finding is. Later ones are more certain.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Certainty {
    /// Between the points: one of these in several is innocent, so that a person should look.
    Unsure,
    /// From [`BLOCK`](crate::points::BLOCK) on.
    Sure,
}

impl Certainty {
    /// Both, the surer one first.
    pub const ALL: [Self; 2] = [Self::Sure, Self::Unsure];

    /// Its name for operators.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Sure => "sure",
            Self::Unsure => "unsure",
        }
    }
}

/// A category that was found, and why.
#[derive(Debug, Clone, PartialEq)]
pub struct Finding {
    /// Which category.
    pub category: Category,
    /// From the point of review to 1.
    pub score: f32,
    /// On which side of [`BLOCK`](crate::points::BLOCK) the score is; sure in a language that is not English.
    pub certainty: Certainty,
    /// The places of the message that led to it, in order and without overlap; at least one.
    pub spans: Vec<Span>,
    /// What decided: rules, features of the classifier, the network, and of each kind the strongest first.
    pub reasons: Vec<Reason>,
    /// What would help the sender of this message, in one sentence. It has no word of the message.
    pub help: String,
}

/// A part of the message as it was sent.
///
/// Both ends are positions of characters: they count Unicode scalar values of the original text from 1, and both are
/// part of the span. `{"start": 1, "end": 14}` is the first fourteen characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Span {
    /// The first character, from 1.
    pub start: usize,
    /// The last character, at least `start` and at most the length of the text.
    pub end: usize,
}

/// A span and the category that it led to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Match {
    /// Where.
    pub span: Span,
    /// To what it led.
    pub category: Category,
}

/// A rule that held, a feature that the classifier weighed, or the opinion of the network.
#[derive(Debug, Clone, PartialEq)]
pub enum Reason {
    /// A rule of the data, by its name, and its weight in log-odds.
    Rule {
        /// As it stands in the rules.
        name: String,
        /// Its weight in log-odds.
        weight: f32,
    },
    /// A feature of the classifier, and what it added in log-odds.
    Feature {
        /// Words of the message, or the names of concepts.
        name: String,
        /// What it added in log-odds.
        weight: f32,
    },
    /// The network, which reads the wording of the whole message. Where neither a rule nor the classifier speaks for
    /// the category, the span is the part without which the score would stay below the point that it reached.
    Network {
        /// Its log-odds of the category against an innocent message.
        weight: f32,
    },
}

/// For a reviewer: what it was, and what it weighed.
impl std::fmt::Display for Reason {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Rule { name, weight } => write!(f, "rule {name} {weight:+.1}"),
            Self::Feature { name, weight } => write!(f, "words {name} {weight:+.1}"),
            Self::Network { weight } => write!(f, "network, by the wording {weight:+.1}"),
        }
    }
}
