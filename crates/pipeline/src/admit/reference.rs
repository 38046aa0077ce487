//! Concatenation references: handsets join segments by originator and reference (3GPP TS 23.040, 9.2.3.24.1), so two
//! messages between the same two numbers must not share one while both may still be in the air.
//!
//! Every message gets one, for only its carrier knows into how many segments it cuts the text: what is one segment of
//! GSM-7 may be three of UCS-2. A message keeps its reference at every attempt, since handsets join segments of
//! different attempts.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::atomic::{AtomicU16, Ordering};

use model::{Entropy, Msisdn, Originator};

/// How many counters there are. Pairs of numbers that share one make each other's references skip a few.
const COUNTERS: usize = 65_536;

/// Counters of references, each for the pairs of numbers that hash to it.
///
/// Two messages in a row of one pair have different references, and in their low octets too, which is all that an 8-bit
/// reference has of it: unless 255 messages of other pairs with the same counter were accepted between them. Counting
/// takes no lock and no memory, however many pairs there are.
///
/// Each process counts for itself, from random starts. So a message of another node, or of the process before, to the
/// same recipient from the same originator has the same 16-bit reference with a chance of 1 in 65,535, and the same
/// 8-bit one with 1 in 256. A handset notices only where both texts have several segments, as many of them, and are in
/// the air at the same time: at two nodes within the seconds that a text takes. Counters in the store would cost each
/// message a row that all nodes change, and references by the message's id, which follow no count, would have the
/// chance of 1 in 256 within one node too.
pub(crate) struct References(Box<[AtomicU16]>);

impl References {
    /// Counters that begin at random, so that a process does not repeat the references of the one before it.
    pub(crate) fn new(entropy: &dyn Entropy) -> Self {
        let mut octets = vec![0; 2 * COUNTERS];
        entropy.fill(&mut octets);
        Self(octets.chunks_exact(2).map(|pair| AtomicU16::new(u16::from_be_bytes([pair[0], pair[1]]))).collect())
    }

    /// The reference of a message from `originator` to `recipient`; never 0, which is what messages have that were
    /// accepted before every one had a reference.
    pub(crate) fn next(&self, originator: Originator, recipient: Msisdn) -> u16 {
        let mut hasher = DefaultHasher::new();
        (originator, recipient).hash(&mut hasher);
        let counter = &self.0[hasher.finish() as usize % COUNTERS];
        match counter.fetch_add(1, Ordering::Relaxed) {
            0 => counter.fetch_add(1, Ordering::Relaxed).max(1),
            reference => reference,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::SeededEntropy;
    use std::collections::{HashMap, HashSet};

    fn number<A: From<Msisdn>>(last: u32) -> A {
        Msisdn::parse(&format!("+1800555{last:04}")).unwrap().into()
    }

    #[test]
    fn references_of_a_pair_follow_each_other_wrap_and_are_never_0() {
        let references = References::new(&SeededEntropy::new(1));
        let (a, b): (Originator, Msisdn) = (number(1), number(2));
        let first = references.next(a, b);
        assert_eq!(references.next(a, b), if first == u16::MAX { 1 } else { first + 1 });
        let all: HashSet<u16> = (0..=u32::from(u16::MAX)).map(|_| references.next(a, b)).collect();
        assert!(!all.contains(&0) && all.len() == usize::from(u16::MAX));
    }

    /// What a handset sees of it with 8-bit references, while everybody sends at once.
    #[test]
    fn two_messages_in_a_row_to_the_same_recipient_differ_in_their_low_octets() {
        let references = References::new(&SeededEntropy::new(2));
        let mut last: HashMap<(u32, u32), Vec<u8>> = HashMap::new();
        for turn in 0..20 {
            for originator in 0..10 {
                for recipient in 100..400 {
                    let reference = references.next(number(originator), number(recipient));
                    let seen = last.entry((originator, recipient)).or_default();
                    assert!(
                        !seen.contains(&(reference as u8)),
                        "turn {turn} from {originator} to {recipient}: {seen:?}"
                    );
                    seen.push(reference as u8);
                }
            }
        }
    }

    #[test]
    fn counters_begin_anew_with_each_process() {
        let (a, b) = (References::new(&SeededEntropy::new(1)), References::new(&SeededEntropy::new(2)));
        let differ = (0..1_000)
            .filter(|last| a.next(number(*last), number(9_999)) != b.next(number(*last), number(9_999)))
            .count();
        assert!(differ > 900, "{differ}");
    }
}
