//! The sum of two unlike models: the rules with their classifier, and the network.

use std::cell::Cell;
use std::ops::Range;

use crate::category::{COUNT, Category};
use crate::network::{Cut, Network, Prepared, Probe};
use crate::points::Points;
use crate::reading::Reading;
use crate::text::token::Kind;
use crate::verdict::Certainty;

/// What the log-odds of the rules count beside those of the network.
const RULES: f32 = 0.5;
/// The rules do not take away more than this, however little they find. What they add has no bound, so that a rule of
/// an operator decides alone where it weighs enough.
const RULES_LEAST: f32 = -5.0;

/// From these log-odds of the rules on, a finding is at least unsure, whatever the network says: it knows no links.
const RULES_SURE: f32 = 3.5;

/// How far the log-odds of a second category may lie below those of the first: a text that is hardly innocent is hardly
/// anything else either, and an offer of beer has a trace of tobacco and gambling.
const NEAR: f32 = 2.5;

/// What is said about a message.
pub(crate) struct Opinion<'a> {
    rules: [f32; COUNT],
    network: Option<OfNetwork<'a>>,
    odds: [f32; COUNT],
    points: Points,
}

/// What the network says, and to what.
struct OfNetwork<'a> {
    network: &'a Network,
    prepared: Prepared,
    cut: Cut,
    odds: [f32; COUNT],
    /// The part of a message is looked for once: for the strongest finding that the network makes alone.
    probed: Cell<bool>,
}

impl<'a> Opinion<'a> {
    /// Where the network has no say, the log-odds of the rules are the log-odds.
    pub(crate) const fn of_rules(rules: [f32; COUNT], points: Points) -> Self {
        Self { rules, network: None, odds: rules, points }
    }

    /// The log-odds of the network, and half of those of the rules.
    pub(crate) fn of_both(rules: [f32; COUNT], network: &'a Network, prepared: Prepared, points: Points) -> Self {
        let cut = network.cut(&prepared.text);
        let of_network = network.log_odds(&cut.numbers);
        let review = (points.review / (1.0 - points.review)).ln() + 1e-3;
        let odds = std::array::from_fn(|at| {
            let sum: f32 = of_network[at] + of_rules(rules[at]);
            if rules[at] >= RULES_SURE { sum.max(review) } else { sum }
        });
        let network = Some(OfNetwork { network, prepared, cut, odds: of_network, probed: Cell::new(false) });
        Self { rules, network, odds, points }
    }

    /// The score of each category, from 0 to 1.
    pub(crate) fn scores(&self) -> [f32; COUNT] {
        self.odds.map(sigmoid)
    }

    /// The categories that are found, the strongest first.
    pub(crate) fn found(&self) -> Vec<Category> {
        let odds = |category: Category| self.odds[category.index()];
        let mut found = Category::ALL.to_vec();
        found.sort_by(|left, right| odds(*right).total_cmp(&odds(*left)));
        let best = found[0];
        found.retain(|category| {
            self.score(*category) >= self.points.review
                && odds(*category) >= odds(best) - NEAR
                && !alike(best, *category)
        });
        found
    }

    pub(crate) fn score(&self, category: Category) -> f32 {
        sigmoid(self.odds[category.index()])
    }

    pub(crate) fn certainty(&self, category: Category) -> Certainty {
        if self.score(category) >= self.points.block { Certainty::Sure } else { Certainty::Unsure }
    }

    /// The log-odds of the category by the network, if it has a say.
    pub(crate) fn of_network(&self, category: Category) -> Option<f32> {
        self.network.as_ref().map(|network| network.odds[category.index()])
    }

    /// Whether the network says more for the category than the rules and their classifier.
    pub(crate) fn is_of_network(&self, category: Category) -> bool {
        self.of_network(category).is_some_and(|odds| odds > of_rules(self.rules[category.index()]))
    }

    /// The tokens without which the score of the category would stay below the point that it reached; all of them where
    /// there is no smaller part.
    pub(crate) fn part(&self, category: Category, reading: &Reading<'_>) -> Range<usize> {
        let all = 0..reading.tokens.len();
        let Some(of) = self.network.as_ref().filter(|of| !of.probed.replace(true)) else { return all };
        let point = match self.certainty(category) {
            Certainty::Sure => self.points.block,
            Certainty::Unsure => self.points.review,
        };
        let least = (point / (1.0 - point)).ln() - of_rules(self.rules[category.index()]);
        let is_link = |token: &crate::text::token::Token<'_>| token.kind == Kind::Link;
        let links = reading
            .tokens
            .iter()
            .position(is_link)
            .zip(reading.tokens.iter().rposition(is_link))
            .map(|(first, last)| first..last + 1);
        Probe::new(of.network, &of.prepared, &of.cut, links).part(category.index(), least)
    }
}

/// Phishing and fraud name one deed from two sides; one of the two is enough.
fn alike(best: Category, other: Category) -> bool {
    matches!((best, other), (Category::Phishing, Category::Fraud) | (Category::Fraud, Category::Phishing))
}

fn of_rules(odds: f32) -> f32 {
    RULES * odds.max(RULES_LEAST)
}

fn sigmoid(value: f32) -> f32 {
    1.0 / (1.0 + (-value).exp())
}
