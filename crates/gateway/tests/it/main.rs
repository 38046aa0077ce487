//! The platform as its clients and its operator see it: over real sockets, with a real store, and the simulated SMSC
//! behind a real SMPP session.
//!
//! `support` starts all that and has the HTTP client; every other file holds the tests of one idea. What the published
//! contract says stands here a second time on purpose, so that a change of the product's own tables does not change
//! what is expected of them.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]
#![allow(clippy::disallowed_methods, reason = "a test may ask the machine for the time and for tasks")]

mod support;

mod account;
mod admin;
mod admin_document;
mod backup;
mod broadcast;
mod broadcasts;
mod cancel;
mod carriers;
mod commands;
mod connections;
mod console;
mod console_forms;
mod dispatch;
mod draining;
mod ends;
mod erase;
mod errors;
mod field;
mod field_receipts;
mod idempotency;
mod ids;
mod inbound;
mod inbound_commands;
mod inbound_media;
mod keys;
mod keywords;
mod leaving;
mod limits;
mod list;
mod live;
mod manners;
mod media;
mod message;
mod metrics;
mod observed;
mod operator_sends;
mod operator_views;
mod operators;
mod optouts;
mod order;
mod owners;
mod pages;
mod phones;
mod process;
mod raw;
mod reload;
mod replays;
mod retention;
mod schedule;
mod screening;
mod screening_commands;
mod screening_templates;
mod senders;
mod sending;
mod shape;
mod stop;
mod strict;
mod supervision;
mod twilio;
mod usage;
mod validity;
mod variables;
mod webhooks;
mod worlds;
