//! The hand-over between a link and those who use it, in every order in which their threads may run, and with every
//! value that their loads may see (loom).

/// loom's atomics, and a `Notify` over loom's mutex with tokio's promise: a wait hears of every wake after it was made,
/// polled or not.
mod sync {
    use std::pin::Pin;
    use std::task::{Context, Poll, Waker};

    use loom::sync::Mutex;
    pub(super) use loom::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

    pub(super) struct Notify(Mutex<(u64, Vec<Waker>)>);

    impl Notify {
        pub(super) fn new() -> Self {
            Self(Mutex::new((0, Vec::new())))
        }

        pub(super) fn notified(&self) -> Notified<'_> {
            Notified { notify: self, seen: self.0.lock().unwrap().0 }
        }

        pub(super) fn notify_waiters(&self) {
            let mut state = self.0.lock().unwrap();
            state.0 += 1;
            state.1.drain(..).for_each(Waker::wake);
        }
    }

    pub(super) struct Notified<'a> {
        notify: &'a Notify,
        seen: u64,
    }

    impl Future for Notified<'_> {
        type Output = ();

        fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
            let mut state = self.notify.0.lock().unwrap();
            if state.0 != self.seen {
                return Poll::Ready(());
            }
            state.1.push(context.waker().clone());
            Poll::Pending
        }
    }
}

#[path = "link_state.rs"]
#[expect(clippy::duplicate_mod, reason = "the same code over loom's atomics is what is tried")]
#[allow(dead_code, reason = "not all of it is tried")]
mod link_state;

use std::sync::Arc;

use link_state::{Changes, LinkState, Standing};
use loom::future::block_on;
use loom::thread;
use sync::{AtomicUsize, Ordering};

/// A session that takes one segment at a time, and has as many unanswered.
const fn bound(unanswered: usize) -> Standing {
    Standing { bound: true, resting: false, window: 1, unanswered }
}

/// A link that has a session and one segment, those who wait for it, and how many events were told.
struct Stage {
    link: LinkState,
    changes: Changes,
    told: AtomicUsize,
}

impl Stage {
    fn new() -> Arc<Self> {
        let stage =
            Self { link: LinkState::new(true, 1, usize::MAX), changes: Changes::new(), told: AtomicUsize::new(0) };
        stage.link.reserve(1);
        stage.link.publish(bound(1), &stage.changes, || ());
        Arc::new(stage)
    }

    /// Tells an outcome, as the link does to the pipeline's channel.
    fn tell(&self) {
        self.link.release(1);
        self.told.fetch_add(1, Ordering::Release);
    }

    /// As a dispatcher waits.
    async fn ready(&self) -> usize {
        loop {
            let change = self.changes.change();
            match self.link.room() {
                0 => change.await,
                room => return room,
            }
        }
    }

    async fn closed(&self) {
        loop {
            let change = self.changes.change();
            if self.link.is_closed() {
                return;
            }
            change.await;
        }
    }
}

#[test]
fn who_waits_for_room_is_woken_when_there_is_some() {
    loom::model(|| {
        let stage = Stage::new();
        let link = Arc::clone(&stage);
        let answered = thread::spawn(move || link.link.publish(bound(0), &link.changes, || link.tell()));
        assert_eq!(block_on(stage.ready()), 1);
        answered.join().unwrap();
    });
}

#[test]
fn the_end_of_a_rest_wakes_who_waits_for_it() {
    loom::model(|| {
        let stage = Stage::new();
        stage.link.publish(Standing { resting: true, ..bound(0) }, &stage.changes, || stage.tell());
        let link = Arc::clone(&stage);
        let rested = thread::spawn(move || link.link.publish(bound(0), &link.changes, || ()));
        assert_eq!(block_on(stage.ready()), 1);
        rested.join().unwrap();
    });
}

#[test]
fn who_hears_of_an_outcome_sees_the_rest_or_the_end_that_came_with_it() {
    for ends in [true, false] {
        loom::model(move || {
            let stage = Stage::new();
            let link = Arc::clone(&stage);
            let refused = thread::spawn(move || match ends {
                true => link.link.publish_end(&link.changes, || link.tell()),
                false => link.link.publish(Standing { resting: true, ..bound(0) }, &link.changes, || link.tell()),
            });
            if stage.told.load(Ordering::Acquire) == 1 {
                assert_eq!(stage.link.room(), 0, "what is handed over now would not leave");
            }
            refused.join().unwrap();
        });
    }
}

#[test]
fn who_is_woken_sees_what_woke_him() {
    loom::model(|| {
        let stage = Stage::new();
        let change = stage.changes.change();
        let link = Arc::clone(&stage);
        let throttled =
            thread::spawn(move || link.link.publish(Standing { resting: true, ..bound(1) }, &link.changes, || ()));
        block_on(change);
        assert!(stage.link.is_resting());
        throttled.join().unwrap();
    });
}

#[test]
fn who_waits_for_the_end_has_heard_all_that_was_told() {
    loom::model(|| {
        let stage = Stage::new();
        let link = Arc::clone(&stage);
        let ended = thread::spawn(move || {
            link.link.publish_end(&link.changes, || link.tell());
            link.link.close(&link.changes);
        });
        block_on(stage.closed());
        assert_eq!(stage.told.load(Ordering::Acquire), 1);
        ended.join().unwrap();
    });
}
