//! One file: what is read from it, what is durable of it, and the changes between the two.

use crate::chance::Chance;

/// What a disk writes whole or not at all.
pub(crate) const SECTOR: usize = 512;

/// How many octets wait for a sync at most. Beyond that the oldest go to the disk by themselves, as the cache of an
/// operating system writes back.
const UNSYNCED_MAX: usize = 16 << 20;

/// Of a hundred sectors that a crash loses, how many hold garbage instead of what was there before.
const GARBAGE: usize = 5;

/// A file.
#[derive(Default)]
pub(crate) struct File {
    /// What is read.
    content: Vec<u8>,
    durable: Vec<u8>,
    /// The changes since the last sync, in their order.
    unsynced: Vec<Change>,
    unsynced_octets: usize,
}

enum Change {
    Write(usize, Vec<u8>),
    Resize(usize),
}

impl File {
    pub(crate) const fn len(&self) -> usize {
        self.content.len()
    }

    /// Reads from `at` on. Returns how many octets there were.
    pub(crate) fn read(&self, at: usize, into: &mut [u8]) -> usize {
        let rest = self.content.get(at..).unwrap_or_default();
        let length = rest.len().min(into.len());
        into[..length].copy_from_slice(&rest[..length]);
        length
    }

    pub(crate) fn write(&mut self, at: usize, octets: &[u8]) {
        put(&mut self.content, at, octets);
        self.unsynced.push(Change::Write(at, octets.to_vec()));
        self.unsynced_octets += octets.len();
        if self.unsynced_octets > UNSYNCED_MAX {
            self.write_back(self.unsynced.len() / 2);
        }
    }

    pub(crate) fn resize(&mut self, length: usize) {
        self.content.resize(length, 0);
        self.unsynced.push(Change::Resize(length));
    }

    /// Makes everything durable.
    pub(crate) fn sync(&mut self) {
        self.write_back(self.unsynced.len());
    }

    /// Makes the oldest changes durable.
    fn write_back(&mut self, count: usize) {
        for change in self.unsynced.drain(..count) {
            match change {
                Change::Write(at, octets) => {
                    self.unsynced_octets -= octets.len();
                    put(&mut self.durable, at, &octets);
                }
                Change::Resize(length) => self.durable.resize(length, 0),
            }
        }
    }

    /// A sync that failed: the cache takes everything for written, and half of it is not.
    pub(crate) fn lose(&mut self, chance: &Chance) {
        self.settle(chance, 50, usize::MAX);
    }

    /// The loss of power.
    pub(crate) fn crash(&mut self, chance: &Chance) {
        let resizes = self.unsynced.iter().filter(|change| matches!(change, Change::Resize(_))).count();
        // Nothing and everything are as likely as all between them: most mistakes show there.
        let kept = match chance.below(4) {
            0 => 0,
            1 => 100,
            _ => chance.below(101),
        };
        self.settle(chance, kept, chance.below(resizes + 1));
        self.content.clone_from(&self.durable);
    }

    /// Makes a part of the changes durable and forgets the others: of the sectors written, `kept` in a hundred, up to
    /// the change of length after `resizes` others.
    fn settle(&mut self, chance: &Chance, kept: usize, mut resizes: usize) {
        self.unsynced_octets = 0;
        for change in std::mem::take(&mut self.unsynced) {
            match change {
                Change::Write(at, octets) => {
                    for (at, piece) in pieces(at, &octets) {
                        if chance.percent(kept) {
                            put(&mut self.durable, at, piece);
                        } else if chance.percent(GARBAGE) {
                            put(&mut self.durable, at, &chance.garbage(piece.len()));
                        }
                    }
                }
                Change::Resize(_) if resizes == 0 => return,
                Change::Resize(length) => {
                    resizes -= 1;
                    self.durable.resize(length, 0);
                }
            }
        }
    }
}

/// Writes octets; what lies between the end and them is zero.
fn put(content: &mut Vec<u8>, at: usize, octets: &[u8]) {
    let end = at + octets.len();
    if content.len() < end {
        content.resize(end, 0);
    }
    content[at..end].copy_from_slice(octets);
}

/// What a write puts into each sector.
fn pieces(at: usize, octets: &[u8]) -> impl Iterator<Item = (usize, &[u8])> {
    let mut begin = 0;
    std::iter::from_fn(move || {
        let length = (SECTOR - (at + begin) % SECTOR).min(octets.len() - begin);
        let piece = (at + begin, &octets[begin..begin + length]);
        begin += length;
        (length > 0).then_some(piece)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn content(file: &File) -> Vec<u8> {
        let mut octets = vec![0; file.len()];
        assert_eq!(file.read(0, &mut octets), octets.len());
        octets
    }

    #[test]
    fn a_crash_loses_only_what_was_not_synced() {
        for seed in 0..200 {
            let chance = Chance::new(seed);
            let mut file = File::default();
            file.write(0, &[1; 2_000]);
            file.sync();
            file.write(600, &[2; 300]);
            file.crash(&chance);
            let octets = content(&file);
            assert_eq!(
                (octets.len(), &octets[..600], &octets[900..]),
                (2_000, &[1; 600][..], &[1; 1_100][..]),
                "seed {seed}"
            );
        }
    }

    #[test]
    fn sectors_survive_one_by_one() {
        let mut seen = std::collections::BTreeSet::new();
        for seed in 0..500 {
            let mut file = File::default();
            file.write(0, &[1; 2 * SECTOR]);
            file.sync();
            file.write(0, &[2; 2 * SECTOR]);
            file.crash(&Chance::new(seed));
            let octets = content(&file);
            // A sector of one value is whole; one of several is garbage.
            let sectors = octets
                .chunks(SECTOR)
                .map(|sector| if sector.iter().all(|octet| *octet == sector[0]) { sector[0] } else { 9 });
            seen.insert(sectors.collect::<Vec<_>>());
        }
        for wanted in [[1, 1], [1, 2], [2, 1], [2, 2]] {
            assert!(seen.contains(&wanted[..]), "{wanted:?}");
        }
        assert!(seen.iter().flatten().any(|sector| *sector == 9), "some hold garbage");
    }

    #[test]
    fn a_truncation_that_was_not_synced_may_not_have_happened() {
        let mut lengths = std::collections::BTreeSet::new();
        for seed in 0..100 {
            let mut file = File::default();
            file.write(0, &[1; 1_024]);
            file.sync();
            file.resize(0);
            file.write(0, &[2; SECTOR]);
            file.crash(&Chance::new(seed));
            lengths.insert(file.len());
        }
        assert_eq!(lengths.into_iter().collect::<Vec<_>>(), [0, SECTOR, 1_024]);
    }

    #[test]
    fn what_a_failed_sync_lost_is_read_until_the_crash_and_no_sync_brings_it_back() {
        let mut lost = 0;
        for seed in 0..100 {
            let chance = Chance::new(seed);
            let mut file = File::default();
            file.write(0, &[1; SECTOR]);
            file.lose(&chance);
            assert_eq!(content(&file), [1; SECTOR]);
            file.sync();
            file.crash(&chance);
            lost += usize::from(content(&file) != [1; SECTOR]);
        }
        assert!((20..80).contains(&lost), "{lost}");
    }

    #[test]
    fn a_long_wait_for_a_sync_ends_by_itself() {
        let mut file = File::default();
        for at in 0..=UNSYNCED_MAX / 65_536 {
            file.write(at * 65_536, &[1; 65_536]);
        }
        assert!(file.unsynced_octets <= UNSYNCED_MAX && !file.durable.is_empty());
    }
}
