//! The two points of the screen, and nothing else: from which score a finding is unsure, and from which it is sure.

/// The score from which a category is found, and a person should look at the message.
pub const REVIEW: f32 = 0.9;

/// The score from which the screen is sure.
pub const BLOCK: f32 = 0.9;
