//! The second model: a small convolutional network that knows paraphrases where the rules know links and brands.
//!
//! `prepare` spells a message for it, `pieces` cuts the spelling into word pieces, `layers` turns these into the
//! log-odds of each category, `probe` asks which part of the message led to them. `file` is how it is stored.

mod file;
mod layers;
mod pieces;
mod prepare;
mod probe;
#[cfg(test)]
mod tests;

pub(crate) use file::digest;
pub(crate) use pieces::Cut;
pub(crate) use prepare::{Prepared, prepare};
pub(crate) use probe::Probe;

use crate::category::COUNT;
use crate::lexicon::parse::DataError;
use file::File;
use layers::{Layers, Pool};
use pieces::Pieces;

/// The most pieces that are read of a text: the sums of all positions fit 32 bits.
const PIECES_MAX: usize = 1 << 16;
/// The log-odds of every category for a text without pieces.
const NOTHING: f32 = -10.0;

/// The network. Immutable.
pub(crate) struct Network {
    pieces: Pieces,
    layers: Layers,
}

impl Network {
    /// The network in the octets of a file.
    pub(crate) fn from_bytes(octets: &[u8]) -> Result<Self, DataError> {
        let file = File::read(octets)?;
        Ok(Self { pieces: Pieces::new(&file.pieces)?, layers: Layers::new(&file) })
    }

    /// A prepared text in pieces.
    pub(crate) fn cut(&self, text: &str) -> Cut {
        self.pieces.cut(text, PIECES_MAX)
    }

    /// The log-odds of each category against `ok`. They are finite.
    pub(crate) fn log_odds(&self, pieces: &[u16]) -> [f32; COUNT] {
        let mut pool = self.layers.pool();
        self.layers.add(pieces, 0..pieces.len(), &mut pool);
        self.odds(&pool, pieces.len())
    }

    fn odds(&self, pool: &Pool, length: usize) -> [f32; COUNT] {
        if length == 0 {
            return [NOTHING; COUNT];
        }
        let [ok, of_categories @ ..] = self.layers.finish(pool, length);
        of_categories.map(|output| output - ok)
    }

    /// The octets of the table in memory.
    pub(crate) fn octets(&self) -> usize {
        self.layers.octets()
    }
}
