//! Training: labelled texts in, weights out. Pure and deterministic; files are read and written by `examples/train.rs`.
//!
//! The classifier is one logistic regression for each category on top of the log-odds of the rules, so it learns only
//! what the rules leave. Words are dropped at random while it learns, so that it leans on concepts rather than on
//! single words.

use crate::category::{COUNT, Category};
use crate::model::features::{Feature, Origin};
use crate::model::weights::Weights;
use crate::policy::Policy;
use crate::screen::Screen;
use crate::text::fold::fold;

/// A labelled text.
#[derive(Debug, Clone, PartialEq)]
pub struct Example {
    /// The message.
    pub text: String,
    /// What it is; `None` is legitimate.
    pub label: Option<Category>,
    /// Other categories that would be right, too.
    pub also: Vec<Category>,
    /// How much it counts.
    pub weight: f32,
}

/// How to train.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Settings {
    /// Passes over the examples.
    pub epochs: u32,
    /// The step, divided for each weight by the root of its squared gradients so far.
    pub rate: f32,
    /// Pull of every weight towards zero.
    pub decay: f32,
    /// How often, of 100, the words of an example are left out.
    pub dropout: u64,
    /// Of the order and the dropout.
    pub seed: u64,
    /// log2 of the rows.
    pub bits: u32,
    /// How much more a legitimate text counts than a violating one.
    pub legitimate: f32,
}

impl Default for Settings {
    fn default() -> Self {
        Self { epochs: 14, rate: 0.12, decay: 2e-5, dropout: 40, seed: 20_260_301, bits: 16, legitimate: 2.0 }
    }
}

struct Prepared<'a> {
    features: Vec<Feature>,
    prior: [f32; COUNT],
    example: &'a Example,
}

/// Weights for `screen`, learned from `examples`, as the octets of a file.
#[must_use]
pub fn train(screen: &Screen, examples: &[Example], settings: &Settings) -> Vec<u8> {
    let prepared: Vec<Prepared<'_>> = examples.iter().map(|example| prepare(screen, example)).collect();
    let mut state = State::new(settings.bits);
    let mut order: Vec<usize> = (0..prepared.len()).collect();
    let mut random = Random(settings.seed | 1);
    for _ in 0..settings.epochs {
        random.shuffle(&mut order);
        for &at in &order {
            let without_words = random.below(100) < settings.dropout;
            state.learn(&prepared[at], settings, without_words);
        }
    }
    Weights::quantise(settings.bits, &state.rows, state.bias).to_bytes()
}

fn prepare<'a>(screen: &Screen, example: &'a Example) -> Prepared<'a> {
    let folded = fold(&example.text);
    let reading = screen.read(&folded, &Policy::default());
    Prepared { features: screen.features(&reading), prior: reading.prior, example }
}

struct State {
    bits: u32,
    rows: Vec<[f32; COUNT]>,
    squares: Vec<[f32; COUNT]>,
    bias: [f32; COUNT],
    bias_squares: [f32; COUNT],
}

impl State {
    fn new(bits: u32) -> Self {
        let rows = vec![[0.0; COUNT]; 1 << bits];
        Self { bits, squares: rows.clone(), rows, bias: [0.0; COUNT], bias_squares: [1.0; COUNT] }
    }

    fn learn(&mut self, one: &Prepared<'_>, settings: &Settings, without_words: bool) {
        let used =
            |feature: &&Feature| !(without_words && matches!(feature.origin, Origin::Tokens(..)) && feature.of_words);
        let mut sum = self.bias;
        for feature in one.features.iter().filter(used) {
            let row = &self.rows[Weights::row_of(feature.hash, self.bits)];
            (0..COUNT).for_each(|at| sum[at] += row[at] * feature.value);
        }
        let weight = one.example.weight * if one.example.label.is_none() { settings.legitimate } else { 1.0 };
        let errors: [f32; COUNT] = std::array::from_fn(|at| {
            let category = Category::ALL[at];
            if one.example.also.contains(&category) {
                return 0.0;
            }
            let wanted = if one.example.label == Some(category) { 1.0 } else { 0.0 };
            let given = 1.0 / (1.0 + (-(one.prior[at] + sum[at])).exp());
            // What is clear already teaches nothing; this keeps weights small and the rules in charge.
            let error: f32 = given - wanted;
            if error.abs() < 0.02 { 0.0 } else { error * weight }
        });
        if errors.iter().all(|error| *error == 0.0) {
            return;
        }
        for feature in one.features.iter().filter(used) {
            let at = Weights::row_of(feature.hash, self.bits);
            step(&mut self.rows[at], &mut self.squares[at], &errors, feature.value, settings);
        }
        step(&mut self.bias, &mut self.bias_squares, &errors, 0.3, settings);
    }
}

fn step(
    weights: &mut [f32; COUNT],
    squares: &mut [f32; COUNT],
    errors: &[f32; COUNT],
    value: f32,
    settings: &Settings,
) {
    for at in 0..COUNT {
        if errors[at] == 0.0 {
            continue;
        }
        let gradient = errors[at] * value + settings.decay * weights[at];
        squares[at] += gradient * gradient;
        weights[at] -= settings.rate * gradient / (squares[at].sqrt() + 0.1);
    }
}

/// A small generator of numbers (xorshift64*), so that the same seed gives the same weights everywhere.
#[derive(Debug, Clone)]
pub struct Random(u64);

impl Random {
    /// A generator; a seed of 0 is taken for 1.
    #[must_use]
    pub const fn new(seed: u64) -> Self {
        Self(seed | 1)
    }

    /// A number below `bound`.
    pub const fn below(&mut self, bound: u64) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 11) % bound
    }

    /// Any order of `items`.
    pub fn shuffle<T>(&mut self, items: &mut [T]) {
        for at in (1..items.len()).rev() {
            let other = self.below(u64::try_from(at).unwrap_or(0) + 1);
            items.swap(at, usize::try_from(other).unwrap_or(at));
        }
    }
}
