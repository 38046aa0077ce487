//! A whole pipeline on a real store, one of whose tasks ends before its time.

use std::sync::atomic::Ordering;
use std::time::Duration;

use model::Status;

use crate::world::{LONG, World};

#[tokio::test]
async fn a_panic_in_the_recorder_is_reported_as_the_end_of_the_process() {
    let world = World::new().await;
    assert_eq!((world.send().await, world.supervisor.failure()), (format!("{:?}", Status::Sent), None));
    world.chance.broken.store(true, Ordering::SeqCst);
    let failed = tokio::select! {
        biased;
        failed = world.runtime.timeout(LONG, world.supervisor.failed()) => failed.unwrap(),
        // The message is accepted, and its status is not recorded any more.
        status = world.send() => panic!("it is {status}"),
    };
    assert_eq!(failed, "the task `recorder` panicked: no chance left");
    let drained = world.runtime.timeout(LONG, world.pipeline.drain(Duration::from_millis(10))).await;
    assert_eq!((drained, world.supervisor.failure().is_some()), (Ok(()), true), "it can be drained all the same");
}

#[tokio::test]
async fn tasks_end_with_the_pipeline_and_that_is_no_failure() {
    let world = World::new().await;
    world.send().await;
    let drained = world.runtime.timeout(LONG, world.pipeline.drain(Duration::from_secs(1))).await;
    drop(world.pipeline);
    assert_eq!((drained, world.supervisor.failure()), (Ok(()), None));
}
