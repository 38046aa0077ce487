//! The lexicon: which words and phrases stand for which concepts.
//!
//! In come the tokens of a message; out go the concepts that it mentions, each with the tokens that say so.

pub(crate) mod parse;
pub(crate) mod trie;

use crate::text::token::{Kind, Token, kind_hash};
use crate::text::words::Words;
use parse::DataError;
use std::collections::HashMap;
use trie::Trie;

/// The most concepts there may be.
pub(crate) const CONCEPTS: usize = 256;

/// A set of concepts.
#[derive(Clone, Copy, Default, Debug, PartialEq, Eq)]
pub(crate) struct Set([u64; CONCEPTS / 64]);

impl Set {
    pub(crate) fn insert(&mut self, concept: u16) {
        self.0[usize::from(concept) / 64] |= 1 << (concept % 64);
    }
    pub(crate) fn has(&self, concept: u16) -> bool {
        self.0[usize::from(concept) / 64] >> (concept % 64) & 1 == 1
    }
    pub(crate) fn union(&self, other: &Self) -> Self {
        Self(std::array::from_fn(|at| self.0[at] | other.0[at]))
    }
    pub(crate) fn meets(&self, other: &Self) -> bool {
        self.0.iter().zip(other.0).any(|(left, right)| left & right != 0)
    }
    pub(crate) fn len(&self) -> u32 {
        self.0.iter().map(|part| part.count_ones()).sum()
    }
    /// The concepts of the set, in order.
    pub(crate) fn iter(&self) -> impl Iterator<Item = usize> + '_ {
        self.0.iter().enumerate().flat_map(|(at, part)| bits(*part).map(move |bit| at * 64 + bit))
    }
    pub(crate) fn common(&self, other: &Self) -> u32 {
        self.0.iter().zip(other.0).map(|(left, right)| (left & right).count_ones()).sum()
    }
}

/// The bits of a word that are set, from the lowest.
pub(crate) fn bits(mut word: u64) -> impl Iterator<Item = usize> {
    std::iter::from_fn(move || {
        let bit = word.trailing_zeros() as usize;
        word &= word.wrapping_sub(1);
        (bit < 64).then_some(bit)
    })
}

/// One mention of a concept.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Hit {
    pub(crate) concept: u16,
    /// The first token and the one behind the last.
    pub(crate) from: usize,
    pub(crate) to: usize,
    /// The mention was disguised.
    pub(crate) masked: bool,
}

impl Hit {
    /// By what mentions are ordered.
    pub(crate) const fn place(&self) -> (usize, usize, u16) {
        (self.from, self.to, self.concept)
    }
}

/// Concepts by name, and the phrases that mention them.
pub(crate) struct Lexicon {
    names: Vec<String>,
    by_name: HashMap<String, u16>,
    trie: Trie,
    /// Every word of every phrase.
    pub(crate) vocabulary: Words,
    /// Concepts that stand for several mentions of another.
    pub(crate) repeats: Vec<Repeat>,
}

/// `concept` is there when `base` is mentioned at `count` places.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Repeat {
    pub(crate) base: u16,
    pub(crate) count: usize,
    pub(crate) concept: u16,
}

impl Lexicon {
    pub(crate) fn empty() -> Self {
        Self {
            names: Vec::new(),
            by_name: HashMap::new(),
            trie: Trie::default(),
            vocabulary: Words::default(),
            repeats: Vec::new(),
        }
    }

    /// The number of a concept, which is made when it is new.
    pub(crate) fn declare(&mut self, name: &str) -> Result<u16, DataError> {
        if let Some(&known) = self.by_name.get(name) {
            return Ok(known);
        }
        if self.names.len() >= CONCEPTS {
            return Err(DataError::TooManyConcepts(CONCEPTS));
        }
        let number = u16::try_from(self.names.len()).map_err(|_| DataError::TooManyConcepts(CONCEPTS))?;
        self.names.push(name.to_owned());
        self.by_name.insert(name.to_owned(), number);
        Ok(number)
    }

    pub(crate) fn concept(&self, name: &str) -> Option<u16> {
        self.by_name.get(name).copied()
    }

    /// The concept for a name that may ask for several mentions (`a#2`, `a#3`).
    pub(crate) fn repeated(&mut self, name: &str) -> Option<u16> {
        if let Some(known) = self.concept(name) {
            return Some(known);
        }
        let (base, count) = name.split_once('#')?;
        let (base, count) = (self.concept(base)?, count.parse().ok()?);
        let concept = self.declare(name).ok()?;
        self.repeats.push(Repeat { base, count, concept });
        Some(concept)
    }

    pub(crate) fn name(&self, concept: u16) -> &str {
        &self.names[usize::from(concept)]
    }

    /// The concepts whose names begin with `prefix`.
    pub(crate) fn with_prefix(&self, prefix: &str) -> Set {
        let mut set = Set::default();
        for (number, name) in (0..).zip(&self.names) {
            if name.starts_with(prefix) {
                set.insert(number);
            }
        }
        set
    }

    pub(crate) fn all_names(&self) -> impl Iterator<Item = &str> {
        self.names.iter().map(String::as_str)
    }

    /// The concepts that name goods or deeds that a sender would hide: a disguise of anything else is an accident.
    pub(crate) fn products(&self) -> Set {
        let kinds = [
            "alcohol.",
            "firearms.",
            "tobacco.",
            "cannabis.",
            "gambling.",
            "lending.",
            "sex.",
            "hate.",
            "brand.",
            "cred.",
            "prize.",
        ];
        kinds.into_iter().fold(Set::default(), |all, kind| all.union(&self.with_prefix(kind)))
    }

    pub(crate) fn add(&mut self, concept: u16, words: &[u64]) {
        self.trie.insert(words, concept);
    }

    /// Every mention in `tokens`. The longest phrase of a concept at a place counts; phrases of different concepts may
    /// overlap.
    pub(crate) fn hits(&self, tokens: &[Token<'_>]) -> Vec<Hit> {
        let mut hits = Vec::with_capacity(tokens.len() * 2);
        for from in 0..tokens.len() {
            self.trie.walk(&tokens[from..], &mut |length, concept| {
                let to = from + length;
                let masked = tokens[from..to].iter().any(|token| token.masked);
                hits.push(Hit { concept, from, to, masked });
            });
        }
        hits
    }
}

/// The words by which a token may be found in a phrase: itself, and what kind of token it is.
pub(crate) fn keys(token: &Token<'_>) -> [u64; 2] {
    let kind = match token.kind {
        Kind::Code | Kind::Number => Kind::Number,
        other => other,
    };
    [token.id, if token.kind == Kind::Word { token.id } else { kind_hash(kind) }]
}
