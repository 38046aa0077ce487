//! The second model: a small convolutional network that knows paraphrases where the rules know links and brands.

mod prepare;

pub(crate) use prepare::prepare;
