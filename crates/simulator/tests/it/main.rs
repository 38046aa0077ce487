//! The simulated SMSC as an ESME sees it, octet by octet.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod binds;
mod client;
mod journal;
mod reports;
mod submits;
