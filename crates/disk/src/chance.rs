//! Decisions that follow from a seed.

use model::{Entropy, SeededEntropy};

/// A sequence of decisions.
pub(crate) struct Chance(SeededEntropy);

impl Chance {
    pub(crate) fn new(seed: u64) -> Self {
        Self(SeededEntropy::new(seed))
    }

    /// A number below `bound`, which is not zero.
    pub(crate) fn below(&self, bound: usize) -> usize {
        // The remainder favours small numbers by less than one in 2^40: nothing here has more sectors.
        usize::try_from(self.0.next_u64() % bound as u64).unwrap_or(0)
    }

    /// True this often in a hundred.
    pub(crate) fn percent(&self, percent: usize) -> bool {
        self.below(100) < percent
    }

    /// Octets without meaning.
    pub(crate) fn garbage(&self, length: usize) -> Vec<u8> {
        let mut octets = vec![0; length];
        self.0.fill(&mut octets);
        octets
    }
}
