//! The file of a network, `data/network.bin`.
//!
//! All numbers are little endian, `f32` is IEEE 754 with 32 bits. In this order:
//!
//! 1. `SMSN`, then the version (`u8`, 1).
//! 2. The number of word pieces V (`u16`), the width of the table D (`u16`), the number of convolutions K (`u8`). For
//!    each convolution its width W (`u8`: 1, 3 or 5) and its channels C (`u16`). The hidden units H (`u16`), and the
//!    outputs (`u8`, 11: `ok`, then the categories in the order of `Category::ALL`).
//! 3. The pieces: for each the number of its octets (`u8`) and its octets (UTF-8, at most 24 of them behind `##`). A
//!    piece that continues a word begins with `##`. Piece 0 is `[UNK]`. No piece stands twice.
//! 4. The table: for each piece a scale (`f32`) and D octets (`i8`); the row of the piece is scale x octets.
//! 5. Each convolution: for each tap (0 to W - 1) and, within it, each channel a scale (`f32`) and D weights (`i8`);
//!    then C biases (`f32`). Tap W / 2 reads the piece itself, the taps below it the pieces before.
//! 6. The first layer of the head: for each of its inputs a scale (`f32`) and H weights (`i8`), then H biases (`f32`).
//!    The inputs are the maxima of all channels of the first convolution, their means, the maxima and the means of the
//!    second, and so on.
//! 7. The second layer: for each of the H hidden units 11 weights (`f32`), then 11 biases (`f32`).
//! 8. The FNV-1a hash (`u64`, 64 bits, offset basis cbf29ce484222325, prime 100000001b3) of all octets before.
//!
//! Nothing is divided and nothing is padded. Scales, biases and the weights of the second layer lie between -1,000 and
//! 1,000, so that no sum leaves the range of an `f32`.

use crate::category::COUNT;
use crate::lexicon::parse::DataError;

const MAGIC: [u8; 4] = *b"SMSN";
const VERSION: u8 = 1;
/// `ok` and the categories.
pub(crate) const OUTPUTS: usize = COUNT + 1;
/// The longest piece, in octets without `##`.
pub(crate) const PIECE_MAX: usize = 24;
/// What continues a word begins with this.
pub(crate) const CONTINUES: &str = "##";
/// The piece for a word that no pieces make.
const UNKNOWN: &str = "[UNK]";
/// The widest convolution.
pub(crate) const TAPS_MAX: usize = 5;
/// The most convolutions.
const CONVOLUTIONS_MAX: usize = 4;
/// The most channels of a convolution, columns of the table, and hidden units.
const WIDTH_MAX: usize = 512;
/// The most numbers of the folded table, two octets each.
const FOLDED_MAX: usize = 1 << 25;
/// The most multiplications to fold it.
const FOLDING_MAX: usize = 1 << 32;
/// The largest scale, bias and weight.
const LARGEST: f32 = 1_000.0;

/// Rows of small integers, each with its scale.
pub(crate) struct Rows {
    pub(crate) scales: Vec<f32>,
    /// The rows, one behind the other.
    pub(crate) octets: Vec<i8>,
}

/// A convolution as it was trained.
pub(crate) struct Convolution {
    pub(crate) taps: usize,
    pub(crate) channels: usize,
    /// A row for each tap and channel.
    pub(crate) weights: Rows,
    pub(crate) bias: Vec<f32>,
}

/// A network as it stands in its file.
pub(crate) struct File<'a> {
    pub(crate) pieces: Vec<&'a str>,
    pub(crate) width: usize,
    pub(crate) table: Rows,
    pub(crate) convolutions: Vec<Convolution>,
    pub(crate) hidden: usize,
    /// A row for each input of the head.
    pub(crate) first: Rows,
    pub(crate) first_bias: Vec<f32>,
    pub(crate) second: Vec<[f32; OUTPUTS]>,
    pub(crate) second_bias: [f32; OUTPUTS],
}

/// The FNV-1a hash of `octets`.
pub(crate) fn digest(octets: &[u8]) -> u64 {
    octets
        .iter()
        .fold(0xcbf2_9ce4_8422_2325, |hash, octet| (hash ^ u64::from(*octet)).wrapping_mul(0x0000_0100_0000_01b3))
}

impl<'a> File<'a> {
    /// Reads the octets of a file.
    pub(crate) fn read(octets: &'a [u8]) -> Result<Self, DataError> {
        let mut input = Input(octets);
        if input.take()? != MAGIC {
            return Err(DataError::Network("not a file of a network"));
        }
        if input.octet()? != VERSION {
            return Err(DataError::Network("of another version"));
        }
        let Some((before, hash)) = octets.split_last_chunk::<8>() else { return Err(SHORT) };
        if digest(before) != u64::from_le_bytes(*hash) {
            return Err(DataError::Network("its hash is not that of its octets"));
        }
        // The head of nine octets and the hash do not overlap: the version was read, and a hash stood behind it.
        input.0 = before.get(MAGIC.len() + 1..).ok_or(SHORT)?;
        let shape = Shape::read(&mut input)?;
        let pieces = pieces(&mut input, shape.pieces)?;
        let table = input.rows(shape.pieces, shape.width)?;
        let convolutions = shape
            .convolutions
            .iter()
            .map(|&(taps, channels)| {
                let weights = input.rows(taps * channels, shape.width)?;
                Ok(Convolution { taps, channels, weights, bias: input.floats(channels)? })
            })
            .collect::<Result<Vec<_>, DataError>>()?;
        let inputs = 2 * shape.convolutions.iter().map(|(_, channels)| channels).sum::<usize>();
        let first = input.rows(inputs, shape.hidden)?;
        let first_bias = input.floats(shape.hidden)?;
        let second = (0..shape.hidden).map(|_| input.outputs()).collect::<Result<_, _>>()?;
        let second_bias = input.outputs()?;
        if !input.0.is_empty() {
            return Err(DataError::Network("octets behind the last layer"));
        }
        let Shape { width, hidden, .. } = shape;
        Ok(Self { pieces, width, table, convolutions, hidden, first, first_bias, second, second_bias })
    }
}

/// How large the parts are.
struct Shape {
    pieces: usize,
    width: usize,
    /// Taps and channels of each.
    convolutions: Vec<(usize, usize)>,
    hidden: usize,
}

impl Shape {
    fn read(input: &mut Input<'_>) -> Result<Self, DataError> {
        let (pieces, width, count) = (input.number()?, input.number()?, usize::from(input.octet()?));
        if pieces == 0 || !(1..=WIDTH_MAX).contains(&width) || !(1..=CONVOLUTIONS_MAX).contains(&count) {
            return Err(DataError::Network("a table or a number of convolutions that is not possible"));
        }
        let convolutions = (0..count)
            .map(|_| {
                let (taps, channels) = (usize::from(input.octet()?), input.number()?);
                if !matches!(taps, 1 | 3 | TAPS_MAX) || !(1..=WIDTH_MAX).contains(&channels) {
                    return Err(DataError::Network("a convolution that is not possible"));
                }
                Ok((taps, channels))
            })
            .collect::<Result<Vec<_>, DataError>>()?;
        let (hidden, outputs) = (input.number()?, usize::from(input.octet()?));
        if !(1..=WIDTH_MAX).contains(&hidden) || outputs != OUTPUTS {
            return Err(DataError::Network("a head that is not possible"));
        }
        let folded = pieces * convolutions.iter().map(|(taps, channels)| taps * channels).sum::<usize>();
        if folded > FOLDED_MAX || folded.saturating_mul(width) > FOLDING_MAX {
            return Err(DataError::Network("too large"));
        }
        Ok(Self { pieces, width, convolutions, hidden })
    }
}

fn pieces<'a>(input: &mut Input<'a>, count: usize) -> Result<Vec<&'a str>, DataError> {
    let mut pieces = Vec::with_capacity(count.min(input.0.len()));
    for at in 0..count {
        let length = usize::from(input.octet()?);
        let piece =
            str::from_utf8(input.slice(length)?).map_err(|_| DataError::Network("a word piece is not UTF-8"))?;
        let bare = piece.strip_prefix(CONTINUES).unwrap_or(piece);
        if bare.is_empty() && piece != CONTINUES || bare.len() > PIECE_MAX {
            return Err(DataError::Network("a word piece is empty or too long"));
        }
        if (at == 0) != (piece == UNKNOWN) {
            return Err(DataError::Network("the first word piece, and no other, is [UNK]"));
        }
        pieces.push(piece);
    }
    Ok(pieces)
}

const SHORT: DataError = DataError::Network("cut short");

struct Input<'a>(&'a [u8]);

impl<'a> Input<'a> {
    fn slice(&mut self, octets: usize) -> Result<&'a [u8], DataError> {
        let (head, tail) = self.0.split_at_checked(octets).ok_or(SHORT)?;
        self.0 = tail;
        Ok(head)
    }

    fn take<const N: usize>(&mut self) -> Result<[u8; N], DataError> {
        let (head, tail) = self.0.split_first_chunk::<N>().ok_or(SHORT)?;
        self.0 = tail;
        Ok(*head)
    }

    fn octet(&mut self) -> Result<u8, DataError> {
        self.take().map(|[octet]| octet)
    }

    fn number(&mut self) -> Result<usize, DataError> {
        self.take().map(|octets| usize::from(u16::from_le_bytes(octets)))
    }

    fn float(&mut self) -> Result<f32, DataError> {
        let value = f32::from_le_bytes(self.take()?);
        // A number that is none is not below either.
        if value.abs() <= LARGEST { Ok(value) } else { Err(DataError::Network("a number is too large or none")) }
    }

    fn floats(&mut self, count: usize) -> Result<Vec<f32>, DataError> {
        (0..count).map(|_| self.float()).collect()
    }

    fn outputs(&mut self) -> Result<[f32; OUTPUTS], DataError> {
        let mut all = [0.0; OUTPUTS];
        for value in &mut all {
            *value = self.float()?;
        }
        Ok(all)
    }

    /// Rows with a scale each, which are there before anything is made for them.
    fn rows(&mut self, count: usize, width: usize) -> Result<Rows, DataError> {
        if self.0.len() / (4 + width) < count {
            return Err(SHORT);
        }
        let mut rows = Rows { scales: Vec::with_capacity(count), octets: Vec::with_capacity(count * width) };
        for _ in 0..count {
            rows.scales.push(self.float()?);
            rows.octets.extend(self.slice(width)?.iter().map(|octet| i8::from_le_bytes([*octet])));
        }
        Ok(rows)
    }
}
