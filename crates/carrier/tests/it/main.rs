//! The carrier as a dispatcher sees it, against the simulated SMSC and against a peer that follows a script.
//!
//! `support` has the dispatcher's side; `support::peer` the scripted SMSC. Every other file tries one idea.

mod binds;
mod corpus;
mod drain;
mod encodings;
mod quirks;
mod receipts;
mod reconnect;
mod support;
mod throttling;
mod tls;
mod window;
mod zoo;
