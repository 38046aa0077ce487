//! What hyper answers by itself, in our form.
//!
//! A request whose head cannot be read never reaches a service: hyper writes a bare 400, 414 or 431 and closes. This stream stands between it and the
//! socket and puts our envelope in place of such an answer, which is known by what it lacks: every error answer of ours names its content type.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use hyper::rt::{Read, ReadBufCursor, Write};
use model::ErrorCode;

/// Makes the whole answer, head and body, to a request that could not be read.
pub type MakeAnswer = Arc<dyn Fn(ErrorCode) -> Bytes + Send + Sync>;

/// A stream that rewrites hyper's own answers.
pub struct Rewritten<S> {
    stream: S,
    make_answer: MakeAnswer,
    /// What is written in place of the answer that hyper is writing, how much of it is written, and how much hyper is told.
    instead: Option<(Bytes, usize, usize)>,
}

impl<S> Rewritten<S> {
    /// A stream whose canned answers are replaced by `make_answer`'s.
    pub fn new(stream: S, make_answer: MakeAnswer) -> Self {
        Self { stream, make_answer, instead: None }
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

impl<S: Read + Unpin> Read for Rewritten<S> {
    fn poll_read(self: Pin<&mut Self>, context: &mut Context<'_>, buffer: ReadBufCursor<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_read(context, buffer)
    }
}

impl<S: Write + Unpin> Write for Rewritten<S> {
    fn poll_write(self: Pin<&mut Self>, context: &mut Context<'_>, buffer: &[u8]) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        if this.instead.is_none() {
            let Some(code) = canned(buffer) else { return Pin::new(&mut this.stream).poll_write(context, buffer) };
            this.instead = Some(((this.make_answer)(code), 0, buffer.len()));
        }
        while let Some((answer, written, told)) = &mut this.instead {
            if *written == answer.len() {
                let told = *told;
                this.instead = None;
                return Poll::Ready(Ok(told));
            }
            let more = ready!(Pin::new(&mut this.stream).poll_write(context, &answer[*written..]))?;
            if more == 0 {
                return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
            }
            *written += more;
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
            ("HTTP/1.1 400 Bad Request\r\nconnection: close\r\ncontent-length: 0\r\n\r\n", Some(ErrorCode::MalformedRequest)),
            ("HTTP/1.1 431 Request Header Fields Too Large\r\ncontent-length: 0\r\n\r\n", Some(ErrorCode::RequestTooLarge)),
            ("HTTP/1.1 414 URI Too Long\r\ncontent-length: 0\r\n\r\n", Some(ErrorCode::RequestTooLarge)),
            ("HTTP/1.1 400 Bad Request\r\ncontent-type: application/json\r\ncontent-length: 9\r\n\r\n", None),
            ("HTTP/1.1 201 Created\r\n\r\n", None),
            ("HTTP", None),
        ] {
            assert_eq!(canned(answer.as_bytes()), code, "{answer}");
        }
    }
}
