//! The compliance screen: text in, verdict out.
//!
//! A [`Screen`] is loaded once, from the data of this crate or an operator's. [`Screen::screen`] says what a message
//! does: which categories, how sure, where, and why. [`Screen::decide`] applies an account's [`Policy`]. Nothing here
//! does I/O, and no input makes it panic; the work is linear in the length of the text.
//!
//! Reading order: [`screen`] (the steps), `text` (what a reader sees behind what was typed), `link` (whose a link is),
//! `lexicon` (which concepts the words mention), `rules` (what they do together), `model` (what a classifier adds),
//! `network` (what a second model adds that reads the wording), `opinion` (their sum), `explain` (why), `help` (what
//! would help), `language` (on what the network has no say). [`training`] makes the weights of the classifier.
//! [`Template`] is a text that an operator approved, [`groups`] finds texts of one shape, and [`offer`] makes a
//! template of them.

mod category;
mod data;
mod explain;
mod help;
mod language;
mod lexicon;
mod link;
mod model;
mod network;
mod opinion;
pub mod points;
mod policy;
mod reading;
mod rules;
pub mod screen;
mod shape;
mod structure;
mod template;
mod text;
pub mod training;
mod verdict;

pub use category::{Category, UnknownCategory};
pub use data::{BUILTIN, Data};
pub use language::Language;
pub use lexicon::parse::DataError;
pub use policy::{Action, Decision, Policy};
pub use screen::Screen;
pub use shape::groups;
pub use template::{
    Offer, PLACEHOLDERS_MAX, TEMPLATE_CHARACTERS_MAX, Template, TemplateError, VALUE_CHARACTERS_MAX, offer,
};
pub use verdict::{Certainty, Finding, Match, Reason, Span, Verdict};
