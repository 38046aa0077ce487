//! Findings of the compliance screen, counted by category, certainty and outcome; and texts that are not English.

use std::sync::OnceLock;
use std::time::Instant;

use model::sampler::{Line, Sampler};
use model::{AccountId, ScreeningCertainty, ScreeningOutcome};
use screening::{Category, Certainty, Language, Verdict};

use crate::count::Counter;

/// Log lines a second about texts that are not English.
const LINES_PER_SECOND: u32 = 1;

/// Languages and scripts that are counted by name. The screen knows fewer.
const LANGUAGES_MAX: usize = 64;

/// The name for all other languages.
const MORE: &str = "more";

/// The outcome for a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// Nothing was found, or the policy does not look at it.
    Passed,
    /// There are findings.
    Found(ScreeningOutcome),
}

impl Fate {
    /// All of them.
    pub const ALL: [Self; 3] =
        [Self::Passed, Self::Found(ScreeningOutcome::Flagged), Self::Found(ScreeningOutcome::Blocked)];

    /// Its name in metrics.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Passed => "passed",
            Self::Found(outcome) => outcome.as_str(),
        }
    }

    const fn index(self) -> usize {
        match self {
            Self::Passed => 0,
            Self::Found(ScreeningOutcome::Flagged) => 1,
            Self::Found(ScreeningOutcome::Blocked) => 2,
        }
    }
}

/// Counts of findings. They have few labels: 10 categories, 2 certainties and 2 outcomes, and 64 languages.
#[derive(Debug)]
pub struct ScreeningCounters {
    /// By category, certainty and outcome.
    findings: [[[Counter; 2]; 2]; Category::ALL.len()],
    languages: [OfLanguage; LANGUAGES_MAX],
    more: [Counter; 3],
    lines: Sampler,
}

/// Texts in one language, by outcome.
#[derive(Debug, Default)]
struct OfLanguage {
    name: OnceLock<&'static str>,
    counts: [Counter; 3],
}

impl Default for ScreeningCounters {
    fn default() -> Self {
        Self {
            findings: Default::default(),
            languages: std::array::from_fn(|_| OfLanguage::default()),
            more: Default::default(),
            lines: Sampler::new(LINES_PER_SECOND),
        }
    }
}

impl ScreeningCounters {
    /// Counts the verdict on a text of `account`. A finding in a text that is not English gets a log line, because the
    /// screen was measured on English, and only links and words count there.
    pub(crate) fn screened(&self, account: AccountId, verdict: &Verdict, fate: Fate, now: impl Fn() -> Instant) {
        if let Fate::Found(outcome) = fate {
            for finding in &verdict.findings {
                self.findings[finding.category as usize][finding.certainty as usize][outcome as usize].add();
            }
        }
        let Language::Other(language) = verdict.language else { return };
        self.of_language(language)[fate.index()].add();
        if fate == Fate::Passed {
            return;
        }
        let Some(Line { left_out }) = self.lines.line(now()) else { return };
        let categories = verdict.categories().map(Category::name).collect::<Vec<_>>().join(" ");
        let fate = fate.as_str();
        tracing::info!(
            %account, language, categories, outcome = fate, left_out,
            "A text of {account} that is not English was {fate}: {language}, {categories}"
        );
    }

    fn of_language(&self, name: &'static str) -> &[Counter; 3] {
        let named = self.languages.iter().find(|of| *of.name.get_or_init(|| name) == name);
        named.map_or(&self.more, |of| &of.counts)
    }

    /// Findings in texts that were blocked or marked, each with its count.
    pub fn findings(&self) -> impl Iterator<Item = (Category, ScreeningCertainty, ScreeningOutcome, u64)> {
        let kinds = || {
            let with_all = |certainty| ScreeningOutcome::ALL.map(|outcome| (certainty, outcome));
            [(Certainty::Unsure, ScreeningCertainty::Unsure), (Certainty::Sure, ScreeningCertainty::Sure)]
                .into_iter()
                .flat_map(with_all)
        };
        Category::ALL.into_iter().flat_map(move |category| {
            kinds().map(move |((of_screen, certainty), outcome)| {
                let count = &self.findings[category as usize][of_screen as usize][outcome as usize];
                (category, certainty, outcome, count.get())
            })
        })
    }

    /// Texts in other languages than English: the language, the outcome, and their number.
    pub fn languages(&self) -> impl Iterator<Item = (&'static str, Fate, u64)> {
        let named = self.languages.iter().filter_map(|of| Some((*of.name.get()?, &of.counts)));
        let more = std::iter::once((MORE, &self.more)).filter(|(_, counts)| counts.iter().any(|count| count.get() > 0));
        named
            .chain(more)
            .flat_map(|(name, counts)| Fate::ALL.into_iter().map(move |fate| (name, fate, counts[fate.index()].get())))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use screening::{Policy, Screen};

    #[test]
    fn findings_are_counted_by_category_certainty_and_outcome() {
        let (counters, screen) = (ScreeningCounters::default(), Screen::builtin());
        let account = AccountId::new(model::Timestamp::from_millis(0), &model::SeededEntropy::new(1));
        let decision = screen.decide("Cheap vodka delivered to your door tonight, order now", &Policy::default());
        let certainty = decision.verdict.findings[0].certainty;
        for (fate, times) in [(Fate::Passed, 4), (Fate::ALL[1], 2), (Fate::ALL[2], 3)] {
            (0..times).for_each(|_| counters.screened(account, &decision.verdict, fate, Instant::now));
        }
        let found: Vec<_> = counters.findings().filter(|(.., count)| *count > 0).collect();
        let of = match certainty {
            Certainty::Sure => ScreeningCertainty::Sure,
            Certainty::Unsure => ScreeningCertainty::Unsure,
        };
        let wanted = [(ScreeningOutcome::Blocked, 3), (ScreeningOutcome::Flagged, 2)]
            .map(|(outcome, count)| (Category::Alcohol, of, outcome, count));
        assert_eq!(found, wanted);
        assert_eq!(counters.findings().count(), 40);
        assert_eq!(counters.languages().count(), 0, "it is English");
    }

    #[test]
    fn languages_are_counted_by_name_up_to_a_bound() {
        let counters = ScreeningCounters::default();
        let names: Vec<&'static str> =
            (0..100).map(|n| &*Box::leak(format!("language {n}").into_boxed_str())).collect();
        for name in names.iter().chain(&names[..3]) {
            counters.of_language(name)[Fate::Passed.index()].add();
        }
        let counted: Vec<_> = counters.languages().filter(|(.., count)| *count > 0).collect();
        assert_eq!(counted.len(), LANGUAGES_MAX + 1);
        assert_eq!(counted[0], ("language 0", Fate::Passed, 2));
        assert_eq!(counted[LANGUAGES_MAX], (MORE, Fate::Passed, 100 - LANGUAGES_MAX as u64));
    }
}
