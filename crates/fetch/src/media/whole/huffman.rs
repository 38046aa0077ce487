//! Canonical Huffman codes, as deflate (RFC 1951, section 3.2.2) and JPEG (ITU-T T.81, annex C) write them down: how
//! many codes there are of each length, and what they mean in order. Data are walked with them to find their end, and
//! not decoded.

/// The longest code: 16 bits in JPEG, 15 in deflate.
const LENGTH_MAX: usize = 16;

/// Where bits come from.
pub(super) trait Bits {
    /// The next bit; `None` at the end.
    fn bit(&mut self) -> Option<u32>;
}

/// A code.
#[derive(Clone, Debug)]
pub(super) struct Code {
    /// How many codes there are of each length, the first for length 0.
    counts: [u16; LENGTH_MAX + 1],
    symbols: Vec<u16>,
}

impl Code {
    /// The code of which `counts` has so many of each length from 1, for these symbols.
    pub(super) fn of_counts(counts: &[u8], symbols: &[u8]) -> Self {
        let mut code = Self { counts: [0; LENGTH_MAX + 1], symbols: symbols.iter().copied().map(u16::from).collect() };
        for (slot, count) in code.counts[1..].iter_mut().zip(counts) {
            *slot = u16::from(*count);
        }
        code
    }

    /// The code in which symbol `n` has the `n`th of these lengths; 0 for a symbol that has no code.
    pub(super) fn of_lengths(lengths: &[u8]) -> Self {
        let mut code = Self { counts: [0; LENGTH_MAX + 1], symbols: Vec::with_capacity(lengths.len()) };
        for length in 1..=LENGTH_MAX {
            let of_length =
                (0_u16..).zip(lengths).filter(|(_, found)| usize::from(**found) == length).map(|(symbol, _)| symbol);
            let before = code.symbols.len();
            code.symbols.extend(of_length);
            code.counts[length] = (code.symbols.len() - before) as u16;
        }
        code
    }

    /// The next symbol; `None` at the end of the bits, and where they are no code.
    pub(super) fn next(&self, bits: &mut impl Bits) -> Option<u16> {
        let (mut code, mut first, mut index) = (0_u32, 0_u32, 0_u32);
        for count in self.counts[1..].iter().copied().map(u32::from) {
            code |= bits.bit()?;
            if code.checked_sub(first).is_some_and(|place| place < count) {
                return self.symbols.get((index + code - first) as usize).copied();
            }
            index += count;
            first = (first + count) << 1;
            code <<= 1;
        }
        None
    }
}
