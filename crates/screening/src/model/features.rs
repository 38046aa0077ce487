//! Features: words, neighbours, pieces of words, concepts and their order, rules.

use crate::lexicon::Hit;
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
/// The most pairs that one mention begins.
const PAIRS_MAX: usize = 7;

/// Collects the features of a message.
pub(crate) fn collect(
    tokens: &[Token],
    hits: &[Hit],
    rules: &[usize],
    concept_hash: &dyn Fn(u16) -> (u64, f32),
    rule_hash: &dyn Fn(usize) -> u64,
) -> Vec<Feature> {
    let mut all = Vec::with_capacity(tokens.len() * 10 + hits.len() * 6);
    words(tokens, &mut all);
    pieces(tokens, &mut all);
    concepts(hits, concept_hash, &mut all);
    for &rule in rules {
        all.push(Feature { hash: join(3, rule_hash(rule)), value: 0.7, origin: Origin::Whole, of_words: false });
    }
    all
}

fn word_hash(token: &Token) -> u64 {
    if token.kind == Kind::Word || token.kind == Kind::Emoji { token.id } else { kind_hash(token.kind) }
}

fn words(tokens: &[Token], all: &mut Vec<Feature>) {
    let scale = WORD * damp(tokens.len());
    let mut before = 1;
    for (at, token) in tokens.iter().enumerate() {
        let word = word_hash(token);
        all.push(Feature { hash: word, value: scale, origin: Origin::Tokens(at, at + 1), of_words: true });
        all.push(Feature { hash: join(before, word), value: scale, origin: Origin::Tokens(at.saturating_sub(1), at + 1), of_words: true });
        before = word;
    }
}

/// Long messages have more of everything; their words count less each.
fn damp(count: usize) -> f32 {
    let count = u16::try_from(count).map_or(f32::from(u16::MAX), f32::from);
    (12.0 / count.max(12.0)).sqrt()
}

fn pieces(tokens: &[Token], all: &mut Vec<Feature>) {
    let scale = PIECE * damp(tokens.len());
    for (at, token) in tokens.iter().enumerate() {
        let text = token.text.as_bytes();
        if token.kind != Kind::Word || !(5..=PIECES_MAX).contains(&text.len()) {
            continue;
        }
        for piece in text.windows(4) {
            let word = u64::from(u32::from_le_bytes([piece[0], piece[1], piece[2], piece[3]]));
            all.push(Feature { hash: join(2, word), value: scale, origin: Origin::Tokens(at, at + 1), of_words: true });
        }
    }
}

fn concepts(hits: &[Hit], concept_hash: &dyn Fn(u16) -> (u64, f32), all: &mut Vec<Feature>) {
    let mut seen = crate::text::unmask::Words::with_capacity_and_hasher(hits.len() * 4, crate::text::unmask::Build::default());
    for (index, hit) in hits.iter().enumerate().filter(|(_, hit)| concept_hash(hit.concept).1 > 0.0) {
        let first = hits[..index].iter().rev().take(64).all(|other| other.concept != hit.concept);
        if first {
            let (hash, value) = concept_hash(hit.concept);
            all.push(Feature { hash: join(4, hash), value, origin: Origin::Tokens(hit.from, hit.to), of_words: false });
        }
        for (other_index, other) in hits.iter().enumerate().skip(index + 1).take(PAIRS_MAX) {
            if other.from > hit.to + NEAR {
                break;
            }
            if other.concept != hit.concept && concept_hash(other.concept).1 > 0.0 {
                let hash = join(join(5, concept_hash(hit.concept).0), concept_hash(other.concept).0);
                if seen.insert(hash) {
                    all.push(Feature { hash, value: 0.5, origin: Origin::Pair(index, other_index), of_words: false });
                }
            }
        }
    }
}

/// How much a mention of a concept counts on its own: an ambiguous word counts little without company.
pub(crate) fn concept_value(name: &str) -> f32 {
    match name {
        // That something was hidden says nothing about what it is; rules weigh it.
        _ if name.starts_with("trick.") || name.ends_with(".masked") => 0.0,
        _ if name.ends_with(".weak") || name.starts_with("is.") => 0.4,
        _ => 1.0,
    }
}

/// The hash of a concept's or a rule's name.
pub(crate) fn name_hash(name: &str) -> u64 {
    hash(name.as_bytes())
}
