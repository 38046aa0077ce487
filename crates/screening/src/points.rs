//! The points of the screen, and nothing else: from which score a finding is unsure, and from which it is sure.
//!
//! They were chosen on 3,093 innocent texts that nothing was trained on: 1,122 written by a hand of their own, 1,601 of
//! persons (UCI), 370 of real senders. 5 of them are blocked (0.2 %), 27 blocked or reviewed (0.9 %); of 611 violating
//! texts by the same hand 546 (0.89) and 586 (0.96). `docs/screening.md` has all figures.

/// The score from which a category is found, and a person should look at the message.
pub const REVIEW: f32 = 0.22;

/// The score from which the screen is sure.
pub const BLOCK: f32 = 0.77;

/// The score from which a category is found in a text that is not English, where the rules and their classifier speak
/// alone: such a finding is always sure.
pub const RULES_ALONE: f32 = 0.9;

/// The score from which the screen is sure of a text of one or two words, such as a name and a number, of which it is
/// unsure from [`BLOCK`] on.
pub const BLOCK_FEW_WORDS: f32 = 0.98;

/// The points for a text.
#[derive(Clone, Copy)]
pub(crate) struct Points {
    pub(crate) review: f32,
    pub(crate) block: f32,
}

/// Where both models speak.
pub(crate) const BOTH: Points = Points { review: REVIEW, block: BLOCK };

/// Where both models speak of hardly any words.
pub(crate) const FEW_WORDS: Points = Points { review: BLOCK, block: BLOCK_FEW_WORDS };

/// Where the network has no say.
pub(crate) const ALONE: Points = Points { review: RULES_ALONE, block: RULES_ALONE };
