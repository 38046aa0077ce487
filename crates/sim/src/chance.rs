//! Chance that follows from a seed.

use std::ops::Range;
use std::time::Duration;

use model::Entropy;
use model::entropy::SeededEntropy;

/// A sequence of numbers that follows from a seed. Each part of the simulation has one, so that a change in one part
/// leaves the others their numbers.
pub struct Chance(SeededEntropy);

impl Chance {
    /// The sequence of a seed, for one part of the simulation.
    pub fn new(seed: u64, part: &str) -> Self {
        let mixed = part
            .bytes()
            .fold(seed ^ 0xCBF2_9CE4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01B3));
        let sequence = SeededEntropy::new(mixed);
        // Seeds that follow each other would otherwise begin alike.
        sequence.next_u64();
        Self(sequence)
    }

    /// Another sequence that follows from this one.
    pub fn fork(&mut self) -> Self {
        Self(SeededEntropy::new(self.0.next_u64()))
    }

    /// A number below `end`; 0 for an `end` of 0.
    pub fn below(&mut self, end: usize) -> usize {
        if end == 0 { 0 } else { (self.0.next_u64() % end as u64) as usize }
    }

    /// A number of a range.
    pub fn within(&mut self, range: Range<u64>) -> u64 {
        range.start + self.0.next_u64() % (range.end - range.start).max(1)
    }

    /// Milliseconds of a range.
    pub fn millis(&mut self, range: Range<u64>) -> Duration {
        Duration::from_millis(self.within(range))
    }

    /// Whether something happens that happens so many times of a thousand.
    pub fn permille(&mut self, times: u64) -> bool {
        self.0.next_u64() % 1_000 < times
    }

    /// One of several.
    pub fn pick<'a, T>(&mut self, of: &'a [T]) -> &'a T {
        &of[self.below(of.len())]
    }

    /// The next number.
    pub fn number(&mut self) -> u64 {
        self.0.next_u64()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_and_a_part_have_one_sequence() {
        let first = |seed, part| Chance::new(seed, part).number();
        assert_eq!(first(1, "a"), first(1, "a"));
        assert_ne!(first(1, "a"), first(1, "b"));
        assert_ne!(first(1, "a"), first(2, "a"));
    }

    #[test]
    fn a_range_is_kept() {
        let mut chance = Chance::new(7, "test");
        assert!((0..1_000).all(|_| (3..9).contains(&chance.within(3..9)) && chance.below(4) < 4));
        assert_eq!((chance.within(5..5), chance.below(0)), (5, 0));
    }
}
