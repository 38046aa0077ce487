//! Dispatch on a real store, with carriers that a test answers for: what leaves, when, and how often.

mod barred;
mod clock;
mod media;
mod world;

use std::time::Duration;

use carrier::SegmentOutcome;
use disk::Disk;
use model::Status;

use crate::route::{Carriers, Standing};
use world::{BACKUP, MAIN, World, accepted, later, refused};

#[tokio::test(start_paused = true)]
async fn a_long_text_under_a_pace_delays_no_retry_of_another_account() {
    let world = World::new().await;
    let (slow, quick) = (world.tenant("+18005550001", Some(1)).await, world.tenant("+18005550002", None).await);
    world.admit(&quick, 1).await;
    world.run().await;
    world.answer(0, later()).await;
    // The second text waits a minute for its number, and the retry is due before.
    world.admit(&slow, 60).await;
    world.admit(&slow, 60).await;
    world.run_once().await;
    assert_eq!(world.sent(MAIN).len(), 2, "the first text of the slow number");
    world.clock.advance(world.settings.retry.floor);
    let began = tokio::time::Instant::now();
    while world.sent(MAIN).len() < 3 {
        world.run_once().await;
    }
    assert_eq!(world.sent(MAIN)[2].message.account, quick.account);
    assert!(
        began.elapsed() < Duration::from_secs(2),
        "{:?} by the runtime's clock, which no wait of the machine moves",
        began.elapsed()
    );
}

#[tokio::test(start_paused = true)]
async fn a_carrier_that_is_down_is_waited_for_until_the_fallback_is_due() {
    let world = World::new().await;
    for (down, standing) in
        [(None, Standing::Up), (Some(29), Standing::Wavering), (Some(30), Standing::Down), (Some(60), Standing::Down)]
    {
        world.carrier(MAIN).set_down_for(down);
        assert_eq!(world.dispatchers.standing(&MAIN.into()), standing, "{down:?}");
    }
    world.dispatcher(BACKUP).set_removed(true);
    for name in [BACKUP, "elsewhere"] {
        assert_eq!(world.dispatchers.standing(&name.into()), Standing::Absent, "{name}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_message_does_not_come_back_to_a_carrier_that_refused_it_while_the_other_one_is_down() {
    let world = World::new().await;
    let tenant = world.tenant("+18005550001", None).await;
    let id = world.admit(&tenant, 1).await;
    world.carrier(BACKUP).set_down_for(Some(60));
    world.run().await;
    world.answer(0, refused()).await;
    for _ in 0..6 {
        world.run_once_at(BACKUP).await;
        world.run_once().await;
    }
    assert_eq!((world.sent(MAIN).len(), world.status(id).await), (1, Status::Queued), "it waits for the other one");
    world.carrier(BACKUP).set_down_for(None);
    for _ in 0..3 {
        world.run_once_at(BACKUP).await;
    }
    assert_eq!((world.sent(MAIN).len(), world.sent(BACKUP).len()), (1, 1));
}

#[tokio::test(start_paused = true)]
async fn messages_that_a_cancellation_ends_are_counted_wherever_they_are() {
    // Canceled while an attempt is under way: a retry of such a message is its end, told by the outcome.
    for (story, divert) in [("interrupted", false), ("diverted", true)] {
        let mut world = World::new().await;
        let tenant = world.tenant("+18005550001", None).await;
        let broadcast = world.broadcast(&tenant, 1).await;
        if divert {
            world.hold_broadcast_message(&broadcast, 0).await;
            world.store.cancel_broadcast(None, broadcast.id, world.now()).await.map(drop).unwrap();
            assert_eq!(world.status(broadcast.id.message(0)).await, Status::Failed, "{story}");
            world.carrier(MAIN).set_down_for(Some(60));
            world.run_once().await;
            continue;
        }
        world.hold_broadcast_message(&broadcast, 0).await;
        world.run().await;
        assert_eq!(world.sent(MAIN).len(), 1);
        world.restart(0).await;
        world.store.cancel_broadcast(None, broadcast.id, world.now()).await.map(drop).unwrap();
        assert_eq!(world.status(broadcast.id.message(0)).await, Status::Queued, "its attempt may have arrived");
        world.run().await;
        assert_eq!(world.status(broadcast.id.message(0)).await, Status::Failed);
        world.feed.catch_up();
        assert_eq!(world.counters.fates(MAIN).failed.get(), 1, "{story}");
    }
}

#[tokio::test(start_paused = true)]
async fn what_the_store_does_not_take_stays_in_memory() {
    let world = World::new().await;
    let tenant = world.tenant("+18005550001", None).await;
    world.admit(&tenant, 1).await;
    world.carrier(MAIN).set_down_for(Some(60));
    world.store.close().await;
    for _ in 0..3 {
        world.run_once().await;
    }
    assert_eq!(world.dispatcher(MAIN).queued(), 1);
}

#[tokio::test(start_paused = true)]
async fn messages_of_a_carrier_that_leaves_are_given_back_although_the_store_does_not_take_them_at_first() {
    let disk = Disk::new(1);
    let world = World::on_disk(&disk).await;
    let tenant = world.tenant("+18005550001", None).await;
    let id = world.admit(&tenant, 1).await;
    assert_eq!(world.lease(MAIN).await, [], "it is in the memory of the dispatcher");
    disk.set_room(Some(0));
    world.dispatcher(MAIN).set_removed(true);
    let room = async {
        // The store takes calls in their order, so that it has refused that of the dispatcher before.
        assert!(world.store.probe().await.is_err());
        disk.set_room(None);
    };
    tokio::join!(world.run_once(), room);
    assert_eq!(world.lease(MAIN).await, [id]);
}

#[tokio::test(start_paused = true)]
async fn a_message_that_a_carrier_takes_leaves_once() {
    let world = World::new().await;
    let tenant = world.tenant("+18005550001", None).await;
    let id = world.admit(&tenant, 1).await;
    world.run().await;
    world.answer(0, accepted()).await;
    world.run().await;
    assert_eq!((world.sent(MAIN).len(), world.status(id).await), (1, Status::Sent));
    assert!(matches!(accepted(), SegmentOutcome::Accepted { .. }));
}
