//! Changes at random: a seed of it, and the same inputs come again.

use model::{Entropy, SeededEntropy};

/// The longest input.
const BYTES_MAX: usize = 16 * 1024;

/// Numbers at which lengths and counts turn.
const EDGES: [u8; 10] = [0, 1, 2, 7, 0x0A, 0x20, 0x7F, 0x80, 0xFE, 0xFF];

/// Makes inputs out of seeds.
pub struct Mutator {
    chance: SeededEntropy,
    seeds: Vec<Vec<u8>>,
}

impl Mutator {
    /// Inputs that follow from this number and these seeds, of which there is at least one.
    pub fn new(seed: u64, seeds: Vec<Vec<u8>>) -> Self {
        let seeds = if seeds.is_empty() { vec![Vec::new()] } else { seeds };
        Self { chance: SeededEntropy::new(seed), seeds }
    }

    /// The next input.
    pub fn next_input(&mut self) -> Vec<u8> {
        let mut octets = self.seed();
        for _ in 0..=self.below(6) {
            self.change(&mut octets);
        }
        octets.truncate(BYTES_MAX);
        octets
    }

    fn seed(&self) -> Vec<u8> {
        self.seeds[self.below(self.seeds.len())].clone()
    }

    /// A number below `bound`, which is not 0.
    fn below(&self, bound: usize) -> usize {
        (self.chance.next_u64() % bound as u64) as usize
    }

    fn octet(&self) -> u8 {
        self.below(256) as u8
    }

    /// A stretch of the octets: where it begins and ends.
    fn stretch(&self, octets: &[u8]) -> std::ops::Range<usize> {
        let start = self.below(octets.len() + 1);
        start..(start + self.below(33)).min(octets.len())
    }

    fn change(&self, octets: &mut Vec<u8>) {
        let at = self.below(octets.len() + 1);
        match self.below(10) {
            0 if at < octets.len() => octets[at] ^= 1 << self.below(8),
            1 if at < octets.len() => octets[at] = self.octet(),
            2 if at < octets.len() => octets[at] = EDGES[self.below(EDGES.len())],
            3 => octets.insert(at, self.octet()),
            4 => drop(octets.drain(self.stretch(octets))),
            5 => octets.truncate(at),
            6 => {
                let stretch = octets[self.stretch(octets)].to_vec();
                drop(octets.splice(at..at, stretch.repeat(1 + self.below(4))));
            }
            7 => {
                // The end of another seed.
                let other = self.seed();
                octets.truncate(at);
                octets.extend_from_slice(&other[self.below(other.len() + 1)..]);
            }
            8 => {
                let other = self.seed();
                let stretch = other[self.stretch(&other)].to_vec();
                drop(octets.splice(at..at, stretch));
            }
            _ => octets.extend((0..self.below(9)).map(|_| EDGES[self.below(EDGES.len())])),
        }
    }
}
