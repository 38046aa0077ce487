//! PDUs from octets ([`decode()`]) and to octets ([`encode()`], [`try_encode()`]).

mod read;
mod write;

pub use read::{DecodeError, decode};
pub use write::{EncodeError, encode, try_encode};

#[cfg(test)]
mod tests;
