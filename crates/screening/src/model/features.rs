//! Features: words, neighbours, pieces of words, concepts and their order, rules.

use crate::lexicon::{CONCEPTS, Hit, Set};
use crate::text::token::{Kind, Token, kind_hash};
use crate::text::{hash, join};

/// What a feature was made of, for the explanation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Origin {
    /// Tokens of the message, first and behind the last.
    Tokens(usize, usize),
    /// Two mentions, by index.
    Pair(usize, usize),
    /// A rule or a property of the whole message.
    Whole,
}

/// One feature of a message.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Feature {
    pub(crate) hash: u64,
    pub(crate) value: f32,
    pub(crate) origin: Origin,
    /// Made of words as they stand, which training leaves out at times.
    pub(crate) of_words: bool,
}

/// How much a single word weighs against a concept.
const WORD: f32 = 0.5;
/// How much a piece of a word weighs.
const PIECE: f32 = 0.12;
/// Mentions this many tokens apart make a pair.
const NEAR: usize = 6;
/// The longest word that is cut to pieces.
const PIECES_MAX: usize = 24;
/// A concept counts once more when it comes back after so many mentions of others.
const AGAIN: usize = 64;
/// The most pairs that one mention begins.
const PAIRS_MAX: usize = 7;

/// What the features of concepts and rules are made of, by their numbers.
pub(crate) struct Names {
    concepts: Vec<Concept>,
    rules: Vec<u64>,
}

struct Concept {
    name: u64,
    alone: u64,
    /// Where the hash of a pair that it begins stands before the other name.
    begins: u64,
    /// How much a mention counts.
    value: f32,
}

impl Names {
    pub(crate) fn new<'a>(concepts: impl Iterator<Item = &'a str>, rules: impl Iterator<Item = &'a str>) -> Self {
        let concept = |name: &str| {
            let hash = hash(name.as_bytes());
            Concept { name: hash, alone: join(4, hash), begins: join(5, hash), value: concept_value(name) }
        };
        Self {
            concepts: concepts.map(concept).collect(),
            rules: rules.map(|name| join(3, hash(name.as_bytes()))).collect(),
        }
    }
}

/// Shows every feature of a message to `each`.
pub(crate) fn visit(
    tokens: &[Token<'_>],
    hits: &[Hit],
    rules: &[usize],
    names: &Names,
    each: &mut impl FnMut(Feature),
) {
    words(tokens, each);
    pieces(tokens, each);
    concepts(hits, names, each);
    for &rule in rules {
        each(Feature { hash: names.rules[rule], value: 0.7, origin: Origin::Whole, of_words: false });
    }
}

fn word_hash(token: &Token<'_>) -> u64 {
    if token.kind == Kind::Word || token.kind == Kind::Emoji { token.id } else { kind_hash(token.kind) }
}

/// So many of the same word or sign in a row count. Without a bound, twenty pictures would outweigh the message that
/// they end.
const RUN_MAX: usize = 3;

fn words(tokens: &[Token<'_>], each: &mut impl FnMut(Feature)) {
    let scale = WORD * damp(tokens.len());
    let (mut before, mut run) = (1, 0);
    for (at, token) in tokens.iter().enumerate() {
        let word = word_hash(token);
        run = if word == before { run + 1 } else { 1 };
        if run > RUN_MAX {
            continue;
        }
        each(Feature { hash: word, value: scale, origin: Origin::Tokens(at, at + 1), of_words: true });
        each(Feature {
            hash: join(before, word),
            value: scale,
            origin: Origin::Tokens(at.saturating_sub(1), at + 1),
            of_words: true,
        });
        before = word;
    }
}

/// Long messages have more of everything; their words count less each.
fn damp(count: usize) -> f32 {
    let count = u16::try_from(count).map_or(f32::from(u16::MAX), f32::from);
    (12.0 / count.max(12.0)).sqrt()
}

fn pieces(tokens: &[Token<'_>], each: &mut impl FnMut(Feature)) {
    let scale = PIECE * damp(tokens.len());
    for (at, token) in tokens.iter().enumerate() {
        let text = token.text.as_bytes();
        if token.kind != Kind::Word || !(5..=PIECES_MAX).contains(&text.len()) {
            continue;
        }
        for piece in text.windows(4) {
            let word = u64::from(u32::from_le_bytes([piece[0], piece[1], piece[2], piece[3]]));
            each(Feature { hash: join(2, word), value: scale, origin: Origin::Tokens(at, at + 1), of_words: true });
        }
    }
}

fn concepts(hits: &[Hit], names: &Names, each: &mut impl FnMut(Feature)) {
    // Where each concept was mentioned last, and which pairs there were.
    let mut last = [usize::MAX; CONCEPTS];
    let mut pairs = [Set::default(); CONCEPTS];
    for (index, hit) in hits.iter().enumerate() {
        let (number, concept) = (usize::from(hit.concept), &names.concepts[usize::from(hit.concept)]);
        if concept.value <= 0.0 {
            continue;
        }
        let before = std::mem::replace(&mut last[number], index);
        if before == usize::MAX || index - before > AGAIN {
            each(Feature {
                hash: concept.alone,
                value: concept.value,
                origin: Origin::Tokens(hit.from, hit.to),
                of_words: false,
            });
        }
        for (other_index, other) in hits.iter().enumerate().skip(index + 1).take(PAIRS_MAX) {
            if other.from > hit.to + NEAR {
                break;
            }
            let beside = &names.concepts[usize::from(other.concept)];
            if other.concept != hit.concept && beside.value > 0.0 && !pairs[number].has(other.concept) {
                pairs[number].insert(other.concept);
                each(Feature {
                    hash: join(concept.begins, beside.name),
                    value: 0.5,
                    origin: Origin::Pair(index, other_index),
                    of_words: false,
                });
            }
        }
    }
}

/// How much a mention of a concept counts on its own: an ambiguous word counts little without company.
fn concept_value(name: &str) -> f32 {
    match name {
        // That something was hidden says nothing about what it is; rules weigh it.
        _ if name.starts_with("trick.") || name.ends_with(".masked") => 0.0,
        _ if name.ends_with(".weak") || name.starts_with("is.") => 0.4,
        _ => 1.0,
    }
}
