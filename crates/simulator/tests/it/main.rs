//! The simulated SMSC as an ESME sees it, octet by octet, and the simulated MMSC as the platform does.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod binds;
mod client;
mod journal;
mod mmsc;
mod reports;
mod submits;
