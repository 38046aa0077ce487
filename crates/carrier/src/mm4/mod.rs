//! A carrier reached over MM4.

pub mod config;
