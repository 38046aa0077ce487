//! Concatenation references: handsets join segments by originator and reference, so two messages between the same two numbers must
//! not share one while both may still be in the air.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use model::{Entropy, Msisdn};

/// How many pairs are remembered. Past it all are forgotten, and each begins again at a random place.
const PAIRS_MAX: usize = 65_536;

/// The last reference given to each pair of numbers.
#[derive(Default)]
pub(crate) struct References(Mutex<HashMap<(Msisdn, Msisdn), u16>>);

impl References {
    /// The next reference for a message of several segments from `originator` to `recipient`.
    pub(super) fn next(&self, originator: &Msisdn, recipient: &Msisdn, entropy: &dyn Entropy) -> u16 {
        let mut last = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if last.len() >= PAIRS_MAX {
            last.clear();
        }
        let pair = (originator.clone(), recipient.clone());
        let reference = last.entry(pair).or_insert_with(|| u16::from_le_bytes(entropy.next_u64().to_le_bytes()[..2].try_into().unwrap_or_default()));
        *reference = reference.wrapping_add(1);
        *reference
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::SeededEntropy;

    #[test]
    fn references_of_a_pair_follow_each_other_and_wrap() {
        let (references, entropy) = (References::default(), SeededEntropy::new(1));
        let (a, b) = (Msisdn::parse("+18005550001").unwrap(), Msisdn::parse("+18005550002").unwrap());
        let first = references.next(&a, &b, &entropy);
        assert_eq!(references.next(&a, &b, &entropy), first.wrapping_add(1));
        assert!((0..=u16::MAX).any(|_| references.next(&a, &b, &entropy) == 0));
    }
}
