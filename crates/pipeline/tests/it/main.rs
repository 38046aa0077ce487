//! The pipeline from outside: the supervision of its tasks, and outages of carriers.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]
#![allow(clippy::disallowed_methods, reason = "a test may ask the machine for the time and for tasks")]

mod inbound;
mod outage;
mod supervision;
mod world;
