//! A request's body that knows whether all of it was handed on.

use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};

use bytes::Bytes;
use hyper::body::{Body, Frame, SizeHint};

/// A body is handed on in pieces of so many octets, so that a peer that stops reading is noticed before the last of
/// them.
const PIECE_BYTES: usize = 16 * 1024;

/// Octets to send, and a note that says when the last of them has left our hands.
pub(crate) struct Pieces {
    rest: Bytes,
    all_gone: Arc<AtomicBool>,
}

impl Pieces {
    /// A body of these octets, and its note: while it is false, the peer cannot have the whole of it.
    pub(crate) fn new(octets: Vec<u8>) -> (Self, Arc<AtomicBool>) {
        let all_gone = Arc::new(AtomicBool::new(false));
        (Self { rest: octets.into(), all_gone: Arc::clone(&all_gone) }, all_gone)
    }
}

impl Body for Pieces {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let count = self.rest.len().min(PIECE_BYTES);
        let piece = self.rest.split_to(count);
        if self.rest.is_empty() {
            self.all_gone.store(true, Ordering::Release);
        }
        Poll::Ready((!piece.is_empty()).then(|| Ok(Frame::data(piece))))
    }

    fn is_end_stream(&self) -> bool {
        self.rest.is_empty()
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.rest.len() as u64)
    }
}
