//! SMTP (RFC 5321), as much as two MMSCs need: a client that knows how far it got, and a server that takes mail from
//! known peers.

mod client;
mod data;
mod lines;
mod listener;
mod pool;
mod reply;
mod session;

pub(crate) use client::{Connection, Envelope, Failure, Security, Step};
pub(crate) use listener::Listener;
pub(crate) use pool::Pool;
pub(crate) use reply::Reply;
pub(crate) use session::{Envelope as ServerEnvelope, Inbox, Rules, Session, Taken, Verdict};
