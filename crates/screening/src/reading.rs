//! A message as the screen reads it, and what it reads and weighs with.

use crate::category::COUNT;
use crate::lexicon::{Hit, Lexicon};
use crate::model::weights::Weights;
use crate::rules::Rules;
use crate::text::fold::Folded;
use crate::text::token::Token;

/// A message as the screen reads it, before it is weighed.
pub(crate) struct Reading<'a> {
    pub(crate) folded: &'a Folded,
    pub(crate) tokens: Vec<Token<'a>>,
    pub(crate) hits: Vec<Hit>,
    pub(crate) holding: Vec<usize>,
    pub(crate) prior: [f32; COUNT],
}

/// The data of a screen that explain what it found.
#[derive(Clone, Copy)]
pub(crate) struct Means<'a> {
    pub(crate) lexicon: &'a Lexicon,
    pub(crate) rules: &'a Rules,
    pub(crate) weights: &'a Weights,
}
