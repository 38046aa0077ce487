//! Requests from outside: what may be asked for, what is connected to, and what is taken as media.
//!
//! `support` has servers that count who comes to them, and names that resolve as a test says; every other file holds
//! the tests of one idea.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]
#![allow(clippy::disallowed_methods, reason = "a test may ask the machine for the time and for tasks")]

mod support;

mod client;
mod field;
mod kinds;
mod limits;
mod post;
mod properties;
mod proxies;
mod redirects;
mod source;
mod tls;
mod urls;
