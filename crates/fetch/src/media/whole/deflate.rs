//! How much a deflated stream holds (RFC 1950, RFC 1951): it is walked code by code, and nothing of it is unpacked. So
//! memory stays small whatever the stream claims.

use super::huffman::{Bits, Code};

/// Bits of octets, the low one first.
pub(super) struct LowFirst<I> {
    octets: I,
    held: u32,
    count: u32,
}

impl<I: Iterator<Item = u8>> LowFirst<I> {
    pub(super) const fn new(octets: I) -> Self {
        Self { octets, held: 0, count: 0 }
    }

    /// The next `count` bits, at most 16, as a number.
    pub(super) fn take(&mut self, count: u32) -> Option<u32> {
        while self.count < count {
            self.held |= u32::from(self.octets.next()?) << self.count;
            self.count += 8;
        }
        let value = self.held & ((1 << count) - 1);
        self.held >>= count;
        self.count -= count;
        Some(value)
    }

    /// Forgets the bits that are left of an octet.
    fn align(&mut self) {
        self.held >>= self.count % 8;
        self.count -= self.count % 8;
    }
}

impl<I: Iterator<Item = u8>> Bits for LowFirst<I> {
    fn bit(&mut self) -> Option<u32> {
        self.take(1)
    }
}

/// Lengths of matches (RFC 1951, section 3.2.5): the least for each symbol from 257, and how many bits add to it.
const LENGTHS: [(u16, u8); 29] = [
    (3, 0),
    (4, 0),
    (5, 0),
    (6, 0),
    (7, 0),
    (8, 0),
    (9, 0),
    (10, 0),
    (11, 1),
    (13, 1),
    (15, 1),
    (17, 1),
    (19, 2),
    (23, 2),
    (27, 2),
    (31, 2),
    (35, 3),
    (43, 3),
    (51, 3),
    (59, 3),
    (67, 4),
    (83, 4),
    (99, 4),
    (115, 4),
    (131, 5),
    (163, 5),
    (195, 5),
    (227, 5),
    (258, 0),
];

/// The order in which the lengths of the code of lengths are written (RFC 1951, section 3.2.7).
const ORDER: [usize; 19] = [16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15];

/// Whether a zlib stream inflates to `wanted` octets or more before it ends, breaks, or is cut.
pub(super) fn holds(stream: impl Iterator<Item = u8>, wanted: u64) -> bool {
    let mut walk = Walk { bits: LowFirst::new(stream), found: 0, wanted };
    // The method, and the flags.
    let _ = walk.bits.take(16).and_then(|_| walk.blocks());
    walk.found >= wanted
}

struct Walk<I> {
    bits: LowFirst<I>,
    found: u64,
    wanted: u64,
}

impl<I: Iterator<Item = u8>> Walk<I> {
    /// Walks blocks until the last, or until there is enough.
    fn blocks(&mut self) -> Option<()> {
        while self.found < self.wanted {
            let is_last = self.bits.take(1)? == 1;
            match self.bits.take(2)? {
                0 => self.stored()?,
                1 => {
                    let lengths: Vec<u8> = (0..288)
                        .map(|symbol| {
                            [8, 9, 7, 8]
                                [usize::from(symbol > 143) + usize::from(symbol > 255) + usize::from(symbol > 279)]
                        })
                        .collect();
                    self.packed(&Code::of_lengths(&lengths), &Code::of_lengths(&[5; 30]))?;
                }
                2 => {
                    let (symbols, distances) = self.codes()?;
                    self.packed(&symbols, &distances)?;
                }
                _ => return None,
            }
            if is_last {
                return Some(());
            }
        }
        Some(())
    }

    fn stored(&mut self) -> Option<()> {
        self.bits.align();
        let length = self.bits.take(16)?;
        // Its complement.
        self.bits.take(16)?;
        for _ in 0..length {
            self.bits.take(8)?;
            self.found += 1;
        }
        Some(())
    }

    /// The codes that a block brings with it.
    fn codes(&mut self) -> Option<(Code, Code)> {
        let (symbols, distances, lengths) =
            (self.bits.take(5)? as usize + 257, self.bits.take(5)? as usize + 1, self.bits.take(4)? as usize + 4);
        let mut of_lengths = [0; 19];
        for place in ORDER.iter().take(lengths) {
            of_lengths[*place] = self.bits.take(3)? as u8;
        }
        let code = Code::of_lengths(&of_lengths);
        let mut read: Vec<u8> = Vec::with_capacity(symbols + distances);
        while read.len() < symbols + distances {
            let (length, times) = match code.next(&mut self.bits)? {
                16 => (*read.last()?, 3 + self.bits.take(2)?),
                17 => (0, 3 + self.bits.take(3)?),
                18 => (0, 11 + self.bits.take(7)?),
                length => (length as u8, 1),
            };
            read.extend(std::iter::repeat_n(length, times as usize));
        }
        Some((Code::of_lengths(read.get(..symbols)?), Code::of_lengths(read.get(symbols..symbols + distances)?)))
    }

    /// How far back a match is. Every two symbols have one more bit (RFC 1951, section 3.2.5).
    fn distance(&mut self, distances: &Code) -> Option<u64> {
        let symbol = u64::from(distances.next(&mut self.bits)?);
        match symbol {
            0..=3 => Some(symbol + 1),
            4..=29 => {
                let more = (symbol / 2 - 1) as u32;
                Some(((2 + symbol % 2) << more) + 1 + u64::from(self.bits.take(more)?))
            }
            _ => None,
        }
    }

    /// Walks literals and matches to the end of a block.
    fn packed(&mut self, symbols: &Code, distances: &Code) -> Option<()> {
        while self.found < self.wanted {
            match symbols.next(&mut self.bits)? {
                0..=255 => self.found += 1,
                256 => return Some(()),
                symbol => {
                    let (least, more) = LENGTHS.get(usize::from(symbol) - 257)?;
                    let length = u64::from(*least) + u64::from(self.bits.take((*more).into())?);
                    let distance = self.distance(distances)?;
                    // Nothing is before the beginning: these are no data of deflate, or some of them are missing.
                    if distance > self.found {
                        return None;
                    }
                    self.found += length;
                }
            }
        }
        Some(())
    }
}
