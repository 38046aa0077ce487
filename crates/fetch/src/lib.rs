//! Requests to URLs that clients chose, without reaching what they must not reach.
//!
//! A request goes through the rules of a [`url`], its name ([`resolve`]) and the judgement ([`guard`]) of every
//! [`address`]. The [`client`] sends it over a connection that this crate opens (`connection`), or says which rule it
//! breaks ([`denial`]). [`media`] is one use of that client. [`post`] is another: events for a webhook, over
//! connections that are kept. `docs/decisions/media-fetch.md` has the reasons.

pub mod address;
pub mod client;
mod connection;
pub mod denial;
pub mod guard;
pub mod media;
pub mod post;
pub mod resolve;
pub mod url;

pub use client::UserAgent;
pub use connection::{SOCKETS_MAX, Trust};
