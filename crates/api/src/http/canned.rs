//! Answers that hyper gives by itself, in our form.
//!
//! A request whose head cannot be read never reaches a service: hyper writes a bare 400, 414 or 431 and closes. This
//! stream stands between it and the socket and puts our envelope in place of such an answer, which is known by what it
//! lacks: every error answer of ours names its content type.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use hyper::rt::{Read, ReadBufCursor, Write};
use model::ErrorCode;
use runtime::Work;

/// Makes the whole answer, head and body, to a request that could not be read.
pub type MakeAnswer = Arc<dyn Fn(ErrorCode) -> Work<Bytes> + Send + Sync>;

/// The open answers of a connection. The stream and the service both record their observations here.
#[derive(Debug, Default)]
pub struct Account {
    is_owed: AtomicBool,
    has_heard: AtomicBool,
    is_refused: AtomicBool,
    /// The number of writes of an answer.
    writes: AtomicU64,
}

impl Account {
    /// A request has gone to its handler.
    pub fn owe(&self) {
        self.is_owed.store(true, Ordering::Relaxed);
    }

    /// Whether a request is with its handler, and nothing of its answer is written.
    pub fn owes(&self) -> bool {
        self.is_owed.load(Ordering::Relaxed)
    }

    /// Whether anything came after the last answer: the beginning of a head, perhaps.
    pub fn has_heard(&self) -> bool {
        self.has_heard.load(Ordering::Relaxed)
    }

    /// Whether the last answer said that a head cannot be read.
    pub fn is_refused(&self) -> bool {
        self.is_refused.load(Ordering::Relaxed)
    }

    /// A head that was begun and is not whole yet, if any: a number that no other head of this connection has.
    pub fn head_under_way(&self) -> Option<u64> {
        (self.has_heard() && !self.owes()).then(|| self.writes.load(Ordering::Relaxed))
    }

    fn wrote(&self, octets: &[u8]) {
        // "100 Continue" is no answer.
        if !octets.starts_with(b"HTTP/1.1 1") {
            self.is_owed.store(false, Ordering::Relaxed);
            self.has_heard.store(false, Ordering::Relaxed);
            self.writes.fetch_add(1, Ordering::Relaxed);
        }
    }
}

/// A stream that rewrites hyper's own answers.
pub struct Rewritten<'a, S> {
    stream: S,
    account: &'a Account,
    make_answer: MakeAnswer,
    /// The replacement for the answer that hyper is writing, and the number of octets that hyper believes to have
    /// written.
    instead: Option<(Instead, usize)>,
}

/// An answer in place of hyper's.
enum Instead {
    /// It is being made.
    Making(Work<Bytes>),
    /// It is made, and so much of it is written.
    Made(Bytes, usize),
}

impl<'a, S> Rewritten<'a, S> {
    /// A stream whose canned answers are replaced by `make_answer`'s.
    pub fn new(stream: S, account: &'a Account, make_answer: MakeAnswer) -> Self {
        Self { stream, account, make_answer, instead: None }
    }
}

/// The code that goes with an answer, if it is one of hyper's own.
fn canned(answer: &[u8]) -> Option<ErrorCode> {
    let code = match answer.strip_prefix(b"HTTP/1.")?.get(2..5)? {
        b"400" => ErrorCode::MalformedRequest,
        b"414" | b"431" => ErrorCode::RequestTooLarge,
        _ => return None,
    };
    let ours = answer.windows(CONTENT_TYPE.len()).any(|window| window == CONTENT_TYPE);
    (!ours).then_some(code)
}

const CONTENT_TYPE: &[u8] = b"\ncontent-type:";

impl<S: Read + Unpin> Read for Rewritten<'_, S> {
    fn poll_read(self: Pin<&mut Self>, context: &mut Context<'_>, buffer: ReadBufCursor<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let read = Pin::new(&mut this.stream).poll_read(context, buffer);
        if read.is_ready() {
            this.account.has_heard.store(true, Ordering::Relaxed);
        }
        read
    }
}

impl<S: Write + Unpin> Write for Rewritten<'_, S> {
    fn poll_write(self: Pin<&mut Self>, context: &mut Context<'_>, buffer: &[u8]) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        if this.instead.is_none() {
            this.account.wrote(buffer);
            let Some(code) = canned(buffer) else { return Pin::new(&mut this.stream).poll_write(context, buffer) };
            this.account.is_refused.store(true, Ordering::Relaxed);
            this.instead = Some((Instead::Making((this.make_answer)(code)), buffer.len()));
        }
        while let Some((instead, told)) = &mut this.instead {
            match instead {
                Instead::Making(answer) => *instead = Instead::Made(ready!(answer.as_mut().poll(context)), 0),
                Instead::Made(answer, written) if *written < answer.len() => {
                    let more = ready!(Pin::new(&mut this.stream).poll_write(context, &answer[*written..]))?;
                    if more == 0 {
                        return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
                    }
                    *written += more;
                }
                Instead::Made(..) => {
                    let told = *told;
                    this.instead = None;
                    return Poll::Ready(Ok(told));
                }
            }
        }
        Poll::Pending
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_flush(context)
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_shutdown(context)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_bare_answers_are_rewritten() {
        for (answer, code) in [
            (
                "HTTP/1.1 400 Bad Request\r\nconnection: close\r\ncontent-length: 0\r\n\r\n",
                Some(ErrorCode::MalformedRequest),
            ),
            (
                "HTTP/1.1 431 Request Header Fields Too Large\r\ncontent-length: 0\r\n\r\n",
                Some(ErrorCode::RequestTooLarge),
            ),
            ("HTTP/1.1 414 URI Too Long\r\ncontent-length: 0\r\n\r\n", Some(ErrorCode::RequestTooLarge)),
            ("HTTP/1.1 400 Bad Request\r\ncontent-type: application/json\r\ncontent-length: 9\r\n\r\n", None),
            ("HTTP/1.1 201 Created\r\n\r\n", None),
            ("HTTP", None),
        ] {
            assert_eq!(canned(answer.as_bytes()), code, "{answer}");
        }
    }
}
