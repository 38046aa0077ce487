//! A task that must run as long as the process: its end ends the process, in order and with a word.

use std::cell::Cell;
use std::future::poll_fn;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::Context;
use std::time::Instant;

use gateway::app::App;
use gateway::real::OsEntropy;
use model::{Clock, Timestamp};
use runtime::{Machine, Runtime, Task, Work};
use serde_json::json;
use tokio::sync::Notify;

use crate::support::http::Ask;
use crate::support::{RECIPIENT, Stage};

/// A machine on which the alarms of one task break, once a test says so.
#[derive(Default)]
struct Alarms {
    machine: Machine,
    broken: Notify,
    is_broken: AtomicBool,
}

/// The task that is to panic.
const OMITTED: &str = "omitted log lines";

thread_local! {
    /// Whether this thread runs that task now.
    static IS_OMITTING: Cell<bool> = const { Cell::new(false) };
}

impl Alarms {
    fn break_them(&self) {
        self.is_broken.store(true, Ordering::SeqCst);
        self.broken.notify_waiters();
    }
}

impl Clock for Alarms {
    fn now(&self) -> Timestamp {
        self.machine.now()
    }

    fn steady(&self) -> Timestamp {
        self.machine.steady()
    }
}

/// The runtime that a test breaks.
struct Breakable(Arc<Alarms>);

impl Clock for Breakable {
    fn now(&self) -> Timestamp {
        self.0.now()
    }

    fn steady(&self) -> Timestamp {
        self.0.steady()
    }
}

impl Runtime for Breakable {
    fn instant(&self) -> Instant {
        self.0.machine.instant()
    }

    fn sleep_until(&self, at: Instant) -> Work {
        let sleeps = self.0.machine.sleep_until(at);
        if !IS_OMITTING.get() {
            return sleeps;
        }
        let alarms = Arc::clone(&self.0);
        Box::pin(async move {
            let broken = alarms.broken.notified();
            tokio::pin!(broken);
            broken.as_mut().enable();
            if !alarms.is_broken.load(Ordering::SeqCst) {
                tokio::select! {
                    () = sleeps => return,
                    () = broken => {}
                }
            }
            panic!("the alarm clock is broken");
        })
    }

    fn spawn(&self, name: &'static str, work: Work) -> Task {
        if name != OMITTED {
            return self.0.machine.spawn(name, work);
        }
        let mut work = work;
        let poll = move |context: &mut Context<'_>| {
            IS_OMITTING.set(true);
            let polled = work.as_mut().poll(context);
            IS_OMITTING.set(false);
            polled
        };
        self.0.machine.spawn(name, Box::pin(poll_fn(poll)))
    }

    fn spawn_blocking(&self, name: &'static str, work: Box<dyn FnOnce() + Send>) -> Task {
        self.0.machine.spawn_blocking(name, work)
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_task_that_panics_is_seen_at_once_and_ends_the_process_in_order() {
    let alarms = Arc::new(Alarms::default());
    let mut stage = Stage::on(Arc::new(Breakable(Arc::clone(&alarms))), Arc::new(OsEntropy), Arc::default(), |_, _| {}).await;
    let tenant = stage.tenant().await;
    let sent = stage.send(&tenant, RECIPIENT, "hello").await;
    stage.reaches(&tenant, &sent["id"], "delivered").await;
    let ready = Ask::new("GET", "/readyz");
    assert_eq!(ready.send(stage.admin).await.expect(200)["tasks"], "ok");
    alarms.break_them();
    let sentence = "the task `omitted log lines` panicked: the alarm clock is broken";
    let why = stage.app().failed().await;
    assert_eq!(why, format!("{sentence}; the process ends, because it cannot work without that task"));
    assert_eq!(ready.send(stage.admin).await.expect(503), json!({ "status": "unavailable", "draining": false, "store": "ok", "tasks": sentence }));
    let waits = stage.send(&tenant, RECIPIENT, "accepted meanwhile").await;
    App::stop(stage.take_app()).await;
    stage.start_again().await;
    stage.reaches(&tenant, &waits["id"], "delivered").await;
}
