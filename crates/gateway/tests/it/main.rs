//! The platform as its clients and its operator see it: over real sockets, with a real store, and the simulated SMSC behind a real SMPP session.
//!
//! `support` starts all that and has the HTTP client; every other file holds the tests of one idea. What the published contract says
//! stands here a second time on purpose, so that a change of the product's own tables does not change what is expected of them.

mod support;

mod admin;
mod commands;
