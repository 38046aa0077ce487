//! Sets and maps of hashes, made for looking up what is mostly not there.

use std::collections::HashSet;
use std::hash::{BuildHasherDefault, Hasher};

/// Passes on values that are hashes already.
#[derive(Default, Clone, Copy)]
pub(crate) struct Identity(u64);

impl Hasher for Identity {
    fn finish(&self) -> u64 {
        self.0
    }
    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = self.0.rotate_left(8) ^ u64::from(*byte);
        }
    }
    fn write_u64(&mut self, value: u64) {
        self.0 = value;
    }
}

/// Makes hashers for such sets and maps.
pub(crate) type Build = BuildHasherDefault<Identity>;

/// log2 of the bits of a filter. Four for each entry of the largest set, and small enough for the nearest cache.
const BITS: u32 = 18;

/// A bit for each hash that was added: without it a hash is not there, with it perhaps. The tables behind are larger
/// than the near caches, and most of what is looked for is in none of them.
pub(crate) struct Filter(Box<[u64]>);

impl Default for Filter {
    fn default() -> Self {
        Self(vec![0; 1 << (BITS - 6)].into_boxed_slice())
    }
}

impl Filter {
    pub(crate) fn add(&mut self, hash: u64) {
        let (word, bit) = Self::place(hash);
        self.0[word] |= 1 << bit;
    }

    pub(crate) fn may_hold(&self, hash: u64) -> bool {
        let (word, bit) = Self::place(hash);
        self.0[word] >> bit & 1 == 1
    }

    fn place(hash: u64) -> (usize, u32) {
        let bits = hash >> (64 - BITS);
        (usize::try_from(bits >> 6).unwrap_or(0), u32::try_from(bits & 63).unwrap_or(0))
    }
}

/// A set of words, by hash.
#[derive(Default)]
pub(crate) struct Words {
    filter: Filter,
    all: HashSet<u64, Build>,
}

impl Words {
    pub(crate) fn insert(&mut self, hash: u64) {
        self.filter.add(hash);
        self.all.insert(hash);
    }

    pub(crate) fn contains(&self, hash: u64) -> bool {
        self.filter.may_hold(hash) && self.all.contains(&hash)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text::hash;

    #[test]
    fn a_set_holds_what_was_added_and_nothing_else() {
        let name = |number: u32| hash(&number.to_le_bytes());
        let mut words = Words::default();
        (0..50_000).filter(|number| number % 3 == 0).for_each(|number| words.insert(name(number)));
        assert!((0..50_000).all(|number| words.contains(name(number)) == (number % 3 == 0)));
    }
}
