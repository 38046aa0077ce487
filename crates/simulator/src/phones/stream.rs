//! Changes of handsets as octets of server-sent events (HTML, 9.2).

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use runtime::Runtime;
use tokio::sync::OwnedSemaphorePermit;
use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::RecvError;

use crate::handsets::{Change, Handsets};

/// So often something is written when nothing happens, so that a connection that is gone is noticed.
const KEEP_ALIVE: Duration = Duration::from_secs(15);

type Next = Pin<Box<dyn Future<Output = (Receiver<Change>, Option<Bytes>)> + Send>>;

/// A stream of events.
pub(super) struct Stream {
    runtime: Arc<dyn Runtime>,
    handsets: Arc<Handsets>,
    first: Option<Bytes>,
    next: Next,
    _place: OwnedSemaphorePermit,
}

impl Stream {
    /// A stream that begins with `first` and goes on with these changes.
    pub(super) fn new(
        runtime: &Arc<dyn Runtime>,
        handsets: &Arc<Handsets>,
        (first, changes): (Bytes, Receiver<Change>),
        place: OwnedSemaphorePermit,
    ) -> Self {
        let (runtime, handsets) = (Arc::clone(runtime), Arc::clone(handsets));
        let next = next(Arc::clone(&runtime), Arc::clone(&handsets), changes);
        Self { runtime, handsets, first: Some(first), next, _place: place }
    }

    /// What is written next; `None` at the end.
    pub(super) fn poll_octets(&mut self, context: &mut Context<'_>) -> Poll<Option<Bytes>> {
        if let Some(first) = self.first.take() {
            return Poll::Ready(Some(first));
        }
        let (changes, octets) = std::task::ready!(self.next.as_mut().poll(context));
        self.next = next(Arc::clone(&self.runtime), Arc::clone(&self.handsets), changes);
        Poll::Ready(octets)
    }
}

fn next(runtime: Arc<dyn Runtime>, handsets: Arc<Handsets>, mut changes: Receiver<Change>) -> Next {
    Box::pin(async move {
        let octets = match runtime.timeout(KEEP_ALIVE, changes.recv()).await {
            Err(_) => Some(Bytes::from_static(b":\n\n")),
            Ok(Ok(change)) => {
                let id = change.number_of_change;
                Some(format!("id: {id}\nevent: change\ndata: {}\n\n", change.to_json()).into())
            }
            Ok(Err(RecvError::Lagged(_))) => Some(gap(handsets.count())),
            Ok(Err(RecvError::Closed)) => None,
        };
        (changes, octets)
    })
}

/// Some changes were missed: everything has to be read again.
pub(super) fn gap(count: u64) -> Bytes {
    format!("id: {count}\nevent: gap\ndata: {{}}\n\n").into()
}
