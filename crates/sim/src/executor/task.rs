//! Tasks as the executor keeps them: what wakes one, and how one ends.

use std::future::poll_fn;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Poll, Wake, Waker};

use runtime::Ended;

/// The tasks that are ready, each once.
#[derive(Default)]
pub(super) struct Ready(Mutex<Vec<u64>>);

impl Ready {
    pub(super) fn lock(&self) -> MutexGuard<'_, Vec<u64>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What wakes a task.
pub(super) struct TaskWaker {
    id: u64,
    ready: Arc<Ready>,
    is_ready: AtomicBool,
    is_aborted: AtomicBool,
}

impl TaskWaker {
    pub(super) fn new(id: u64, ready: Arc<Ready>) -> Self {
        Self { id, ready, is_ready: AtomicBool::new(false), is_aborted: AtomicBool::new(false) }
    }

    pub(super) fn make_ready(&self) {
        if !self.is_ready.swap(true, Ordering::SeqCst) {
            let mut ready = self.ready.lock();
            // In their order, so that the order in which they were woken decides nothing: a hash table that is dropped
            // wakes in any.
            let place = ready.partition_point(|id| *id < self.id);
            ready.insert(place, self.id);
        }
    }

    /// It is polled now, and can be made ready again.
    pub(super) fn begin(&self) {
        self.is_ready.store(false, Ordering::SeqCst);
    }

    pub(super) fn abort(&self) {
        self.is_aborted.store(true, Ordering::SeqCst);
        self.make_ready();
    }

    pub(super) fn is_aborted(&self) -> bool {
        self.is_aborted.load(Ordering::SeqCst)
    }
}

impl Wake for TaskWaker {
    fn wake(self: Arc<Self>) {
        self.make_ready();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.make_ready();
    }
}

/// The end of a task, once it is known.
#[derive(Default)]
pub(super) struct End(Mutex<Known>);

#[derive(Default)]
struct Known {
    ended: Option<Result<(), Ended>>,
    waiting: Vec<Waker>,
}

impl End {
    /// The task has ended. The first end counts.
    pub(super) fn set(&self, ended: Result<(), Ended>) {
        let waiting = {
            let mut known = self.lock();
            known.ended.get_or_insert(ended);
            std::mem::take(&mut known.waiting)
        };
        waiting.into_iter().for_each(Waker::wake);
    }

    pub(super) async fn wait(&self) -> Result<(), Ended> {
        poll_fn(|context| {
            let mut known = self.lock();
            match &known.ended {
                Some(ended) => Poll::Ready(ended.clone()),
                None => {
                    if !known.waiting.iter().any(|waker| waker.will_wake(context.waker())) {
                        known.waiting.push(context.waker().clone());
                    }
                    Poll::Pending
                }
            }
        })
        .await
    }

    fn lock(&self) -> MutexGuard<'_, Known> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
