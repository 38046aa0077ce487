//! Work that has until a deadline.

use std::pin::Pin;
use std::task::{Context, Poll};

use pin_project_lite::pin_project;

use crate::{Elapsed, Work};

pin_project! {
    /// The result of work, unless a deadline comes first. It holds the work once: futures nest, and each copy would
    /// double the size of all around it.
    pub struct Timeout<F> {
        #[pin]
        work: F,
        sleep: Work,
    }
}

impl<F> Timeout<F> {
    pub(crate) const fn new(work: F, sleep: Work) -> Self {
        Self { work, sleep }
    }
}

impl<F: Future> Future for Timeout<F> {
    type Output = Result<F::Output, Elapsed>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        // Work that is done at its deadline is done.
        match this.work.poll(context) {
            Poll::Ready(done) => Poll::Ready(Ok(done)),
            Poll::Pending => this.sleep.as_mut().poll(context).map(|()| Err(Elapsed)),
        }
    }
}
