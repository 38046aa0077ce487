//! Delivery receipts: what a carrier's report says, in the many ways that carriers write it.
//!
//! The text of a receipt is vendor-specific by the specification (SMPP 3.4, appendix B): fields come in any order, some are missing, dates have
//! 10, 12 or 14 digits. [`parse`] takes what is there. [`id`] says which of our ids a receipt's id may stand for.

pub mod id;
mod state;
mod text;

pub use state::ReceiptState;
pub use text::{ReceiptText, build, parse};
