//! How the classifier comes to its weights: texts that people have labelled, and learning from them. And how the file
//! of a network is written.

pub mod corpus;
pub mod network;
pub mod train;
