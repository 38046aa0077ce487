//! Delivery receipts: what a carrier's report says, in the many ways that carriers write it.
//!
//! The text of a receipt is vendor-specific by the specification (SMPP 3.4, appendix B): fields come in any order, some
//! are missing, dates have 10, 12 or 14 digits. [`octets`] offers the texts that its octets may be, [`parse`] takes the
//! fields that are there, [`id`] says which of our ids a receipt's id may mean, and [`address`] reads the numbers that
//! it names.

pub mod address;
pub mod id;
pub mod octets;
mod state;
mod text;

pub use state::ReceiptState;
pub use text::{ReceiptText, build, parse};
