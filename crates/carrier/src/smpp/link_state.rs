//! The state of a link, as the dispatcher and the operator see it.
//!
//! The link writes and others read, without a lock. The order is the promise: the link stores its state first, then
//! reports events, and wakes the waiting tasks last. A task that receives an event or wakes up sees the state that
//! belongs to it. `modelled` checks this in every order in which threads may run.

use super::sync::{AtomicBool, AtomicUsize, Notify, Ordering};

/// How a session stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Standing {
    /// Whether the SMSC has taken the bind, and the session has not ended.
    pub(crate) bound: bool,
    /// Whether the SMSC has asked for a rest.
    pub(crate) resting: bool,
    /// How many unanswered segments there may be.
    pub(crate) window: usize,
    /// How many there are.
    pub(crate) unanswered: usize,
}

/// Wakes the tasks that wait for room, or for the end.
pub(crate) struct Changes(Notify);

impl Changes {
    pub(crate) fn new() -> Self {
        Self(Notify::new())
    }

    /// Resolves when something may be different from what it was at this call. Make it before looking, so that no
    /// change is missed.
    pub(crate) fn change(&self) -> impl Future<Output = ()> + '_ {
        self.0.notified()
    }

    /// Something is different, and stored.
    pub(crate) fn wake(&self) {
        self.0.notify_waiters();
    }
}

/// One link.
pub(crate) struct LinkState {
    /// Whether it is one that sends: no receiver.
    pub(crate) sends: bool,
    /// How many may wait to leave: what its own pace lets go in a second.
    unsent_max: usize,
    bound: AtomicBool,
    resting: AtomicBool,
    closed: AtomicBool,
    window: AtomicUsize,
    /// Segments that have left and are not answered.
    unanswered: AtomicUsize,
    /// Segments handed to it and not answered, whether or not they have left.
    in_use: AtomicUsize,
}

impl LinkState {
    /// A link without a session yet.
    pub(crate) fn new(sends: bool, window: usize, unsent_max: usize) -> Self {
        Self {
            sends,
            unsent_max,
            bound: AtomicBool::new(false),
            resting: AtomicBool::new(false),
            closed: AtomicBool::new(false),
            window: AtomicUsize::new(window),
            unanswered: AtomicUsize::new(0),
            in_use: AtomicUsize::new(0),
        }
    }

    /// Stores how the session stands, then tells what happened, then wakes those who wait for room.
    pub(crate) fn publish<T>(&self, standing: Standing, changes: &Changes, tell: impl FnOnce() -> T) -> T {
        self.window.store(standing.window, Ordering::Release);
        self.unanswered.store(standing.unanswered, Ordering::Release);
        self.resting.store(standing.resting, Ordering::Release);
        self.bound.store(standing.bound, Ordering::Release);
        let told = tell();
        changes.wake();
        told
    }

    /// The session has ended, and these events are reported with it.
    pub(crate) fn publish_end<T>(&self, changes: &Changes, tell: impl FnOnce() -> T) -> T {
        let standing = Standing { bound: false, resting: false, window: self.window(), unanswered: 0 };
        self.publish(standing, changes, tell)
    }

    /// There will be no other session and no further event: a task that waits for the end has received all of them.
    pub(crate) fn close(&self, changes: &Changes) {
        self.closed.store(true, Ordering::Release);
        changes.wake();
    }

    pub(crate) fn is_bound(&self) -> bool {
        self.bound.load(Ordering::Acquire)
    }

    pub(crate) fn is_resting(&self) -> bool {
        self.resting.load(Ordering::Acquire)
    }

    pub(crate) fn is_closed(&self) -> bool {
        self.closed.load(Ordering::Acquire)
    }

    /// Whether segments handed to it would leave.
    pub(crate) fn can_send(&self) -> bool {
        self.is_bound() && !self.is_resting()
    }

    /// How many more segments it would send.
    pub(crate) fn room(&self) -> usize {
        if !self.can_send() {
            return 0;
        }
        let in_use = self.in_use();
        let unsent = in_use.saturating_sub(self.unanswered.load(Ordering::Acquire));
        self.window().saturating_sub(in_use).min(self.unsent_max.saturating_sub(unsent))
    }

    /// How many unanswered segments there may be now.
    pub(crate) fn window(&self) -> usize {
        self.window.load(Ordering::Acquire)
    }

    pub(crate) fn in_use(&self) -> usize {
        self.in_use.load(Ordering::Acquire)
    }

    /// Segments are about to be handed to it.
    pub(crate) fn reserve(&self, segments: usize) {
        self.in_use.fetch_add(segments, Ordering::AcqRel);
    }

    /// Segments have their outcome. Those who wait for room are woken by what follows.
    pub(crate) fn release(&self, segments: usize) {
        self.in_use.fetch_sub(segments, Ordering::AcqRel);
    }
}
