//! The fixed lists of keywords.

use model::KeywordKind;
use serde::{Deserialize, Serialize};

/// Words that stop messages, always.
pub(super) const STOP: [&str; 11] =
    ["stop", "stopall", "stop all", "unsubscribe", "cancel", "end", "quit", "revoke", "optout", "opt out", "opt-out"];

/// Words that start them again.
const START: [&str; 2] = ["start", "unstop"];

/// The word that starts them again where an account allows that.
pub(super) const YES: &str = "yes";

/// Words that ask who this is.
const HELP: [&str; 2] = ["help", "info"];

/// Words of a language that stop messages: as they are compared, and as they are shown.
pub(super) const fn of_language(language: Language) -> &'static [(&'static str, &'static str)] {
    match language {
        Language::Fr => &[("arret", "ARRET"), ("arrêt", "ARRET")],
        Language::Es => &[("alto", "ALTO"), ("baja", "BAJA")],
    }
}

/// A language whose words stop messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Language {
    /// French: ARRET.
    Fr,
    /// Spanish: ALTO, BAJA.
    Es,
}

/// What a folded text means that no account can take for a stop word.
pub(super) fn reserved(text: &str) -> Option<KeywordKind> {
    if START.contains(&text) || text == YES {
        Some(KeywordKind::Start)
    } else if HELP.contains(&text) {
        Some(KeywordKind::Help)
    } else {
        None
    }
}
