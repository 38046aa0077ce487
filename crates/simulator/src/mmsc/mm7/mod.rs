//! MM7: submissions and reports, as SOAP over HTTP.

mod client;
mod reports;
mod server;

pub(super) use client::Delivered;
pub(super) use server::serve;
