//! Keywords in inbound texts: the texts that are keywords, the texts that seem to ask for an opt-out in other words,
//! and the settings of accounts and numbers for both.
//!
//! Reading order: `fold` (the comparison of texts), `lists` and `words` (the keywords), `suspicion` (other words),
//! [`settings`].

mod fold;
mod lists;
pub mod settings;
mod suspicion;
mod words;

pub use lists::Language;
pub use settings::{KeywordSettings, Mistake, Scope, Suspected};

use model::{Keyword, OptOutScope};

use fold::folded;
use words::Words;

/// The effective settings of a number: its own, then those of its account, then the defaults.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Keywords<'s> {
    account: &'s KeywordSettings,
    number: &'s KeywordSettings,
}

/// The classification of a whole text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Meaning {
    /// A keyword.
    Keyword(Keyword),
    /// It seems to ask for an opt-out in other words.
    Suspected(Suspected),
    /// Neither.
    Other,
}

impl<'s> Keywords<'s> {
    /// The settings of an account and of one of its numbers.
    pub const fn new(account: &'s KeywordSettings, number: &'s KeywordSettings) -> Self {
        Self { account, number }
    }

    /// Classifies a text. Only the whole text counts, never a part of it.
    pub fn meaning(&self, text: &str) -> Meaning {
        let text = folded(text);
        let words = Words { settings: [self.account, self.number], accepts_yes: self.accepts_yes() };
        if let Some(keyword) = words.keyword(&text) {
            return Meaning::Keyword(keyword);
        }
        match self.suspected() {
            Suspected::Ignore => Meaning::Other,
            policy if suspicion::asks_for_an_end(&text, |text| words.is_stop(text)) => Meaning::Suspected(policy),
            Suspected::Flag | Suspected::OptOut => Meaning::Other,
        }
    }

    /// Whether YES starts messages again.
    pub fn accepts_yes(&self) -> bool {
        self.first(|settings| settings.yes).unwrap_or_default()
    }

    /// The action on texts that seem to ask for an opt-out.
    pub fn suspected(&self) -> Suspected {
        self.first(|settings| settings.suspected).unwrap_or_default()
    }

    /// The scope of an opt-out by keyword. Only accounts have this setting.
    pub fn opt_out_scope(&self) -> OptOutScope {
        self.account.opt_out_scope.map(Into::into).unwrap_or_default()
    }

    /// Whether keywords are answered.
    pub fn are_answered(&self) -> bool {
        self.first(|settings| settings.replies).unwrap_or(true)
    }

    /// The answer to a keyword, for an account of this name.
    pub fn reply(&self, kind: model::KeywordKind, account_name: &str) -> String {
        let support = self.first(|settings| settings.support.as_deref());
        let text =
            self.first(|settings| settings.text_of(kind)).unwrap_or_else(|| settings::default_text(kind, support));
        settings::filled(text, account_name, support.unwrap_or_default())
    }

    /// The setting of the number, or else that of the account.
    fn first<T>(&self, get: impl Fn(&'s KeywordSettings) -> Option<T>) -> Option<T> {
        get(self.number).or_else(|| get(self.account))
    }
}

#[cfg(test)]
mod tests;
