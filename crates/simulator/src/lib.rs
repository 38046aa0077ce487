//! Carriers to try things on.
//!
//! In come SMPP sessions from whoever connects; out go answers and receipts as the options say: prompt and right, or slow, wrong, throttled, lost. For
//! `smsfactory dev`, `smsfactory simulate`, tests and load. Nothing that serves real traffic needs this crate.

mod delay;
mod distribution;
mod journal;
pub mod mmsc;
mod random;
mod sessions;
pub mod smsc;
