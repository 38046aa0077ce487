//! The machine of expansion: what follows from what, as tables of inputs and actions; and what holds whatever happens.

use model::SeededEntropy;
use proptest::prelude::*;
use testkit::recipient as at;

use super::*;

const NOW: Moment = Moment::of(testkit::NOW);

const SETTINGS: BroadcastSettings = BroadcastSettings { lookahead: 20, batch: 10 };

/// The place of a recipient who is not sent to.
const SKIPPED: u32 = 3;

fn expanding() -> Expanding {
    let books = Books {
        routes: Arc::default(),
        dispatchers: Dispatchers::default(),
        references: Arc::new(References::new(&SeededEntropy::new(3))),
        node: Epoch::new(1).unwrap(),
        skips: Box::new(|_, recipients| recipients.iter().map(|recipient| *recipient == at(SKIPPED)).collect()),
    };
    Expanding::new(SETTINGS, books)
}

fn id(number: u8) -> BroadcastId {
    BroadcastId::from_bytes([number; 16])
}

fn broadcast(number: u8, account: u8) -> Arc<Broadcast> {
    Arc::new(Broadcast {
        id: id(number),
        account: testkit::account(account),
        created_at: NOW.wall,
        expires_at: NOW.wall + Duration::from_secs(86_400),
        ..testkit::broadcast(0, 100)
    })
}

fn upcoming(from: u32, count: u32, outstanding: u64) -> Input {
    Input::Upcoming(Some(Upcoming {
        from,
        recipients: (from..from + count).map(at).collect(),
        values: Vec::new(),
        outstanding,
    }))
}

/// An action in short.
fn show(action: &Action) -> String {
    let name = |id: &BroadcastId| id.to_bytes()[0];
    match action {
        Action::Look => "look".to_owned(),
        Action::Ask(id) => format!("ask {}", name(id)),
        Action::Make(made) => {
            format!("make {} from {}: {} of {}", name(&made.broadcast), made.from, made.messages.len(), made.turns)
        }
        Action::Hold(messages) => format!("hold {}", messages.len()),
        Action::LookAt(carriers) => format!("look at {carriers:?}"),
        Action::Rest(rest) => format!("rest {rest:?}"),
    }
}

fn check(expanding: &mut Expanding, now: Moment, steps: Vec<(Input, &str)>) {
    for (place, (input, wanted)) in steps.into_iter().enumerate() {
        let actions: Vec<_> = expanding.on(input, now).iter().map(show).collect();
        assert_eq!(actions.join("; "), wanted, "step {place}");
    }
}

const ROUND: Input = Input::Round { arrived: false };

#[test]
fn owners_take_turns_and_so_do_the_broadcasts_of_one() {
    let open = || Input::Open(vec![broadcast(1, 1), broadcast(2, 1), broadcast(3, 2)]);
    let mut expanding = expanding();
    check(
        &mut expanding,
        NOW,
        vec![
            (ROUND, "look"),
            (open(), "ask 1"),
            (upcoming(0, 10, 0), "make 1 from 0: 9 of 10"),
            (Input::Made(true), "hold 0; look at {}; ask 3"),
            (upcoming(10, 10, 0), "make 3 from 10: 10 of 10"),
            (Input::Made(true), "hold 0; look at {}"),
            (ROUND, "ask 2"),
            (Input::Upcoming(None), "ask 1"),
            (upcoming(10, 10, 0), "make 1 from 10: 10 of 10"),
            (Input::Made(true), "hold 0; look at {}; ask 3"),
            (Input::Upcoming(None), ""),
            (Input::Round { arrived: true }, "look"),
            (open(), "ask 1"),
        ],
    );
}

#[test]
fn a_broadcast_is_left_alone_while_enough_of_it_is_under_way() {
    let mut expanding = expanding();
    check(
        &mut expanding,
        NOW,
        vec![
            (ROUND, "look"),
            (Input::Open(vec![broadcast(1, 1)]), "ask 1"),
            (upcoming(10, 10, 35), "make 1 from 10: 5 of 5"),
            (Input::Made(true), "hold 0; look at {}"),
            (ROUND, "ask 1"),
            (upcoming(15, 10, 40), "rest Idle"),
            (ROUND, "rest Idle"),
        ],
    );
    check(&mut expanding, Moment::of(NOW.steady + QUIET), vec![(ROUND, "ask 1")]);
}

#[test]
fn what_the_store_does_not_do_is_done_later() {
    let mut expanding = expanding();
    check(
        &mut expanding,
        NOW,
        vec![
            (ROUND, "look"),
            (Input::Unavailable, "rest Store"),
            (ROUND, "look"),
            (Input::Open(vec![broadcast(1, 1), broadcast(2, 2)]), "ask 1"),
            (Input::Unavailable, "rest Store"),
            (ROUND, "ask 2"),
            (upcoming(0, 10, 0), "make 2 from 0: 9 of 10"),
            (Input::Unavailable, "rest Store"),
            (ROUND, "ask 1"),
            (Input::Upcoming(None), "ask 2"),
        ],
    );
}

#[test]
fn a_broadcast_that_is_canceled_in_between_is_asked_after_once_more() {
    let mut expanding = expanding();
    check(
        &mut expanding,
        NOW,
        vec![
            (ROUND, "look"),
            (Input::Open(vec![broadcast(1, 1)]), "ask 1"),
            (upcoming(0, 10, 0), "make 1 from 0: 9 of 10"),
            (Input::Made(false), "rest Idle"),
            (ROUND, "ask 1"),
            (Input::Upcoming(None), "rest Idle"),
        ],
    );
}

/// What the store has of a broadcast.
#[derive(Clone, Debug)]
struct Stored {
    broadcast: Arc<Broadcast>,
    mark: u32,
    total: u32,
    queued: u64,
}

proptest! {
    #[test]
    fn every_recipient_has_one_turn_whatever_fails(
        sizes in prop::collection::vec((1..90u32, 0..3u8), 1..6),
        events in prop::collection::vec((0..8u8, 0..30u64), 0..200),
    ) {
        story(&sizes, &events);
    }
}

fn story(sizes: &[(u32, u8)], events: &[(u8, u64)]) {
    let stored = |(number, (total, account)): (usize, &(u32, u8))| Stored {
        broadcast: broadcast(number as u8, *account),
        mark: 0,
        total: *total,
        queued: 0,
    };
    let mut store: Vec<Stored> = sizes.iter().enumerate().map(stored).collect();
    let (mut expanding, mut now, mut arrived) = (expanding(), NOW, false);
    // Whatever fails at first, the store does everything after that.
    let good = std::iter::repeat_n((7, 30), 400);
    let (mut actions, mut rounds) = (Vec::new(), 0);
    for (event, sent) in events.iter().copied().chain(good) {
        if actions.is_empty() {
            rounds += 1;
            now = Moment::of(now.steady + QUIET);
            store.iter_mut().for_each(|stored| stored.queued = stored.queued.saturating_sub(sent));
            actions = expanding.on(Input::Round { arrived: std::mem::take(&mut arrived) }, now);
        }
        let mut follows = Vec::new();
        for action in actions {
            let input = match action {
                Action::Look | Action::Ask(_) | Action::Make(_) if event == 0 => Input::Unavailable,
                Action::Look => Input::Open(
                    store
                        .iter()
                        .filter(|stored| stored.mark < stored.total)
                        .map(|stored| Arc::clone(&stored.broadcast))
                        .collect(),
                ),
                Action::Ask(id) => {
                    let stored = store.iter().find(|stored| stored.broadcast.id == id).unwrap();
                    let next = stored.mark..stored.total.min(stored.mark + SETTINGS.batch as u32);
                    Input::Upcoming((!next.is_empty()).then(|| Upcoming {
                        from: stored.mark,
                        recipients: next.map(at).collect(),
                        values: Vec::new(),
                        outstanding: stored.queued,
                    }))
                }
                Action::Make(made) => {
                    let stored = store.iter_mut().find(|stored| stored.broadcast.id == made.broadcast).unwrap();
                    assert_eq!(made.from, stored.mark, "the turn of those who are next");
                    let ids: BTreeSet<_> = made.messages.iter().map(|made| made.message.id).collect();
                    let wanted = (made.from..made.from + made.turns).filter(|index| *index != SKIPPED);
                    assert_eq!(ids, wanted.map(|index| made.broadcast.message(index)).collect());
                    stored.mark += made.turns;
                    stored.queued += made.messages.len() as u64;
                    assert!(
                        made.turns > 0 && stored.queued <= 2 * SETTINGS.lookahead as u64,
                        "{} are ahead",
                        stored.queued
                    );
                    // The store may have done it and the machine not heard of it.
                    if event == 1 { Input::Unavailable } else { Input::Made(true) }
                }
                Action::Hold(_) | Action::LookAt(_) => continue,
                Action::Rest(rest) => {
                    arrived = rest == Rest::Idle && event % 2 == 0;
                    continue;
                }
            };
            follows.extend(expanding.on(input, now));
        }
        actions = follows;
    }
    assert!(store.iter().all(|stored| stored.mark == stored.total), "after {rounds} rounds: {store:?}");
}
