//! Carriers to try things on.
//!
//! In come SMPP sessions from whoever connects, or multimedia messages by MM4 and MM7; out go answers and receipts as
//! the options say: prompt and right, or slow, wrong, throttled, lost. For `smsfactory dev`, `smsfactory simulate`,
//! tests and load. Nothing that serves real traffic needs this crate.
//!
//! [`smsc`] and [`mmsc`] are the two; what lies beside them is what both need: chance (`random`, `distribution`), time
//! (`delay`), connections (`sessions`) and what was seen (`journal`). [`handsets`] are behind both of them, and
//! [`phones`] shows them and lets them write.
#![cfg_attr(test, allow(clippy::disallowed_methods, reason = "a test may ask the machine for the time and for tasks"))]

mod delay;
mod distribution;
pub mod handsets;
mod journal;
pub mod mmsc;
pub mod phones;
mod random;
mod sessions;
pub mod smsc;
