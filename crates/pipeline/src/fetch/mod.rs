//! Fetching what a client points us to, without being pointed at ourselves.

pub mod address;
pub mod guard;
pub mod resolve;
pub mod url;
