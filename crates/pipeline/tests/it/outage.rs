//! New messages while carriers are down.

use crate::world::{LONG, World};

#[tokio::test]
async fn while_the_first_carrier_is_down_a_new_message_goes_to_the_next_one_without_an_attempt() {
    let world = World::with(&[("main", Some(LONG)), ("backup", None)]).await;
    let sent = world.send_with(|_, delivery, _| format!("{:?} with {}", delivery.status, delivery.carrier.as_str()));
    assert_eq!(sent.await, "Sent with backup");
    let counters = world.pipeline.counters();
    assert_eq!((counters.retried.get(), counters.diverted.get()), (0, 0), "it did not go to the first one before");
}
