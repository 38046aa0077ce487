//! Which of the words that count for a number a text is.

use model::{Keyword, KeywordKind};

use super::fold::folded;
use super::lists::{STOP, YES, of_language, reserved};
use super::settings::KeywordSettings;

/// The words that count for a number.
pub(super) struct Words<'s> {
    /// The settings of the account and of the number. What either adds counts.
    pub(super) settings: [&'s KeywordSettings; 2],
    pub(super) accepts_yes: bool,
}

impl Words<'_> {
    /// The keyword that a folded text is.
    pub(super) fn keyword(&self, text: &str) -> Option<Keyword> {
        if let Some(word) = self.stop(text) {
            return Some(Keyword { kind: KeywordKind::Stop, word: word.into() });
        }
        let kind = match reserved(text)? {
            KeywordKind::Start if text == YES && !self.accepts_yes => return None,
            kind => kind,
        };
        Some(Keyword { kind, word: text.to_uppercase().into() })
    }

    /// Whether a folded text is a keyword that stops messages.
    pub(super) fn is_stop(&self, text: &str) -> bool {
        self.stop(text).is_some()
    }

    fn stop(&self, text: &str) -> Option<String> {
        if STOP.contains(&text) {
            return Some(text.to_uppercase());
        }
        let mut languages = self.settings.iter().flat_map(|settings| &settings.languages);
        let of_language = languages.find_map(|language| {
            of_language(*language).iter().find(|(word, _)| *word == text).map(|(_, shown)| (*shown).to_owned())
        });
        let mut added = self.settings.iter().flat_map(|settings| &settings.stop_words);
        of_language.or_else(|| added.any(|word| folded(word) == text).then(|| text.to_uppercase()))
    }
}
