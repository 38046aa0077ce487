//! A message as the network reads it: in one spelling, with what the screen knows of its links.

use crate::lexicon::{Hit, Lexicon};
use crate::policy::Policy;
use crate::reading::Reading;
use crate::text::token::{Kind, Token};

/// Longer runs of digits are cut: a code, a telephone number and a reference differ enough by their first digits.
const DIGITS: usize = 4;
/// Concepts of links that say nothing about the sender.
const SILENT: [&str; 2] = ["link.any", "link.path"];

/// A message as the network reads it.
pub(crate) struct Prepared {
    pub(crate) text: String,
    /// For each token of the message: the octet of `text` at which it begins.
    pub(crate) tokens: Vec<usize>,
    /// The octet at which the concepts of the links begin.
    pub(crate) tags: usize,
}

/// The text for the network: disguises off, a host as its parts, a picture as its name, and at the end the concepts of
/// all links. A host that the account vouches for is a `link` without a name.
pub(crate) fn prepare(reading: &Reading<'_>, lexicon: &Lexicon, policy: &Policy) -> Prepared {
    let folded = reading.folded.text.as_str();
    let mut text = String::with_capacity(folded.len() + 32);
    let mut tokens = Vec::with_capacity(reading.tokens.len());
    let mut at = 0;
    for token in &reading.tokens {
        gap(folded.get(at..token.from).unwrap_or(""), &mut text);
        tokens.push(text.len());
        word(token, policy, &mut text);
        at = token.to.max(at);
    }
    gap(folded.get(at..).unwrap_or(""), &mut text);
    let tags = text.len();
    links(&reading.hits, lexicon, &mut text);
    Prepared { text, tokens, tags }
}

/// Punctuation between two tokens. Words in a gap belong to a phrase that is not looked at.
fn gap(between: &str, text: &mut String) {
    if !between.contains(char::is_alphanumeric) {
        text.extend(between.chars().filter(|ch| !ch.is_whitespace()));
    }
    if !between.is_empty() && !text.is_empty() && !text.ends_with(' ') {
        text.push(' ');
    }
}

fn word(token: &Token<'_>, policy: &Policy, text: &mut String) {
    match token.kind {
        Kind::Link if policy.allows_domain(&token.text) => text.push_str("link"),
        Kind::Link => {
            for ch in token.text.chars() {
                match ch {
                    '.' => text.push_str(" . "),
                    _ => text.push(ch),
                }
            }
        }
        Kind::Emoji => {
            let name = emojis::get(&token.text).map_or(token.text.as_ref(), emojis::Emoji::name);
            text.push(' ');
            text.push_str(name);
            text.push(' ');
        }
        _ => digits(&token.text, text),
    }
}

fn digits(word: &str, text: &mut String) {
    let mut run = 0;
    for ch in word.chars() {
        run = if ch.is_ascii_digit() { run + 1 } else { 0 };
        if run <= DIGITS {
            text.push(ch);
        }
    }
}

/// ` | link: bait short`: each concept once, in the order of their numbers.
fn links(hits: &[Hit], lexicon: &Lexicon, text: &mut String) {
    let mut said: Vec<u16> = hits.iter().map(|hit| hit.concept).collect();
    said.sort_unstable();
    said.dedup();
    let mut names = said.into_iter().map(|concept| lexicon.name(concept)).filter(|name| !SILENT.contains(name));
    let mut first = true;
    while let Some(name) = names.find_map(|name| name.strip_prefix("link.")) {
        text.push_str(if first { " | link: " } else { " " });
        first = false;
        text.push_str(name);
    }
}
