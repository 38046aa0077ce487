//! The machine's clock is set, forward or back, at every stage of a message's way: nothing is sent twice, and nothing
//! is later than without it.

use std::time::Duration;

use carrier::SegmentOutcome;
use model::{Clock, ErrorType, Message, Moment, Status};

use super::world::{HELD, MAIN, World, accepted, later};

const HOUR: i64 = 3_600_000;

/// By how much the clock is set: a minute, an hour, a month, each way.
const STEPS: [i64; 6] = [60_000, -60_000, HOUR, -HOUR, 30 * 24 * HOUR, -30 * 24 * HOUR];

const UNKNOWN: SegmentOutcome = SegmentOutcome::Unknown { why: "no answer in time" };

/// How often the first carrier has got something.
fn times(world: &World) -> usize {
    world.check_attempts();
    world.sent(MAIN).len()
}

#[tokio::test(start_paused = true)]
async fn a_message_in_memory_leaves_once_and_at_once() {
    for step in STEPS {
        let world = World::new().await;
        let tenant = world.tenant("+18005550001", None).await;
        world.admit(&tenant, 1).await;
        world.step(step);
        world.run().await;
        assert_eq!(times(&world), 1, "{step}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_message_in_the_store_leaves_once_and_at_once() {
    for step in STEPS {
        for set_before in [false, true] {
            let world = World::new().await;
            let tenant = world.tenant("+18005550001", None).await;
            if set_before {
                world.step(step);
            }
            world.admit_as(world.message(&tenant, 1, "+12025550143"), false).await;
            if !set_before {
                world.step(step);
            }
            world.run().await;
            assert_eq!(times(&world), 1, "{step}, set before: {set_before}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn an_attempt_under_way_is_left_to_its_answer() {
    for step in STEPS {
        let world = World::new().await;
        let tenant = world.tenant("+18005550001", None).await;
        let id = world.admit(&tenant, 1).await;
        world.run().await;
        world.step(step);
        world.run().await;
        assert_eq!((times(&world), world.status(id).await), (1, Status::Queued), "{step}");
        world.answer(0, accepted()).await;
        world.run().await;
        assert_eq!((times(&world), world.status(id).await), (1, Status::Sent), "{step}");
    }
}

/// A process that was stopped for a day, a machine whose steady clock runs on while it sleeps, a disk that was full for
/// as long: leases are long over.
#[tokio::test(start_paused = true)]
async fn an_attempt_under_way_outlives_its_lease() {
    let world = World::new().await;
    let tenant = world.tenant("+18005550001", None).await;
    let mut message = world.message(&tenant, 1, "+12025550143");
    message.expires_at = world.now() + Duration::from_secs(3_600);
    let id = world.admit_as(message, true).await;
    world.run().await;
    world.clock.advance(Duration::from_secs(86_400));
    world.run().await;
    assert_eq!((times(&world), world.status(id).await), (1, Status::Queued), "neither sent again nor ended");
    world.answer(0, accepted()).await;
    assert_eq!(world.status(id).await, Status::Sent);
}

#[tokio::test(start_paused = true)]
async fn a_retry_comes_when_its_wait_is_over_and_once() {
    for step in STEPS {
        let world = World::new().await;
        let tenant = world.tenant("+18005550001", None).await;
        world.admit(&tenant, 1).await;
        world.run().await;
        world.answer(0, later()).await;
        world.step(step);
        world.run().await;
        assert_eq!(times(&world), 1, "{step}: not before its time");
        world.clock.advance(world.settings.retry.floor);
        world.run().await;
        assert_eq!(times(&world), 2, "{step}: at its time");
    }
}

#[tokio::test(start_paused = true)]
async fn a_pace_is_kept_and_not_prolonged() {
    for step in STEPS {
        let world = World::new().await;
        let tenant = world.tenant("+18005550001", Some(1)).await;
        for _ in 0..2 {
            world.admit(&tenant, 1).await;
        }
        world.run().await;
        world.step(step);
        world.run().await;
        assert_eq!(times(&world), 1, "{step}: a second has not passed");
        // A hundredth of the interval more, which the way to the carrier may take.
        world.clock.advance(Duration::from_millis(1_010));
        world.run().await;
        assert_eq!(times(&world), 2, "{step}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_held_message_stays_held() {
    for step in STEPS {
        let world = World::new().await;
        let tenant = world.tenant("+18005550001", None).await;
        let id = world.admit_as(world.message(&tenant, 1, &format!("{HELD}7700900123")), true).await;
        world.run().await;
        world.answer(0, UNKNOWN).await;
        world.step(step);
        world.run().await;
        assert!(world.is_held(id).await);
        assert_eq!(times(&world), 1, "{step}");
    }
}

#[tokio::test(start_paused = true)]
async fn messages_of_a_broadcast_leave_once_and_at_once() {
    for step in STEPS {
        let world = World::new().await;
        let tenant = world.tenant("+18005550001", None).await;
        let broadcast = world.broadcast(&tenant, 2).await;
        world.hold_broadcast_message(&broadcast, 0).await;
        world.step(step);
        world.hold_broadcast_message(&broadcast, 1).await;
        world.run().await;
        assert_eq!(times(&world), 2, "{step}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_process_that_died_is_taken_over_whatever_its_clock_was() {
    for step in STEPS {
        let mut world = World::new().await;
        let tenant = world.tenant("+18005550001", None).await;
        let ids = [world.admit(&tenant, 1).await, world.admit(&tenant, 1).await];
        world.run().await;
        world.answer(1, later()).await;
        let in_memory = world.admit_as(world.message(&tenant, 1, "+12025550143"), true).await;
        world.restart(step).await;
        world.run().await;
        let first: Vec<_> = world.sent(MAIN).iter().map(|submission| submission.message.id).collect();
        assert!(
            first.contains(&ids[0]) && first.contains(&in_memory),
            "{step}: the interrupted attempt, and the message in memory"
        );
        world.clock.advance(world.settings.retry.ceiling);
        world.run().await;
        let times = |id| world.sent(MAIN).iter().filter(|submission| submission.message.id == id).count();
        assert_eq!(
            [ids[0], ids[1], in_memory].map(times),
            [1, 1, 1],
            "{step}: the retry within the longest wait that there is"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn validity_goes_by_the_time_of_day() {
    let world = World::new().await;
    let tenant = world.tenant("+18005550001", None).await;
    let short = || {
        let message = world.message(&tenant, 1, "+12025550143");
        Message { expires_at: message.created_at + Duration::from_secs(600), ..message }
    };
    let (in_memory, in_store) = (world.admit_as(short(), true).await, world.admit_as(short(), false).await);
    world.step(HOUR);
    world.run_once().await;
    let ended =
        world.store.expire(world.node.epoch(), world.clock.look(), world.dispatchers.under_way(), 10).await.unwrap();
    assert_eq!(ended, 1);
    let delivery = world.store.message_of_any_account(in_store).await.unwrap().unwrap().delivery;
    assert_eq!((delivery.status, delivery.error_type), (Status::Undelivered, Some(ErrorType::Expired)));
    assert_eq!((world.status(in_memory).await, times(&world)), (Status::Undelivered, 0));
    assert_ne!(world.clock.look(), Moment::of(world.now()));
}
