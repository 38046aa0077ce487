//! The simulated SMSC as an ESME sees it, octet by octet, and the simulated MMSC as the platform does.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]
#![allow(clippy::disallowed_methods, reason = "a test may ask the machine for the time and for tasks")]

use std::sync::Arc;

use runtime::{Machine, Runtime};

mod binds;
mod client;
mod inbound;
mod journal;
mod mmsc;
mod phones;
mod reports;
mod submits;

/// What the tests run on.
fn machine() -> Arc<dyn Runtime> {
    Arc::new(Machine::new())
}
