//! The carrier as a dispatcher sees it, against the simulated SMSC and against a peer that follows a script.
//!
//! `support` has the dispatcher's side; `support::peer` the scripted SMSC, `support::mmsc` the scripted MMSC. Every
//! other file tries one idea.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]
#![allow(clippy::disallowed_methods, reason = "a test may ask the machine for the time and for tasks")]

mod binds;
mod corpus;
mod drain;
mod encodings;
mod field;
mod inbound;
mod inbound_simulated;
mod mm4;
mod mm7_breaks;
mod mm7_inbound;
mod mm7_outcomes;
mod mm7_reports;
mod mm7_requests;
mod quirks;
mod receipts;
mod reconnect;
mod supervised;
mod support;
mod throttling;
mod tls;
mod window;
mod zoo;
