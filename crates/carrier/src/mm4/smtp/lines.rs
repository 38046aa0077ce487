//! Lines over a connection. Only a carriage return and a line feed together end one (RFC 5321, 2.3.8): a server that
//! takes less can be made to see two mails in one. A client reads replies and no mails, so that it may take a line feed
//! alone, as some servers write it.

use std::io;
use std::sync::Arc;
use std::time::Instant;

use bytes::BytesMut;
use runtime::Runtime;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::connect::Stream;

/// What ends a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    /// Both octets together.
    Both,
    /// A line feed, with or without a carriage return before it.
    LineFeed,
}

/// A connection whose input is read by lines, and on which everything has a deadline.
pub(super) struct Lines<S> {
    runtime: Arc<dyn Runtime>,
    stream: S,
    end: End,
    input: BytesMut,
    /// Where the search for the next line's end goes on.
    searched: usize,
    deadline: Instant,
}

impl<S: Stream> Lines<S> {
    /// Lines of a client, which may hold mails.
    pub(super) fn new(runtime: Arc<dyn Runtime>, stream: S, deadline: Instant) -> Self {
        Self { runtime, stream, end: End::Both, input: BytesMut::new(), searched: 0, deadline }
    }

    /// Lines of a server, which are replies.
    pub(super) fn of_replies(runtime: Arc<dyn Runtime>, stream: S, deadline: Instant) -> Self {
        Self { end: End::LineFeed, ..Self::new(runtime, stream, deadline) }
    }

    /// By when everything from now on must have happened.
    pub(super) const fn must_end_by(&mut self, deadline: Instant) {
        self.deadline = deadline;
    }

    /// The next line without its end, of at most `bytes_max` octets. Nothing is lost when this is dropped.
    ///
    /// # Errors
    /// `InvalidData` when it is longer, `UnexpectedEof` when the connection ends first, `TimedOut`, or whatever went
    /// wrong.
    pub(super) async fn line(&mut self, bytes_max: usize) -> io::Result<BytesMut> {
        loop {
            if let Some(end) = self.line_end() {
                self.searched = 0;
                if end > bytes_max {
                    return Err(io::ErrorKind::InvalidData.into());
                }
                let mut line = self.input.split_to(end + if self.end == End::Both { 2 } else { 1 });
                line.truncate(end);
                if self.end == End::LineFeed && line.ends_with(b"\r") {
                    line.truncate(end - 1);
                }
                return Ok(line);
            }
            // One more octet may be the carriage return of a line that is as long as it may be.
            if self.input.len() > bytes_max + 1 {
                return Err(io::ErrorKind::InvalidData.into());
            }
            if self.runtime.timeout_at(self.deadline, self.stream.read_buf(&mut self.input)).await?? == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
        }
    }

    fn line_end(&mut self) -> Option<usize> {
        let rest = self.input.get(self.searched..).unwrap_or_default();
        let end = match self.end {
            End::Both => rest.windows(2).position(|pair| pair == b"\r\n"),
            End::LineFeed => rest.iter().position(|octet| *octet == b'\n'),
        };
        let end = end.map(|at| self.searched + at);
        self.searched = self.input.len().saturating_sub(1);
        end
    }

    /// Reads a line outside of mails, as [`line`](Self::line) does. A peer that ends lines with a line feed alone is
    /// not waited for: its mail would never end either.
    ///
    /// # Errors
    /// As there, and `InvalidInput` when there is a line feed without a carriage return.
    pub(super) async fn command(&mut self, bytes_max: usize) -> io::Result<BytesMut> {
        loop {
            let first = self.input.iter().position(|octet| *octet == b'\n');
            if first.is_some_and(|at| at == 0 || self.input[at - 1] != b'\r') {
                return Err(io::ErrorKind::InvalidInput.into());
            }
            if first.is_some() || self.input.len() > bytes_max + 1 {
                return self.line(bytes_max).await;
            }
            if self.runtime.timeout_at(self.deadline, self.stream.read_buf(&mut self.input)).await?? == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
        }
    }

    /// What is there of a line that the end of the connection cut.
    pub(super) fn rest(&mut self) -> BytesMut {
        self.searched = 0;
        self.input.split()
    }

    /// Writes all of it, and out of every buffer of ours.
    pub(super) async fn write(&mut self, octets: &[u8]) -> io::Result<()> {
        let write = async {
            self.stream.write_all(octets).await?;
            self.stream.flush().await
        };
        self.runtime.timeout_at(self.deadline, write).await?
    }

    /// Whether the peer has said more than was read.
    pub(super) fn has_input(&self) -> bool {
        !self.input.is_empty()
    }

    /// The connection itself; what was not read is lost.
    pub(super) fn into_stream(self) -> S {
        self.stream
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::machine;

    #[tokio::test(start_paused = true)]
    async fn only_both_octets_together_end_a_line() {
        let (mut peer, ours) = tokio::io::duplex(1_000);
        let mut lines = Lines::new(machine(), ours, machine().instant() + Duration::from_secs(60));
        peer.write_all(b"a\nb\rc\r\n\r\n.\n.\r\nrest").await.unwrap();
        for line in [&b"a\nb\rc"[..], b"", b".\n."] {
            assert_eq!(lines.line(100).await.unwrap(), line);
        }
        assert!(lines.has_input());
        drop(peer);
        assert_eq!(lines.line(100).await.unwrap_err().kind(), io::ErrorKind::UnexpectedEof);
    }

    #[tokio::test(start_paused = true)]
    async fn a_reply_may_end_with_a_line_feed_alone() {
        let (mut peer, ours) = tokio::io::duplex(1_000);
        let mut lines = Lines::of_replies(machine(), ours, machine().instant() + Duration::from_secs(60));
        peer.write_all(b"a\nb\rc\r\n\r\n\nrest").await.unwrap();
        for line in [&b"a"[..], b"b\rc", b"", b""] {
            assert_eq!(lines.line(100).await.unwrap(), line);
        }
        drop(peer);
        assert_eq!(lines.line(100).await.unwrap_err().kind(), io::ErrorKind::UnexpectedEof);
        assert_eq!(lines.rest(), &b"rest"[..]);
    }

    #[tokio::test(start_paused = true)]
    async fn a_command_that_ends_with_a_line_feed_alone_is_seen_at_once() {
        for (said, kind) in [
            (&b"NOOP\n"[..], io::ErrorKind::InvalidInput),
            (b"\n", io::ErrorKind::InvalidInput),
            (b"NO\nOP\r\n", io::ErrorKind::InvalidInput),
            (b"NOOPNOOP\r\n", io::ErrorKind::InvalidData),
            (b"NOOPNOOP", io::ErrorKind::InvalidData),
        ] {
            let (mut peer, ours) = tokio::io::duplex(1_000);
            let mut lines = Lines::new(machine(), ours, machine().instant() + Duration::from_secs(60));
            peer.write_all(b"A\r\n").await.unwrap();
            peer.write_all(said).await.unwrap();
            assert_eq!(lines.command(5).await.unwrap(), &b"A"[..]);
            assert_eq!(lines.command(5).await.unwrap_err().kind(), kind, "{said:?}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_line_has_a_longest_length_and_a_deadline() {
        let (mut peer, ours) = tokio::io::duplex(1_000);
        let mut lines = Lines::new(machine(), ours, machine().instant() + Duration::from_secs(60));
        peer.write_all(b"12345\r\n123456\r\n").await.unwrap();
        assert_eq!(lines.line(5).await.unwrap(), &b"12345"[..]);
        assert_eq!(lines.line(5).await.unwrap_err().kind(), io::ErrorKind::InvalidData);
        let (_peer, ours) = tokio::io::duplex(1_000);
        let mut lines = Lines::new(machine(), ours, machine().instant() + Duration::from_secs(60));
        assert_eq!(lines.line(5).await.unwrap_err().kind(), io::ErrorKind::TimedOut);
    }
}
