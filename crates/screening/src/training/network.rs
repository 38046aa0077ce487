//! The file of a network, written: the counterpart of its reader in plain parts, and small networks for tests and
//! measurements. Networks that know anything are trained in Python.

use super::train::Random;
use crate::category::{COUNT, Category};

/// `ok` and the categories.
const OUTPUTS: usize = COUNT + 1;

/// A row of small integers and their scale.
#[derive(Debug, Clone, PartialEq)]
pub struct Row {
    /// By what each of `octets` is multiplied.
    pub scale: f32,
    /// The integers.
    pub octets: Vec<i8>,
}

/// A convolution.
#[derive(Debug, Clone, PartialEq)]
pub struct Convolution {
    /// Its width: 1, 3 or 5.
    pub taps: u8,
    /// For each tap, each channel: the weights of the columns of the table.
    pub rows: Vec<Row>,
    /// For each channel.
    pub bias: Vec<f32>,
}

/// A network in plain parts.
#[derive(Debug, Clone, PartialEq)]
pub struct Network {
    /// The word pieces, the first of which is `[UNK]`.
    pub pieces: Vec<String>,
    /// For each piece: its row of the table.
    pub table: Vec<Row>,
    /// The convolutions.
    pub convolutions: Vec<Convolution>,
    /// For each input of the head: the weights of the hidden units.
    pub first: Vec<Row>,
    /// For each hidden unit.
    pub first_bias: Vec<f32>,
    /// For each hidden unit: the weights of the outputs, `ok` first.
    pub second: Vec<[f32; OUTPUTS]>,
    /// For each output.
    pub second_bias: [f32; OUTPUTS],
}

/// How large a network is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shape {
    /// Columns of the table.
    pub width: u16,
    /// Width and channels of each convolution.
    pub convolutions: Vec<(u8, u16)>,
    /// Hidden units.
    pub hidden: u16,
}

impl Network {
    /// A network of this shape that says nothing sensible: its numbers follow from the seed.
    #[must_use]
    pub fn random(pieces: Vec<String>, shape: &Shape, seed: u64) -> Self {
        let mut random = Random::new(seed);
        let mut float = |largest: f32| (f32::from(octet(&mut random)) / 127.0) * largest;
        let mut floats = |count: usize, largest: f32| (0..count).map(|_| float(largest)).collect::<Vec<_>>();
        let first_bias = floats(shape.hidden.into(), 0.1);
        let second_bias = array(&floats(OUTPUTS, 1.0));
        let second = (0..shape.hidden).map(|_| array(&floats(OUTPUTS, 0.5))).collect();
        let biases: Vec<Vec<f32>> =
            shape.convolutions.iter().map(|(_, channels)| floats((*channels).into(), 0.1)).collect();
        let mut rows = |count: usize, width: usize, scale: f32| {
            (0..count)
                .map(|_| Row { scale, octets: (0..width).map(|_| octet(&mut random)).collect() })
                .collect::<Vec<_>>()
        };
        let table = rows(pieces.len(), shape.width.into(), 0.004);
        let convolutions = shape
            .convolutions
            .iter()
            .zip(biases)
            .map(|(&(taps, channels), bias)| Convolution {
                taps,
                rows: rows(usize::from(taps) * usize::from(channels), shape.width.into(), 0.002),
                bias,
            })
            .collect();
        let inputs = 2 * shape.convolutions.iter().map(|(_, channels)| usize::from(*channels)).sum::<usize>();
        let first = rows(inputs, shape.hidden.into(), 0.001);
        Self { pieces, table, convolutions, first, first_bias, second, second_bias }
    }

    /// A network that knows these words, each of which must be a word of letters, and is sure of the category of each:
    /// log-odds of 7 with such a word, and -5 without.
    #[must_use]
    pub fn of_words(words: &[(&str, Category)]) -> Self {
        let unit = |at: Option<usize>| (0..COUNT).map(|column| i8::from(Some(column) == at)).collect::<Vec<_>>();
        let row = |at: Option<usize>| Row { scale: 1.0, octets: unit(at) };
        let mut pieces = vec!["[UNK]".to_owned()];
        pieces.extend(words.iter().map(|(word, _)| (*word).to_owned()));
        let mut table = vec![row(None)];
        table.extend(words.iter().map(|(_, category)| row(Some(category.index()))));
        let mut second_bias = [0.0; OUTPUTS];
        second_bias[0] = 5.0;
        let second = (0..COUNT).map(|at| std::array::from_fn(|output| if output == at + 1 { 12.0 } else { 0.0 }));
        Self {
            pieces,
            table,
            convolutions: vec![Convolution {
                taps: 1,
                rows: (0..COUNT).map(|at| row(Some(at))).collect(),
                bias: vec![0.0; COUNT],
            }],
            first: (0..2 * COUNT).map(|at| row(Some(at))).collect(),
            first_bias: vec![0.0; COUNT],
            second: second.collect(),
            second_bias,
        }
    }

    /// The octets of its file. Counts that do not fit the format, which has room for all that can be loaded, are cut.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let short = |count: usize| u16::try_from(count).unwrap_or(u16::MAX).to_le_bytes();
        let byte = |count: usize| u8::try_from(count).unwrap_or(u8::MAX);
        let mut out = b"SMSN\x01".to_vec();
        out.extend(short(self.pieces.len()));
        out.extend(short(self.table.first().map_or(0, |row| row.octets.len())));
        out.push(byte(self.convolutions.len()));
        for convolution in &self.convolutions {
            out.push(convolution.taps);
            out.extend(short(convolution.bias.len()));
        }
        out.extend(short(self.first_bias.len()));
        out.push(byte(OUTPUTS));
        for piece in &self.pieces {
            out.push(byte(piece.len()));
            out.extend(piece.as_bytes());
        }
        rows(&self.table, &mut out);
        for convolution in &self.convolutions {
            rows(&convolution.rows, &mut out);
            floats(&convolution.bias, &mut out);
        }
        rows(&self.first, &mut out);
        floats(&self.first_bias, &mut out);
        self.second.iter().for_each(|weights| floats(weights, &mut out));
        floats(&self.second_bias, &mut out);
        out.extend(crate::network::digest(&out).to_le_bytes());
        out
    }
}

/// Any of -127 to 127.
fn octet(random: &mut Random) -> i8 {
    i8::try_from(random.below(255)).unwrap_or_else(|_| -i8::try_from(random.below(127)).unwrap_or(0))
}

fn array(values: &[f32]) -> [f32; OUTPUTS] {
    std::array::from_fn(|at| values.get(at).copied().unwrap_or(0.0))
}

fn rows(rows: &[Row], out: &mut Vec<u8>) {
    for row in rows {
        out.extend(row.scale.to_le_bytes());
        out.extend(row.octets.iter().flat_map(|octet| octet.to_le_bytes()));
    }
}

fn floats(values: &[f32], out: &mut Vec<u8>) {
    values.iter().for_each(|value| out.extend(value.to_le_bytes()));
}
