//! SMTP (RFC 5321), as much as two MMSCs need: a client that knows how far it got, and a server that takes mail from known peers.

mod client;
mod data;
mod lines;
mod listener;
mod pool;
mod reply;
mod session;

use tokio::io::{AsyncRead, AsyncWrite};

pub(crate) use client::{Envelope, Failure, Step};
pub(crate) use listener::Listener;
pub(crate) use pool::Pool;
pub(crate) use reply::Reply;
pub(crate) use session::{Inbox, Rules, Verdict};

/// A connection, plain or TLS.
pub(crate) trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Stream for T {}
