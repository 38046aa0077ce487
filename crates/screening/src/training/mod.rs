//! How the classifier comes to its weights: texts that people have labelled, and learning from them.

pub mod corpus;
pub mod train;
