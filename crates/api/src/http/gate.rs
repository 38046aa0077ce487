//! Whether requests are still taken, and how many are under way. A process that ends closes the gate and waits until
//! those behind it have their answers.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use tokio::sync::{Notify, watch};

/// One gate for the requests of a door.
#[derive(Debug)]
pub struct Gate {
    is_closed: AtomicBool,
    closing: watch::Sender<bool>,
    under_way: AtomicUsize,
    emptied: Notify,
}

/// A request that is under way until this is dropped.
#[derive(Debug)]
pub struct Pass<'a>(&'a Gate);

impl Default for Gate {
    fn default() -> Self {
        Self {
            is_closed: AtomicBool::new(false),
            closing: watch::Sender::new(false),
            under_way: AtomicUsize::new(0),
            emptied: Notify::new(),
        }
    }
}

impl Gate {
    /// Lets a request through; `None` once the gate is closed.
    pub fn enter(&self) -> Option<Pass<'_>> {
        // Counted first and judged after: a request that sees an open gate is seen by whoever closes it.
        self.under_way.fetch_add(1, Ordering::SeqCst);
        let pass = Pass(self);
        (!self.is_closed()).then_some(pass)
    }

    /// Lets nothing more through.
    pub fn close(&self) {
        self.is_closed.store(true, Ordering::SeqCst);
        self.closing.send_replace(true);
    }

    /// Whether nothing more is let through.
    pub fn is_closed(&self) -> bool {
        self.is_closed.load(Ordering::SeqCst)
    }

    /// Resolves when the gate is closed.
    pub async fn closed(&self) {
        // The sender is ours.
        let _ = self.closing.subscribe().wait_for(|closed| *closed).await;
    }

    /// Resolves when no request is under way.
    pub async fn emptied(&self) {
        loop {
            let emptied = self.emptied.notified();
            if self.under_way.load(Ordering::SeqCst) == 0 {
                return;
            }
            emptied.await;
        }
    }
}

impl Drop for Pass<'_> {
    fn drop(&mut self) {
        if self.0.under_way.fetch_sub(1, Ordering::SeqCst) == 1 && self.0.is_closed() {
            self.0.emptied.notify_waiters();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    #[tokio::test]
    async fn a_closed_gate_is_empty_when_the_last_request_has_ended() {
        let gate = Arc::new(Gate::default());
        let pass = gate.enter();
        assert!(pass.is_some());
        gate.close();
        assert!(gate.enter().is_none());
        gate.closed().await;
        let waiting = Arc::clone(&gate);
        let waiting = tokio::spawn(async move { waiting.emptied().await });
        tokio::task::yield_now().await;
        assert!(!waiting.is_finished());
        drop(pass);
        waiting.await.unwrap();
    }
}
