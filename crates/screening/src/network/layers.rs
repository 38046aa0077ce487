//! The layers of the network.
//!
//! A convolution is linear in the table of pieces, so the product of every piece with every tap is made once, when the
//! network is loaded. A text then costs additions of rows and one small head. The rows are integers of 16 bits with one
//! scale for each channel, chosen so that no sum of all taps and the bias leaves the 16 bits: 19,100 pieces with 640
//! numbers each are 24 MB. Eight bits would halve that, and would add an error of up to 1 % of a channel's range for
//! each tap. Sums of integers do not depend on their order, and those of the head are made in the order of its inputs.

use std::ops::Range;

use super::file::{Convolution, File, OUTPUTS, Rows, TAPS_MAX};

/// Channels that are summed together: two registers of the smallest x86-64, four when the rows are made.
const LANES: usize = 16;
/// Hidden units that are summed together.
const UNITS: usize = 32;
/// The largest sum of a channel, as an integer of 16 bits.
const TOP: f32 = 32_000.0;

/// A convolution, multiplied with the table.
struct Folded {
    taps: usize,
    /// The channels of a row, in blocks; what the last block has more counts for nothing.
    blocks: usize,
    /// For each piece, each tap: the blocks of its row.
    rows: Vec<[i16; LANES]>,
    /// The row of no piece.
    nothing: Vec<[i16; LANES]>,
    bias: Vec<[i16; LANES]>,
    scales: Vec<f32>,
}

/// What is left of a text: the maximum and the sum of each channel, over as many positions as were added. A text has at
/// most 65,536 positions, so that no sum leaves its 32 bits.
#[derive(Clone)]
pub(crate) struct Pool {
    max: Vec<[i16; LANES]>,
    sum: Vec<[u32; LANES]>,
}

/// All layers.
pub(crate) struct Layers {
    convolutions: Vec<Folded>,
    /// For each block of hidden units, each input: their weights, times the scale of the input.
    first: Vec<[f32; UNITS]>,
    first_bias: Vec<[f32; UNITS]>,
    second: Vec<[f32; OUTPUTS]>,
    second_bias: [f32; OUTPUTS],
}

impl Layers {
    pub(crate) fn new(file: &File<'_>) -> Self {
        let table: Vec<f32> = file.table.octets.iter().map(|octet| f32::from(*octet)).collect();
        let convolutions: Vec<Folded> = file
            .convolutions
            .iter()
            .map(|convolution| Folded::new(convolution, &table, &file.table.scales, file.width))
            .collect();
        let blocks = file.hidden.div_ceil(UNITS);
        let inputs = file.first.scales.len();
        let mut first = vec![[0.0; UNITS]; blocks * inputs];
        for (input, (scale, row)) in
            file.first.scales.iter().zip(file.first.octets.chunks_exact(file.hidden)).enumerate()
        {
            for (unit, weight) in row.iter().enumerate() {
                first[unit / UNITS * inputs + input][unit % UNITS] = f32::from(*weight) * scale;
            }
        }
        let mut first_bias = vec![[0.0; UNITS]; blocks];
        file.first_bias.iter().enumerate().for_each(|(unit, bias)| first_bias[unit / UNITS][unit % UNITS] = *bias);
        Self { convolutions, first, first_bias, second: file.second.clone(), second_bias: file.second_bias }
    }

    /// The octets of the rows that a text looks up.
    pub(crate) fn octets(&self) -> usize {
        self.convolutions.iter().map(|convolution| size_of_val(convolution.rows.as_slice())).sum()
    }

    /// How many neighbours on each side a position looks at.
    pub(crate) fn reach(&self) -> usize {
        self.convolutions.iter().map(|convolution| convolution.taps / 2).max().unwrap_or(0)
    }

    /// Nothing yet.
    pub(crate) fn pool(&self) -> Pool {
        let blocks = self.convolutions.iter().map(|convolution| convolution.blocks).sum();
        Pool { max: vec![[0; LANES]; blocks], sum: vec![[0; LANES]; blocks] }
    }

    /// Adds the positions `range` of a text to `pool`.
    pub(crate) fn add(&self, pieces: &[u16], range: Range<usize>, pool: &mut Pool) {
        #[cfg(test)]
        crate::text::tests::WORK.with(|work| work.set(work.get() + range.len()));
        let mut at = 0;
        for convolution in &self.convolutions {
            let blocks = at..at + convolution.blocks;
            at = blocks.end;
            convolution.add(pieces, range.clone(), &mut pool.max[blocks.clone()], &mut pool.sum[blocks]);
        }
    }

    /// The outputs for a text of `length` positions, which is at least 1.
    pub(crate) fn finish(&self, pool: &Pool, length: usize) -> [f32; OUTPUTS] {
        let mut inputs = Vec::with_capacity(self.first.len() / self.first_bias.len());
        let mut at = 0;
        #[expect(clippy::cast_precision_loss, reason = "a text has at most 65,536 pieces")]
        let share = 1.0 / length as f32;
        for convolution in &self.convolutions {
            let blocks = at..at + convolution.blocks;
            at = blocks.end;
            let max = pool.max[blocks.clone()].as_flattened().iter().map(|max| f32::from(*max));
            inputs.extend(max.zip(&convolution.scales).map(|(max, scale)| max * scale));
            #[expect(clippy::cast_precision_loss, reason = "24 bits of a sum are enough")]
            let mean = pool.sum[blocks].as_flattened().iter().map(|sum| *sum as f32);
            inputs.extend(mean.zip(&convolution.scales).map(|(sum, scale)| sum * scale * share));
        }
        let mut outputs = self.second_bias;
        let blocks = self.first.chunks_exact(inputs.len()).zip(&self.first_bias);
        for ((weights, bias), second) in blocks.zip(self.second.chunks(UNITS)) {
            let mut hidden = *bias;
            // In a short text many channels felt nothing, and their weights need not be read.
            for (input, weights) in inputs.iter().zip(weights).filter(|(input, _)| **input > 0.0) {
                hidden.iter_mut().zip(weights).for_each(|(sum, weight)| *sum += input * weight);
            }
            for (unit, weights) in hidden.iter().zip(second) {
                let unit = unit.max(0.0);
                outputs.iter_mut().zip(weights).for_each(|(sum, weight)| *sum += unit * weight);
            }
        }
        outputs
    }
}

impl Folded {
    fn new(convolution: &Convolution, table: &[f32], pieces: &[f32], width: usize) -> Self {
        let Convolution { taps, channels, ref weights, ref bias } = *convolution;
        let blocks = channels.div_ceil(LANES);
        let mut folded = Self {
            taps,
            blocks,
            rows: vec![[0; LANES]; pieces.len() * taps * blocks],
            nothing: vec![[0; LANES]; blocks],
            bias: vec![[0; LANES]; blocks],
            scales: vec![0.0; channels],
        };
        for block in 0..blocks {
            let lanes = block * LANES..channels.min((block + 1) * LANES);
            let products: Vec<Vec<[f32; LANES]>> =
                (0..taps).map(|tap| products(weights, tap * channels, &lanes, table, pieces, width)).collect();
            let mut largest = [0.0_f32; LANES];
            largest.iter_mut().zip(&bias[lanes.clone()]).for_each(|(largest, bias)| *largest = bias.abs());
            for products in &products {
                let mut of_tap = [0.0_f32; LANES];
                for product in products {
                    of_tap.iter_mut().zip(product).for_each(|(largest, one)| *largest = largest.max(one.abs()));
                }
                largest.iter_mut().zip(of_tap).for_each(|(largest, of_tap)| *largest += of_tap);
            }
            let factors = largest.map(|largest| if largest > 0.0 { TOP / largest } else { 0.0 });
            for (lane, channel) in lanes.enumerate() {
                folded.scales[channel] = largest[lane] / TOP;
                folded.bias[block][lane] = whole(bias[channel] * factors[lane]);
            }
            for (tap, products) in products.iter().enumerate() {
                let places = folded.rows.iter_mut().skip(tap * blocks + block).step_by(taps * blocks);
                for (place, product) in places.zip(products) {
                    *place = std::array::from_fn(|lane| whole(product[lane] * factors[lane]));
                }
            }
        }
        folded
    }

    /// Adds positions of a text. What stands before its first piece and behind its last counts as nothing.
    fn add(&self, pieces: &[u16], range: Range<usize>, max: &mut [[i16; LANES]], sum: &mut [[u32; LANES]]) {
        match self.taps {
            1 => self.add_each::<1>(pieces, range, max, sum),
            3 => self.add_each::<3>(pieces, range, max, sum),
            _ => self.add_each::<TAPS_MAX>(pieces, range, max, sum),
        }
    }

    fn add_each<const TAPS: usize>(
        &self,
        pieces: &[u16],
        range: Range<usize>,
        max: &mut [[i16; LANES]],
        sum: &mut [[u32; LANES]],
    ) {
        let mut at = range.start;
        // Two at a time: each then costs half of the loads and stores of what is pooled.
        while at + 1 < range.end {
            let rows = (self.rows::<TAPS>(pieces, at), self.rows::<TAPS>(pieces, at + 1));
            for (block, (max, sum)) in max.iter_mut().zip(sum.iter_mut()).enumerate() {
                let (one, two) = (self.felt(&rows.0, block), self.felt(&rows.1, block));
                for ((max, sum), (one, two)) in max.iter_mut().zip(sum).zip(one.into_iter().zip(two)) {
                    *max = (*max).max(one).max(two);
                    // Neither is negative, and twice the largest fits 16 bits without a sign.
                    *sum = sum.wrapping_add(u32::from(one.cast_unsigned().wrapping_add(two.cast_unsigned())));
                }
            }
            at += 2;
        }
        if at < range.end {
            let rows = self.rows::<TAPS>(pieces, at);
            for (block, (max, sum)) in max.iter_mut().zip(sum).enumerate() {
                for ((max, sum), felt) in max.iter_mut().zip(sum).zip(self.felt(&rows, block)) {
                    *max = (*max).max(felt);
                    *sum = sum.wrapping_add(u32::from(felt.cast_unsigned()));
                }
            }
        }
    }

    /// For each tap at `position`: the row of the piece that it reads.
    fn rows<const TAPS: usize>(&self, pieces: &[u16], position: usize) -> [&[[i16; LANES]]; TAPS] {
        std::array::from_fn(|tap| {
            let piece = (position + tap).checked_sub(TAPS / 2).and_then(|at| pieces.get(at));
            piece.map_or(self.nothing.as_slice(), |piece| {
                let start = (usize::from(*piece) * TAPS + tap) * self.blocks;
                &self.rows[start..start + self.blocks]
            })
        })
    }

    /// The channels of one block, which are at least 0. The scale leaves room for the sum of all taps and the bias.
    fn felt<const TAPS: usize>(&self, rows: &[&[[i16; LANES]]; TAPS], block: usize) -> [i16; LANES] {
        let mut felt = self.bias[block];
        for row in rows {
            felt.iter_mut().zip(&row[block]).for_each(|(felt, one)| *felt = felt.wrapping_add(*one));
        }
        felt.map(|felt| felt.max(0))
    }
}

/// What each piece adds to the channels `lanes` by one tap, whose rows of weights begin at row `first`.
fn products(
    weights: &Rows,
    first: usize,
    lanes: &Range<usize>,
    table: &[f32],
    pieces: &[f32],
    width: usize,
) -> Vec<[f32; LANES]> {
    let mut columns = vec![[0.0_f32; LANES]; width];
    let mut scales = [0.0_f32; LANES];
    for (lane, channel) in lanes.clone().enumerate() {
        let row = first + channel;
        scales[lane] = weights.scales[row];
        let octets = &weights.octets[row * width..(row + 1) * width];
        columns.iter_mut().zip(octets).for_each(|(column, octet)| column[lane] = f32::from(*octet));
    }
    let mut products = Vec::with_capacity(pieces.len());
    let pairs = table.chunks_exact(2 * width);
    let last = pairs.remainder();
    for pair in pairs {
        let (left, right) = pair.split_at(width);
        let (mut of_left, mut of_right) = ([0.0; LANES], [0.0; LANES]);
        // Whole numbers below 2^24, so that each sum is exact.
        for ((left, right), column) in left.iter().zip(right).zip(&columns) {
            of_left.iter_mut().zip(column).for_each(|(sum, weight)| *sum += left * weight);
            of_right.iter_mut().zip(column).for_each(|(sum, weight)| *sum += right * weight);
        }
        products.extend([of_left, of_right]);
    }
    if !last.is_empty() {
        let mut sums = [0.0; LANES];
        for (value, column) in last.iter().zip(&columns) {
            sums.iter_mut().zip(column).for_each(|(sum, weight)| *sum += value * weight);
        }
        products.push(sums);
    }
    for (product, piece) in products.iter_mut().zip(pieces) {
        product.iter_mut().zip(scales).for_each(|(product, scale)| *product *= piece * scale);
    }
    products
}

#[expect(clippy::cast_possible_truncation, reason = "at most TOP by the choice of the scale")]
fn whole(value: f32) -> i16 {
    (value + 0.5_f32.copysign(value)) as i16
}
