//! The keyword settings of an account or a number: a plain value, kept as JSON.

use std::collections::BTreeSet;

use model::{KeywordKind, OptOutScope};
use serde::{Deserialize, Serialize};

use super::fold::folded;
use super::lists::{Language, reserved};

/// The settings of an account or of a number. What a number does not set is as its account has it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "camelCase")]
pub struct KeywordSettings {
    /// Words that stop messages, beside the fixed ones. Those of the account and of the number count both.
    pub stop_words: BTreeSet<String>,
    /// Languages whose words stop messages. Those of the account and of the number count both.
    pub languages: BTreeSet<Language>,
    /// Whether YES starts messages again; no by default.
    pub yes: Option<bool>,
    /// What happens to texts that seem to ask for an end in other words; `flag` by default.
    pub suspected: Option<Suspected>,
    /// How far an opt-out by keyword reaches; `account` by default. Only an account sets it.
    pub opt_out_scope: Option<Scope>,
    /// Whether keywords are answered; yes by default.
    pub replies: Option<bool>,
    /// How to reach the account, for `{support}` in texts.
    pub support: Option<String>,
    /// The answer to STOP.
    pub stop_text: Option<String>,
    /// The answer to START.
    pub start_text: Option<String>,
    /// The answer to HELP.
    pub help_text: Option<String>,
}

/// The action on texts that seem to ask for an opt-out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Suspected {
    /// They are marked.
    #[default]
    Flag,
    /// They are marked, and opt the handset out.
    OptOut,
    /// Nothing.
    Ignore,
}

/// [`OptOutScope`] as it is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Scope {
    /// Every message of the account.
    Account,
    /// Messages from the number that the handset wrote to.
    Number,
}

impl From<Scope> for OptOutScope {
    fn from(scope: Scope) -> Self {
        match scope {
            Scope::Account => Self::Account,
            Scope::Number => Self::Number,
        }
    }
}

/// Something wrong with settings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mistake {
    /// The field.
    pub field: &'static str,
    /// The expected value.
    pub expected: String,
}

/// The most stop words that an account or a number adds.
pub const STOP_WORDS_MAX: usize = 50;

/// The longest stop word, in characters.
pub const STOP_WORD_CHARACTERS_MAX: usize = 34;

/// The longest answer, in characters, with its names filled in as they stand here.
pub const TEXT_CHARACTERS_MAX: usize = 480;

/// The longest `support`, in characters.
pub const SUPPORT_CHARACTERS_MAX: usize = 100;

impl KeywordSettings {
    /// Every mistake in the settings of an account.
    pub fn mistakes_of_account(&self) -> Vec<Mistake> {
        self.mistakes(self.support.is_some())
    }

    /// Every mistake in the settings of a number of an account with these settings.
    pub fn mistakes_of_number(&self, account: &Self) -> Vec<Mistake> {
        let mut mistakes = self.mistakes(self.support.is_some() || account.support.is_some());
        if self.opt_out_scope.is_some() {
            mistakes.push(Mistake::of("optOutScope", "nothing: it is a setting of the account"));
        }
        mistakes
    }

    fn mistakes(&self, has_support: bool) -> Vec<Mistake> {
        let mut mistakes = Vec::new();
        if self.stop_words.len() > STOP_WORDS_MAX || !self.stop_words.iter().all(|word| is_stop_word(word)) {
            let expected = format!(
                "up to {STOP_WORDS_MAX} words of 1 to {STOP_WORD_CHARACTERS_MAX} characters, each with a letter or a \
                 digit, and none of START, UNSTOP, YES, HELP and INFO"
            );
            mistakes.push(Mistake { field: "stopWords", expected });
        }
        if let Some(support) = &self.support
            && !is_text(support, SUPPORT_CHARACTERS_MAX)
        {
            let expected = format!("1 to {SUPPORT_CHARACTERS_MAX} characters, none of them a control character");
            mistakes.push(Mistake { field: "support", expected });
        }
        for kind in KeywordKind::ALL {
            mistakes.extend(self.text_of(kind).and_then(|text| mistake_of_text(field_of(kind), text, has_support)));
        }
        mistakes
    }

    /// The answer to a keyword, where one is set.
    pub fn text_of(&self, kind: KeywordKind) -> Option<&str> {
        match kind {
            KeywordKind::Stop => &self.stop_text,
            KeywordKind::Start => &self.start_text,
            KeywordKind::Help => &self.help_text,
        }
        .as_deref()
    }
}

impl Mistake {
    fn of(field: &'static str, expected: &str) -> Self {
        Self { field, expected: expected.to_owned() }
    }
}

const fn field_of(kind: KeywordKind) -> &'static str {
    match kind {
        KeywordKind::Stop => "stopText",
        KeywordKind::Start => "startText",
        KeywordKind::Help => "helpText",
    }
}

fn is_stop_word(word: &str) -> bool {
    let folded = folded(word);
    folded.chars().any(char::is_alphanumeric)
        && folded.chars().count() <= STOP_WORD_CHARACTERS_MAX
        && reserved(&folded).is_none()
}

fn is_text(text: &str, characters_max: usize) -> bool {
    !text.trim().is_empty() && text.chars().count() <= characters_max && wire::text::invalid_characters(text).is_empty()
}

fn mistake_of_text(field: &'static str, text: &str, has_support: bool) -> Option<Mistake> {
    if !is_text(text, TEXT_CHARACTERS_MAX) {
        let expected = format!("1 to {TEXT_CHARACTERS_MAX} characters, none of them a control character");
        return Some(Mistake { field, expected });
    }
    let mut places = text.match_indices(['{', '}']).map(|(at, _)| at);
    let is_place = |at: usize| PLACES.iter().any(|place| text[at..].starts_with(place));
    while let Some(at) = places.next() {
        // The end of a place is the next bracket.
        if !is_place(at) || places.next().is_none() {
            return Some(Mistake::of(field, "a text with no other places than {account} and {support}"));
        }
    }
    (text.contains(SUPPORT) && !has_support).then(|| Mistake::of(field, "no {support} while `support` is not set"))
}

const ACCOUNT: &str = "{account}";
const SUPPORT: &str = "{support}";
const PLACES: [&str; 2] = [ACCOUNT, SUPPORT];

/// The answer to a keyword where neither account nor number sets one.
pub(super) const fn default_text(kind: KeywordKind, support: Option<&str>) -> &'static str {
    match (kind, support) {
        (KeywordKind::Stop, _) => {
            "{account}: You are unsubscribed and will receive no more messages. Reply START to subscribe again."
        }
        (KeywordKind::Start, _) => {
            "{account}: You are subscribed again. Reply HELP for help, STOP to unsubscribe. Msg&data rates may apply."
        }
        (KeywordKind::Help, Some(_)) => {
            "{account}: For help, contact {support}. Reply STOP to unsubscribe. Msg&data rates may apply."
        }
        (KeywordKind::Help, None) => "{account}: Reply STOP to unsubscribe. Msg&data rates may apply.",
    }
}

/// A text with its places filled.
pub(super) fn filled(text: &str, account: &str, support: &str) -> String {
    // One pass, so that a name that looks like a place stays as it is.
    let mut out = String::with_capacity(text.len() + account.len() + support.len());
    let mut rest = text;
    while let Some(at) = rest.find('{') {
        let (before, place) = rest.split_at(at);
        out.push_str(before);
        let filling = [(ACCOUNT, account), (SUPPORT, support)];
        rest = match filling.into_iter().find_map(|(name, value)| Some((value, place.strip_prefix(name)?))) {
            Some((value, after)) => {
                out.push_str(value);
                after
            }
            None => {
                out.push('{');
                &place[1..]
            }
        };
    }
    out.push_str(rest);
    out
}
