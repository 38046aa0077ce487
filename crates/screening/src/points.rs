//! The points of the screen, and nothing else: from which score a finding is unsure, and from which it is sure.

use crate::language::Language;

/// The score from which a category is found, and a person should look at the message.
pub const REVIEW: f32 = 0.9;

/// The score from which the screen is sure.
pub const BLOCK: f32 = 0.9;

/// The score from which a category is found in a text that is not English, where the rules and their classifier speak
/// alone: such a finding is always sure.
pub const RULES_ALONE: f32 = 0.9;

/// The points for a text.
#[derive(Clone, Copy)]
pub(crate) struct Points {
    pub(crate) review: f32,
    pub(crate) block: f32,
}

/// The points for a text in `language`.
pub(crate) const fn of(language: Language) -> Points {
    match language {
        Language::English | Language::Unclear => Points { review: REVIEW, block: BLOCK },
        Language::Other(_) => Points { review: RULES_ALONE, block: RULES_ALONE },
    }
}
