//! One seed, one order of everything.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use model::{Clock, Moment, Timestamp};
use runtime::{Ended, Runtime};
use tokio::sync::{Notify, oneshot};

use super::{Executor, ProcessId, ProcessRuntime, Stuck};
use crate::chance::Chance;

const START: Timestamp = Timestamp::from_millis(1_773_585_000_000);
const FIRST: ProcessId = ProcessId(1);
const STEPS: u64 = 100_000;

fn executor(seed: u64) -> Executor {
    Executor::new(Chance::new(seed, "test"), START, false)
}

/// Runs what `make` makes in a process, and returns its result.
fn run<T: Send + 'static, F: Future<Output = T> + Send + 'static>(
    executor: &Executor,
    make: impl FnOnce(Arc<dyn Runtime>) -> F,
) -> T {
    let runtime: Arc<dyn Runtime> = executor.process(FIRST);
    let work = make(Arc::clone(&runtime));
    let (sender, mut result) = oneshot::channel();
    let mut task = runtime.spawn("test", Box::pin(async move { drop(sender.send(work.await)) }));
    assert_eq!(executor.run(&mut task, STEPS), Ok(Ok(())));
    result.try_recv().unwrap()
}

/// The order in which twenty tasks come to their turns, with pauses in between.
fn order(seed: u64) -> (Vec<u32>, u64) {
    let executor = executor(seed);
    let order = run(&executor, |runtime| async move {
        let order = Arc::new(Mutex::new(Vec::new()));
        let tasks: Vec<_> = (0..20)
            .map(|n| {
                let (order, runtime_of_task) = (Arc::clone(&order), Arc::clone(&runtime));
                runtime.spawn(
                    "worker",
                    Box::pin(async move {
                        order.lock().unwrap().push(n);
                        runtime_of_task.sleep(Duration::from_millis(u64::from(n % 3))).await;
                        runtime_of_task.run_blocking("disk", || ()).await.unwrap();
                        order.lock().unwrap().push(100 + n);
                    }),
                )
            })
            .collect();
        for task in tasks {
            task.ended().await.unwrap();
        }
        order.lock().unwrap().clone()
    });
    (order, executor.digest())
}

#[test]
fn a_seed_decides_the_order() {
    assert_eq!(order(1), order(1));
    assert_ne!(order(1).0, order(2).0);
    assert_ne!(order(1).1, order(2).1);
}

#[test]
fn time_jumps_when_there_is_nothing_else_to_do() {
    let executor = executor(1);
    let (slept, cut) = run(&executor, |runtime| async move {
        let began = runtime.instant();
        runtime.sleep(Duration::from_secs(86_400)).await;
        let slept = runtime.instant() - began;
        (slept, runtime.timeout(Duration::from_secs(1), std::future::pending::<()>()).await.is_err())
    });
    assert_eq!((slept, cut), (Duration::from_secs(86_400), true));
    assert_eq!(executor.now(), Duration::from_secs(86_401));
    assert!(executor.0.lock().timers.is_empty(), "a timer that nothing waits for is gone");
}

#[test]
fn the_wall_clock_is_set_apart_from_the_steady_one() {
    let executor = executor(1);
    let before = executor.process(ProcessId(7));
    executor.set_wall_by(-3_600_000);
    executor.stall(Duration::from_millis(1_500));
    let back = Timestamp::from_millis(START.as_millis() - 3_600_000 + 1_500);
    assert_eq!(before.look(), Moment { wall: back, steady: START + Duration::from_millis(1_500) });
    assert_eq!(executor.process(ProcessId(8)).look(), Moment::of(back), "a process begins with both alike");
}

#[test]
fn a_panic_is_the_end_of_its_task_alone() {
    let executor = executor(1);
    let ended = run(&executor, |runtime| async move {
        let task = runtime.spawn("doomed", Box::pin(async { panic!("on purpose") }));
        let blocking = runtime.run_blocking::<()>("doomed", || panic!("{} too", "this")).await;
        (task.ended().await, blocking)
    });
    assert_eq!(ended.0, Err(Ended::Panicked("on purpose".to_owned())));
    assert_eq!(ended.1, Err(Ended::Panicked("this too".to_owned())));
    let mut panics = executor.take_panics();
    panics.sort();
    assert_eq!(panics, ["the task `doomed` panicked: on purpose", "the task `doomed` panicked: this too"]);
}

#[test]
fn an_aborted_task_goes_no_further_than_where_it_waits() {
    let executor = executor(1);
    let ended = run(&executor, |runtime| async move {
        let task = runtime.spawn("waits", Box::pin(std::future::pending()));
        task.abort();
        task.ended().await
    });
    assert_eq!(ended, Err(Ended::Aborted));
}

/// Says when it is dropped.
struct Dropped(Arc<Notify>);

impl Drop for Dropped {
    fn drop(&mut self) {
        self.0.notify_one();
    }
}

#[test]
fn a_kill_drops_every_task_of_a_process_at_once() {
    let executor = executor(1);
    let victim = executor.process(ProcessId(2));
    let killer = executor.clone();
    let ended = run(&executor, |runtime| async move {
        let dropped = Arc::new(Notify::new());
        let guard = Dropped(Arc::clone(&dropped));
        let inner = Arc::clone(&victim);
        let task = victim.spawn(
            "first",
            Box::pin(async move {
                inner.spawn(
                    "second",
                    Box::pin(async move {
                        let _guard = guard;
                        std::future::pending::<()>().await;
                    }),
                );
                std::future::pending::<()>().await;
            }),
        );
        runtime.sleep(Duration::from_secs(1)).await;
        killer.kill(ProcessId(2));
        dropped.notified().await;
        let late = victim.spawn("late", Box::pin(async { unreachable!("its process is gone") }));
        (task.ended().await, late.ended().await)
    });
    assert_eq!(ended, (Err(Ended::Aborted), Err(Ended::Aborted)));
}

#[test]
fn a_doomed_process_dies_after_the_step_in_which_it_is_doomed() {
    let executor = executor(1);
    let victim: Arc<ProcessRuntime> = executor.process(ProcessId(2));
    let killer = executor.clone();
    let seen = run(&executor, |runtime| async move {
        let seen = Arc::new(Mutex::new(Vec::new()));
        let (told, inner) = (Arc::clone(&seen), Arc::clone(&victim));
        let task = victim.spawn(
            "first",
            Box::pin(async move {
                killer.doom(ProcessId(2));
                told.lock().unwrap().push("the step goes on");
                let inner: Arc<dyn Runtime> = inner;
                inner.sleep(Duration::ZERO).await;
                inner.sleep(Duration::from_millis(1)).await;
                told.lock().unwrap().push("never");
            }),
        );
        runtime.sleep(Duration::from_secs(1)).await;
        assert_eq!(task.ended().await, Err(Ended::Aborted));
        seen.lock().unwrap().clone()
    });
    assert_eq!(seen, ["the step goes on"]);
}

#[test]
fn a_run_that_cannot_end_is_stuck() {
    let executor = executor(1);
    let runtime = executor.process(FIRST);
    let mut waits = runtime.spawn("waits", Box::pin(std::future::pending()));
    assert_eq!(executor.run(&mut waits, STEPS), Err(Stuck::Deadlock));
    let mut spins = runtime.spawn(
        "spins",
        Box::pin(std::future::poll_fn(|context| {
            context.waker().wake_by_ref();
            std::task::Poll::Pending
        })),
    );
    assert_eq!(executor.run(&mut spins, STEPS), Err(Stuck::TooManySteps));
}

#[test]
fn a_process_that_stands_still_has_no_step_until_it_goes_on_and_others_have_theirs() {
    const SECOND: ProcessId = ProcessId(2);
    for seed in 0..20 {
        let executor = executor(seed);
        let stopped = executor.process(SECOND);
        let steps = Arc::new(Mutex::new(Vec::new()));
        let (ticking, ticks): (Arc<dyn Runtime>, _) = (stopped.clone(), Arc::clone(&steps));
        let clock = Arc::clone(&stopped);
        drop(stopped.spawn(
            "ticks",
            Box::pin(async move {
                loop {
                    ticking.sleep(Duration::from_secs(1)).await;
                    ticks.lock().unwrap().push(clock.steady().since(START).as_secs());
                }
            }),
        ));
        let world = executor.clone();
        run(&executor, |runtime| async move {
            runtime.sleep(Duration::from_millis(2_500)).await;
            world.stop(SECOND);
            assert!(world.is_still(SECOND) && world.is_alive(SECOND));
            runtime.sleep(Duration::from_secs(10)).await;
            world.go_on(SECOND);
            runtime.sleep(Duration::from_millis(1_200)).await;
            assert!(!world.is_still(SECOND));
        });
        assert_eq!(*steps.lock().unwrap(), [1, 2, 12, 13]);
    }
}

#[test]
fn a_process_can_be_killed_while_it_stands_still() {
    const SECOND: ProcessId = ProcessId(2);
    let executor = executor(1);
    let stopped = executor.process(SECOND);
    let (sender, ended) = oneshot::channel::<()>();
    drop(stopped.spawn("waits", Box::pin(async move { drop(sender) })));
    executor.stop(SECOND);
    let world = executor.clone();
    run(&executor, |_| async move {
        world.kill(SECOND);
        assert!(ended.await.is_err());
        world.go_on(SECOND);
    });
    assert!(!executor.is_alive(SECOND));
}
