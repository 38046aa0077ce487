//! Weights: one row for each hashed feature, one octet for each category.
//!
//! File: `SCRN`, version (1), log2 of the rows (1), categories (1), zero (1), scale (f32, little-endian), one bias
//! (f32) for each category, then the rows that are not zero as runs: rows to skip (LEB128), rows that follow (LEB128),
//! their octets.

use super::features::Feature;
use crate::category::COUNT;
use crate::lexicon::parse::DataError;

const MAGIC: [u8; 4] = *b"SCRN";
const VERSION: u8 = 1;
/// Octets of a row in memory: a whole number of registers, and no row on two lines of the cache.
const LANES: usize = 16;

/// Quantised weights.
pub(crate) struct Weights {
    bits: u32,
    scale: f32,
    bias: [f32; COUNT],
    rows: Vec<[i8; LANES]>,
}

/// What features add together.
pub(crate) struct Sum<'a> {
    weights: &'a Weights,
    lanes: [f32; LANES],
}

impl Sum<'_> {
    pub(crate) fn add(&mut self, feature: &Feature) {
        let row = &self.weights.rows[Weights::row_of(feature.hash, self.weights.bits)];
        for (lane, weight) in self.lanes.iter_mut().zip(row) {
            *lane += f32::from(*weight) * feature.value;
        }
    }

    /// The sum for each category, with the bias.
    pub(crate) fn finish(&self) -> [f32; COUNT] {
        std::array::from_fn(|at| self.lanes[at] * self.weights.scale + self.weights.bias[at])
    }
}

impl Weights {
    /// Weights that say nothing: rules alone decide.
    pub(crate) fn none() -> Self {
        Self { bits: 1, scale: 0.0, bias: [0.0; COUNT], rows: vec![[0; LANES]; 2] }
    }

    /// The row of a feature among `1 << bits`.
    pub(crate) fn row_of(hash: u64, bits: u32) -> usize {
        usize::try_from(hash >> (64 - bits)).unwrap_or(0)
    }

    /// What one feature adds to each category.
    pub(crate) fn of(&self, feature: &Feature) -> [f32; COUNT] {
        let row = &self.rows[Self::row_of(feature.hash, self.bits)];
        let factor = self.scale * feature.value;
        std::array::from_fn(|at| f32::from(row[at]) * factor)
    }

    /// A sum without any feature.
    pub(crate) const fn sum(&self) -> Sum<'_> {
        Sum { weights: self, lanes: [0.0; LANES] }
    }

    /// Quantises what training found.
    pub(crate) fn quantise(bits: u32, rows: &[[f32; COUNT]], bias: [f32; COUNT]) -> Self {
        let largest = rows.iter().flatten().fold(0.0_f32, |largest, weight| largest.max(weight.abs()));
        let scale = if largest > 0.0 { largest.min(4.0) / 127.0 } else { 0.0 };
        let quantised = rows.iter().map(|row| wide(row.map(|weight| octet(weight, scale)))).collect();
        Self { bits, scale, bias, rows: quantised }
    }

    pub(crate) fn to_bytes(&self) -> Vec<u8> {
        let mut out = MAGIC.to_vec();
        out.extend([VERSION, u8::try_from(self.bits).unwrap_or(0), u8::try_from(COUNT).unwrap_or(0), 0]);
        out.extend(self.scale.to_le_bytes());
        self.bias.iter().for_each(|bias| out.extend(bias.to_le_bytes()));
        let mut at = 0;
        while at < self.rows.len() {
            let skip = self.rows[at..].iter().take_while(|row| **row == [0; LANES]).count();
            let run = self.rows[at + skip..].iter().take_while(|row| **row != [0; LANES]).count();
            leb(skip, &mut out);
            leb(run, &mut out);
            self.rows[at + skip..at + skip + run]
                .iter()
                .flat_map(|row| &row[..COUNT])
                .for_each(|weight| out.extend(weight.to_le_bytes()));
            at += skip + run;
        }
        out
    }

    pub(crate) fn from_bytes(bytes: &[u8]) -> Result<Self, DataError> {
        let mut input = Input(bytes);
        if input.take()? != MAGIC {
            return Err(DataError::Weights("not a file of weights"));
        }
        let [version, bits, categories, _]: [u8; 4] = input.take()?;
        if version != VERSION || usize::from(categories) != COUNT || !(1..=20).contains(&bits) {
            return Err(DataError::Weights("of another version"));
        }
        let scale = f32::from_le_bytes(input.take()?);
        let mut bias = [0.0; COUNT];
        for value in &mut bias {
            *value = f32::from_le_bytes(input.take()?);
        }
        if !scale.is_finite() || bias.iter().any(|value| !value.is_finite()) {
            return Err(DataError::Weights("a number that is none"));
        }
        let mut rows = vec![[0_i8; LANES]; 1 << bits];
        let mut at = 0_usize;
        while at < rows.len() {
            let start = at.saturating_add(input.leb()?);
            let end = start.saturating_add(input.leb()?);
            let run = rows.get_mut(start..end).ok_or(DataError::Weights("more rows than there are"))?;
            for row in run {
                *row = wide(input.take::<COUNT>()?.map(|octet| i8::from_le_bytes([octet])));
            }
            if end == at {
                return Err(DataError::Weights("an empty run"));
            }
            at = end;
        }
        Ok(Self { bits: u32::from(bits), scale, bias, rows })
    }
}

fn wide(row: [i8; COUNT]) -> [i8; LANES] {
    std::array::from_fn(|at| row.get(at).copied().unwrap_or(0))
}

#[expect(clippy::cast_possible_truncation, reason = "clamped to the range of an octet")]
fn octet(weight: f32, scale: f32) -> i8 {
    if scale > 0.0 { (weight / scale).round().clamp(-127.0, 127.0) as i8 } else { 0 }
}

fn leb(mut value: usize, out: &mut Vec<u8>) {
    loop {
        let low = u8::try_from(value & 0x7f).unwrap_or(0);
        value >>= 7;
        if value == 0 {
            return out.push(low);
        }
        out.push(low | 0x80);
    }
}

struct Input<'a>(&'a [u8]);

impl Input<'_> {
    fn take<const N: usize>(&mut self) -> Result<[u8; N], DataError> {
        let (head, tail) = self.0.split_first_chunk::<N>().ok_or(DataError::Weights("cut short"))?;
        self.0 = tail;
        Ok(*head)
    }

    fn leb(&mut self) -> Result<usize, DataError> {
        let mut value = 0;
        for shift in [0, 7, 14, 21] {
            let [octet] = self.take()?;
            value |= usize::from(octet & 0x7f) << shift;
            if octet & 0x80 == 0 {
                return Ok(value);
            }
        }
        Err(DataError::Weights("a number too large"))
    }
}
