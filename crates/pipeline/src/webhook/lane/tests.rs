//! Lanes as data: a lane, a clock that the test moves, and answers that the test gives.

use std::time::Duration;

use model::webhook::{DisabledReason, EventType, Subscription, Webhook};
use model::{AccountId, Mode, Owner};
use store::contract::webhooks::{DeliveryState, EventHead, Failing, Replaying};

use super::*;

const MINUTE: Duration = Duration::from_secs(60);

fn at(secs: u64) -> Timestamp {
    Timestamp::from_millis(1_773_585_000_000) + Duration::from_secs(secs)
}

fn endpoint(ordering: Ordering, last: u64) -> Endpoint {
    let webhook = Webhook {
        id: WebhookId::from_bytes([1; 16]),
        owner: Owner { account: AccountId::from_bytes([2; 16]), mode: Mode::Live },
        url: "https://a.example".into(),
        events: Subscription::default(),
        description: None,
        active: true,
        ordering,
        broadcast_messages: false,
        format: model::webhook::Format::default(),
        created_at: at(0),
        disabled: None,
    };
    Endpoint { webhook, position: 0, last, failing: None }
}

/// A lane whose log has events of these resources, numbered from 1.
struct World {
    lane: Lane,
    log: Vec<ResourceKey>,
    replay: Option<Replaying>,
    now: Timestamp,
    said: Vec<Action>,
    recorded: Vec<DeliveryRecord>,
}

impl World {
    fn new(ordering: Ordering, log: &[ResourceKey]) -> Self {
        Self::of(&endpoint(ordering, log.len() as u64), log)
    }

    fn of(endpoint: &Endpoint, log: &[ResourceKey]) -> Self {
        let mut lane = Lane::new(endpoint, 16, at(0), 0.5);
        let actions = lane.begin();
        let mut world =
            Self { lane, log: log.to_vec(), replay: None, now: at(0), said: Vec::new(), recorded: Vec::new() };
        world.perform(actions);
        world
    }

    fn head(&self, seq: u64) -> EventHead {
        let resource = self.log[seq as usize - 1];
        EventHead { seq, at: at(0), kind: EventType::MessageSent, resource }
    }

    /// Does what the lane asks, as the driver does.
    fn perform(&mut self, actions: Vec<Action>) {
        for action in actions {
            let more = match action {
                Action::Read { source, after, .. } => {
                    let end = (after + READ as u64).min(self.log.len() as u64);
                    let heads = (after + 1..=end).map(|seq| self.head(seq)).collect();
                    self.lane.on(Input::Read(source, Some(Heads { heads, looked_to: end })), self.now)
                }
                Action::LookForReplay => {
                    let replay = self.replay.take();
                    self.lane.on(Input::Replay(replay), self.now)
                }
                Action::ReadPending(_) => self.lane.on(Input::Pending(Some(Vec::new()), 500), self.now),
                other => {
                    self.said.push(other);
                    Vec::new()
                }
            };
            self.perform(more);
        }
    }

    /// Everything that may be sent now.
    fn sent(&mut self) -> Vec<u64> {
        let mut sent = Vec::new();
        while let Some(sending) = self.lane.send(self.now) {
            sent.push(sending.head.seq);
            let actions = self.lane.on(Input::Grew(0), self.now);
            self.perform(actions);
        }
        sent
    }

    fn ends(&mut self, seq: u64, outcome: Outcome) {
        let body = (outcome != Outcome::Delivered).then(|| "{}".into());
        let ended = Ended { outcome, attempt: None, body, unit: 0.5 };
        let actions = self.lane.on(Input::Ended(seq, ended), self.now);
        self.perform(actions);
        if let Some(progress) = self.lane.progress() {
            self.recorded.extend(progress.deliveries);
        }
    }

    fn delivers(&mut self, seqs: impl IntoIterator<Item = u64>) {
        seqs.into_iter().for_each(|seq| self.ends(seq, Outcome::Delivered));
    }

    fn fails(&mut self, seqs: impl IntoIterator<Item = u64>) {
        seqs.into_iter().for_each(|seq| self.ends(seq, Outcome::Failed(None)));
    }

    /// Moves the clock to the moment for which the lane waits, and says how many seconds that took.
    fn wait(&mut self) -> u64 {
        let wake = self.lane.wake_at(self.now).expect("the lane waits for a moment");
        let waited = wake.since(self.now).as_secs();
        self.now = wake;
        waited
    }

    fn position(&mut self) -> u64 {
        self.lane.is_dirty = true;
        self.lane.progress().unwrap().position
    }
}

#[test]
fn sixteen_are_under_way_and_the_position_follows_the_oldest() {
    let log: Vec<u128> = (1..=600).collect();
    let mut world = World::new(Ordering::Message, &log);
    assert_eq!(world.sent(), (1..=16).collect::<Vec<_>>());
    world.delivers(2..=16);
    assert_eq!((world.position(), world.sent().len()), (0, 15));
    world.delivers([1]);
    assert_eq!(world.position(), 16);
    let mut seen: Vec<u64> = (1..=31).collect();
    for seq in 17..=600 {
        seen.extend(world.sent());
        world.delivers([seq]);
    }
    assert_eq!((world.position(), seen), (600, (1..=600).collect()), "a backlog is read bit by bit");
    assert_eq!(world.lane.wake_at(world.now), None);
}

#[test]
fn each_order_lets_that_much_overtake() {
    for (ordering, first, after_one, after_two) in [
        (Ordering::Message, vec![1, 2, 5], vec![3], vec![4]),
        (Ordering::None, vec![1, 2, 3, 4, 5], vec![], vec![]),
        (Ordering::Strict, vec![1], vec![2], vec![3]),
    ] {
        let mut world = World::new(ordering, &[7, 8, 7, 8, 9]);
        assert_eq!(world.sent(), first, "{ordering:?}");
        world.delivers([1]);
        assert_eq!(world.sent(), after_one, "{ordering:?}");
        world.delivers([2]);
        assert_eq!(world.sent(), after_two, "{ordering:?}");
    }
}

#[test]
fn one_that_fails_is_tried_by_the_schedule_and_delays_no_other_resource() {
    let mut world = World::new(Ordering::Message, &[7, 7, 8, 9]);
    assert_eq!(world.sent(), [1, 3, 4]);
    world.fails([1]);
    world.delivers([3, 4]);
    assert!(world.sent().is_empty(), "a later event of its resource waits");
    assert_eq!(world.position(), 4);
    // Other events succeed in between, so that the endpoint is well.
    let mut waits = Vec::new();
    for try_number in 2..=10 {
        waits.push(world.wait());
        assert_eq!(world.sent(), [1], "{try_number}");
        world.log.push(100 + try_number);
        let (end, now) = (world.log.len() as u64, world.now);
        let actions = world.lane.on(Input::Grew(end), now);
        world.perform(actions);
        world.fails([1]);
        let more = world.sent();
        if try_number < 10 {
            assert_eq!(more, [end]);
            world.delivers([end]);
        } else {
            assert_eq!(more, [2, end], "it was given up, and the one behind it has its turn");
        }
    }
    assert_eq!(waits, [5, 300, 1_800, 7_200, 18_000, 36_000, 50_400, 72_000, 86_400]);
    let of_first: Vec<_> = world.recorded.iter().filter(|record| record.head.seq == 1).collect();
    assert_eq!((of_first.len(), of_first[9].state, of_first[9].tries), (10, DeliveryState::Failed, 10));
    assert!(of_first[..9].iter().all(|record| record.body.is_some()) && of_first[9].body.is_none());
}

#[test]
fn five_failures_over_half_a_minute_stop_the_position_and_one_event_probes() {
    let log: Vec<u128> = (1..=5_000).collect();
    let mut world = World::new(Ordering::Message, &log);
    let first = world.sent();
    assert_eq!(first.len(), 16);
    world.fails(first);
    let mut sent = 16;
    while !world.said.contains(&Action::Failing) {
        world.wait();
        let more = world.sent();
        assert!(more.len() <= 2, "{more:?}");
        sent += more.len();
        world.fails(more);
        assert!(sent < 64, "a dead endpoint gets a handful of requests");
    }
    let position = world.position();
    assert!(world.now.since(at(0)) >= Duration::from_secs(30) && position < 64);
    let mut waits = Vec::new();
    for _ in 0..5 {
        waits.push(world.wait());
        assert_eq!(world.sent(), [1], "the oldest probes");
        assert_eq!(world.lane.wake_at(world.now), None);
        world.fails([1]);
    }
    assert_eq!(waits, [5, 300, 1_800, 7_200, 18_000]);
    assert_eq!(world.position(), position, "nothing more was taken from the log");
    world.wait();
    assert_eq!(world.sent(), [1]);
    world.delivers([1]);
    assert_eq!(world.said.last(), Some(&Action::Recovered));
    assert_eq!(world.sent(), [2, position + 1], "two at a time after trouble: what failed before, and what is new");
    world.now = world.now + MINUTE;
    assert_eq!(world.sent().len(), 14);
}

#[test]
fn an_endpoint_that_fails_for_five_days_or_is_gone_is_disabled_and_keeps_its_place() {
    let mut world = World::of(
        &Endpoint { failing: Some(Failing { since: at(0), probes: 3 }), ..endpoint(Ordering::Message, 3) },
        &[7, 8, 9],
    );
    let disabled = Action::Disable(DisabledReason::Failing);
    while !world.said.contains(&disabled) {
        world.wait();
        assert_eq!(world.sent(), [1]);
        world.fails([1]);
    }
    let lasted = world.now.since(at(0)).as_secs() / 86_400;
    assert!((5..=6).contains(&lasted), "{lasted} days");
    assert_eq!((world.sent(), world.lane.wake_at(world.now)), (vec![], None));
    // Enabled again, all of it comes.
    let changed = Endpoint { position: 1, ..endpoint(Ordering::Message, 3) };
    let actions = world.lane.on(Input::Changed(Box::new(changed)), world.now);
    world.perform(actions);
    let mut sent = world.sent();
    sent.sort_unstable();
    assert_eq!(sent, [1, 2, 3]);

    let mut world = World::new(Ordering::Message, &[7, 8]);
    assert_eq!(world.sent(), [1, 2]);
    world.ends(1, Outcome::Gone);
    assert_eq!(world.said, [Action::Disable(DisabledReason::Gone)]);
    assert_eq!(world.recorded[0].state, DeliveryState::Pending, "it is delivered once the endpoint is enabled again");
}

#[test]
fn an_endpoint_that_changes_while_requests_are_under_way_misses_no_event_between_them() {
    for is_active in [false, true] {
        let mut world = World::new(Ordering::Message, &[7, 7, 8, 9]);
        assert_eq!(world.sent(), [1, 3, 4], "the second event waits for the first one");
        let webhook = Webhook { active: is_active, ..endpoint(Ordering::Message, 4).webhook };
        let changed = Endpoint { webhook, ..endpoint(Ordering::Message, 4) };
        // What it asks to read is not read yet.
        world.lane.on(Input::Changed(Box::new(changed)), world.now);
        world.ends(1, Outcome::Failed(None));
        assert!(world.position() < 2, "active: {is_active}: the second event was never sent");
    }
}

#[test]
fn a_strict_endpoint_gets_nothing_past_a_failure() {
    let mut world = World::new(Ordering::Strict, &[7, 8, 9]);
    assert_eq!(world.sent(), [1]);
    world.fails([1]);
    assert_eq!((world.sent(), world.wait(), world.sent()), (vec![], 5, vec![1]));
    world.delivers([1]);
    assert_eq!(world.sent(), [2]);
}

#[test]
fn an_endpoint_that_asks_for_time_gets_it() {
    let mut world = World::new(Ordering::Message, &[7, 8, 9]);
    assert_eq!(world.sent(), [1, 2, 3]);
    world.ends(1, Outcome::Failed(Some(Duration::from_secs(40))));
    world.delivers([2, 3]);
    assert_eq!((world.wait(), world.sent()), (40, vec![1]));
}

#[test]
fn what_this_platform_could_not_send_says_nothing_about_the_endpoint() {
    let mut world = World::new(Ordering::Message, &[7; 1]);
    for _ in 0..20 {
        assert_eq!(world.sent(), [1]);
        world.ends(1, Outcome::NotMade);
        assert_eq!(world.wait(), 5);
    }
    assert!(world.said.is_empty() && world.recorded.iter().all(|record| record.tries == 0));
}

#[test]
fn a_replay_comes_beside_the_tail_and_ends() {
    let mut world = World::new(Ordering::Message, &[1, 2, 3, 4]);
    assert_eq!(world.sent(), [1, 2, 3, 4]);
    world.delivers([1, 2, 3, 4]);
    world.replay = Some(Replaying { number: 9, position: 1, end: 3 });
    let actions = world.lane.look_again();
    world.perform(actions);
    assert_eq!(world.sent(), [2, 3, 4]);
    world.delivers([2, 3]);
    world.lane.is_dirty = true;
    world.delivers([4]);
    assert_eq!((world.lane.replay.is_none(), world.position()), (true, 4));
    let actions = world.lane.recorded();
    assert_eq!(actions, [Action::LookForReplay]);
}

#[test]
fn events_that_are_gone_hold_nothing_up() {
    let mut world = World::new(Ordering::Message, &[7, 7]);
    assert_eq!(world.sent(), [1]);
    world.ends(1, Outcome::Vanished);
    assert_eq!(world.sent(), [2]);
    world.delivers([2]);
    assert_eq!(world.position(), 2);
}

#[test]
fn what_is_pending_is_due_when_an_endpoint_is_enabled_after_a_start() {
    let mut disabled = endpoint(Ordering::Message, 1);
    (disabled.webhook.active, disabled.position) = (false, 1);
    let mut lane = Lane::new(&disabled, 16, at(0), 0.5);
    assert_eq!(lane.begin(), [Action::LookForReplay]);
    let mut enabled = disabled;
    enabled.webhook.active = true;
    assert!(lane.on(Input::Changed(Box::new(enabled)), at(60)).contains(&Action::ReadPending(0)));
    let head = EventHead { seq: 1, at: at(0), kind: EventType::MessageSent, resource: 7 };
    let pending = PendingDelivery { head, tries: 6, due_at: at(40_000) };
    lane.on(Input::Pending(Some(vec![pending]), 500), at(60));
    assert_eq!(lane.send(at(60)).map(|sending| sending.head.seq), Some(1));
}
