//! Keywords in texts of handsets: which text is one, which text seems to ask for an end in other words, and what an
//! account or a number sets about both.
//!
//! Reading order: `fold` (how a text is compared), `lists` and `words` (what counts), `suspicion` (other words),
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

/// The settings that hold for a number: its own before those of its account, and the defaults behind both.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Keywords<'s> {
    account: &'s KeywordSettings,
    number: &'s KeywordSettings,
}

/// What a whole text is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Meaning {
    /// A keyword.
    Keyword(Keyword),
    /// It seems to ask for an end in other words.
    Suspected(Suspected),
    /// Neither.
    Other,
}

impl<'s> Keywords<'s> {
    /// The settings of an account and of one of its numbers.
    pub const fn new(account: &'s KeywordSettings, number: &'s KeywordSettings) -> Self {
        Self { account, number }
    }

    /// What a text means. The whole text counts, never a part of it.
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

    /// What happens to texts that seem to ask for an end.
    pub fn suspected(&self) -> Suspected {
        self.first(|settings| settings.suspected).unwrap_or_default()
    }

    /// How far an opt-out by keyword reaches. It is a setting of the account alone.
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

    /// What the number sets, or else the account.
    fn first<T>(&self, get: impl Fn(&'s KeywordSettings) -> Option<T>) -> Option<T> {
        get(self.number).or_else(|| get(self.account))
    }
}

#[cfg(test)]
mod tests;
