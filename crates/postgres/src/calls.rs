//! The calls that are under way, for those who wait for their end.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use tokio::sync::Notify;

use ledger::StoreError;

/// The calls that are under way, and whether there are to be more.
#[derive(Default)]
pub(super) struct Calls {
    under_way: AtomicUsize,
    is_closed: AtomicBool,
    changed: Notify,
}

/// One call. It is over when this is dropped.
pub(super) struct Call<'c>(&'c Calls);

impl Calls {
    /// Begins a call, unless no more are taken.
    pub(super) fn begin(&self) -> Result<Call<'_>, StoreError> {
        // Counted first: who closes sees this call, or this call sees that it comes too late.
        self.under_way.fetch_add(1, Ordering::SeqCst);
        let call = Call(self);
        if self.is_closed() { Err(closed()) } else { Ok(call) }
    }

    pub(super) fn is_closed(&self) -> bool {
        self.is_closed.load(Ordering::SeqCst)
    }

    /// Takes no more calls.
    pub(super) fn close(&self) {
        self.is_closed.store(true, Ordering::SeqCst);
        self.changed.notify_waiters();
    }

    /// Resolves once no call is under way.
    pub(super) async fn ended(&self) {
        self.until(|calls| calls.under_way.load(Ordering::SeqCst) == 0).await;
    }

    async fn until(&self, is_so: impl Fn(&Self) -> bool) {
        loop {
            let changed = self.changed.notified();
            if is_so(self) {
                return;
            }
            changed.await;
        }
    }
}

impl Drop for Call<'_> {
    fn drop(&mut self) {
        if self.0.under_way.fetch_sub(1, Ordering::SeqCst) == 1 {
            self.0.changed.notify_waiters();
        }
    }
}

/// That the store takes no more calls.
pub(super) fn closed() -> StoreError {
    StoreError::Unavailable("the store is closed".to_owned())
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    #[tokio::test]
    async fn what_closes_waits_for_the_calls_that_began() {
        let calls = Arc::new(Calls::default());
        let (first, second) = (calls.begin().unwrap(), calls.begin().unwrap());
        calls.close();
        assert!(calls.begin().is_err());
        let waiting = Arc::clone(&calls);
        let ended = tokio::spawn(async move { waiting.ended().await });
        drop(first);
        tokio::task::yield_now().await;
        assert!(!ended.is_finished());
        drop(second);
        ended.await.unwrap();
    }
}
