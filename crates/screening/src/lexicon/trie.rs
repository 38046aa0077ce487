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
    edges: HashMap<u64, Node, Build>,
    /// The concepts of nodes that have more than fit.
    more: HashMap<u32, Vec<u16>>,
}

/// What an edge leads to. The concepts stand here because a walk that comes this far is about to ask for them.
#[derive(Clone, Copy)]
struct Node {
    number: u32,
    count: u16,
    concepts: [u16; FEW],
}

/// The concepts that a node has room for.
const FEW: usize = 3;

impl Trie {
    pub(crate) fn insert(&mut self, words: &[u64], concept: u16) {
        let mut from = 0;
        for (at, word) in words.iter().enumerate() {
            let edge = edge(from, *word);
            self.filter.add(edge);
            let number = u32::try_from(self.edges.len() + 1).unwrap_or(u32::MAX);
            let node = self.edges.entry(edge).or_insert(Node { number, count: 0, concepts: [0; FEW] });
            from = node.number;
            if at + 1 < words.len() {
                continue;
            }
            let more = self.more.get(&from).map_or(&[][..], Vec::as_slice);
            let count = usize::from(node.count);
            if node.concepts[..count].contains(&concept) || more.contains(&concept) {
                continue;
            }
            match node.concepts.get_mut(count) {
                Some(free) => {
                    *free = concept;
                    node.count += 1;
                }
                None => self.more.entry(from).or_default().push(concept),
            }
        }
    }

    /// Calls `found` with the length and the concept of each phrase that `tokens` begin with.
    pub(crate) fn walk(&self, tokens: &[Token<'_>], found: &mut impl FnMut(usize, u16)) {
        self.step(0, tokens, 0, found);
    }

    fn step(&self, node: u32, tokens: &[Token<'_>], depth: usize, found: &mut impl FnMut(usize, u16)) {
        let Some(token) = tokens.get(depth).filter(|token| depth == 0 || !token.opens) else { return };
        let [word, kind] = keys(token);
        for (index, key) in [word, kind].into_iter().enumerate() {
            if index == 1 && kind == word {
                break;
            }
            let edge = edge(node, key);
            if !self.filter.may_hold(edge) {
                continue;
            }
            let Some(next) = self.edges.get(&edge) else { continue };
            next.concepts[..usize::from(next.count)].iter().for_each(|concept| found(depth + 1, *concept));
            if usize::from(next.count) == FEW
                && let Some(more) = self.more.get(&next.number)
            {
                more.iter().for_each(|concept| found(depth + 1, *concept));
            }
            if depth + 1 < LONGEST_PHRASE {
                self.step(next.number, tokens, depth + 1, found);
            }
        }
    }
}

fn edge(node: u32, word: u64) -> u64 {
    word.rotate_left(17) ^ (u64::from(node) + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15)
}
