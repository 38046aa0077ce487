//! A carrier reached over MM7.

pub mod config;
