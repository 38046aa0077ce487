//! Phrases as paths of words, so that all of them are looked for in one walk.

use super::keys;
use crate::text::token::Token;
use crate::text::words::{Build, Filter};
use std::collections::HashMap;

/// The longest phrase, in words: this bounds the work for each token of a message.
pub(crate) const LONGEST_PHRASE: usize = 8;

#[derive(Default)]
pub(crate) struct Trie {
    filter: Filter,
    edges: HashMap<u64, u32, Build>,
    ends: Vec<Vec<u16>>,
}

impl Trie {
    pub(crate) fn insert(&mut self, words: &[u64], concept: u16) {
        if self.ends.is_empty() {
            self.ends.push(Vec::new());
        }
        let mut node = 0;
        for word in words {
            let next = u32::try_from(self.ends.len()).unwrap_or(u32::MAX);
            let edge = edge(node, *word);
            self.filter.add(edge);
            node = *self.edges.entry(edge).or_insert(next);
            if node == next {
                self.ends.push(Vec::new());
            }
        }
        let end = &mut self.ends[node as usize];
        if !end.contains(&concept) {
            end.push(concept);
        }
    }

    /// Calls `found` with the length and the concept of each phrase that `tokens` begin with.
    pub(crate) fn walk(&self, tokens: &[Token<'_>], found: &mut impl FnMut(usize, u16)) {
        if !self.ends.is_empty() {
            self.step(0, tokens, 0, found);
        }
    }

    fn step(&self, node: u32, tokens: &[Token<'_>], depth: usize, found: &mut impl FnMut(usize, u16)) {
        let Some(token) = tokens.get(depth) else { return };
        let [word, kind] = keys(token);
        for (index, key) in [word, kind].into_iter().enumerate() {
            if index == 1 && kind == word {
                break;
            }
            let edge = edge(node, key);
            if !self.filter.may_hold(edge) {
                continue;
            }
            let Some(&next) = self.edges.get(&edge) else { continue };
            for &concept in &self.ends[next as usize] {
                found(depth + 1, concept);
            }
            if depth + 1 < LONGEST_PHRASE {
                self.step(next, tokens, depth + 1, found);
            }
        }
    }
}

fn edge(node: u32, word: u64) -> u64 {
    word.rotate_left(17) ^ (u64::from(node) + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15)
}
