//! The machine of dispatch: what follows from what, as tables of inputs and actions.

mod random;

use bytes::Bytes;
use model::backoff::Backoff;
use model::message::MessageType;
use model::{MediaType, MessageId, Mode, Msisdn, Originator};
use std::io;
use std::num::NonZeroU32;
use store::contract::dispatch::{Attempt, Outcome, Retry};
use store::contract::nodes::Epoch;

use super::*;
use crate::queue::QueueLimits;
use crate::route::{OnUnknown, Route};

const NOW: Moment = Moment::of(testkit::NOW);
const DAY: Duration = Duration::from_secs(86_400);

fn settings() -> DispatchSettings {
    DispatchSettings {
        queue: QueueLimits { total: 100, per_account: 60, originator_rate: 0, account_rate: 0 },
        lease: DAY,
        batch: 10,
        poll: Duration::from_millis(250),
        retry: Backoff { floor: Duration::from_secs(10), ceiling: Duration::from_secs(600) },
        attempts_per_carrier: 5,
        fallback_after: Duration::from_secs(30),
    }
}

/// How long the carrier may take for an outcome.
const ANSWERS_WITHIN: Duration = Duration::from_secs(60);

/// The recipient of every message that a broadcast skips.
const BLOCKED: &str = "+12025550199";

/// A recipient whose route holds what is of unknown outcome.
const HELD: &str = "+447700900123";

/// A sender with a pace of one segment a second.
const PACED: &str = "+18005550007";

fn machine() -> Dispatch {
    let route = |prefix: &str, on_unknown| {
        let carriers = vec!["main".into(), "second".into(), "third".into()];
        Route { prefix: prefix.to_owned(), kind: MessageType::Sms, carriers, on_unknown }
    };
    let books = Books {
        skips: Arc::new(|message| {
            (message.broadcast.is_some() && &*message.recipient.text() == BLOCKED).then_some("blocked")
        }),
        routes: Arc::new(Routes::new(vec![route("+44", OnUnknown::Hold), route("", OnUnknown::Resend)])),
        senders: Arc::new(SenderPaces::new(|number| NonZeroU32::new(1).filter(|_| &*number.text() == PACED))),
        tokens: Arc::new(Tokens::of(Epoch::new(1).unwrap())),
    };
    Dispatch::new("main".into(), settings(), books)
}

/// The message of this number, of an account and perhaps a broadcast.
fn leased(number: u32, change: impl FnOnce(&mut Message)) -> Leased {
    let mut message = Message {
        account: testkit::account(1),
        originator: Originator::parse("+18005550001").unwrap(),
        recipient: Msisdn::parse("+12025550143").unwrap(),
        expires_at: NOW.wall + DAY,
        ..testkit::message(number)
    };
    change(&mut message);
    let lease = Lease { token: u64::from(number), until: NOW.steady + DAY };
    Leased::fresh(Arc::new(message), lease, "main".into())
}

fn plain(number: u32) -> Leased {
    leased(number, |_| {})
}

fn number(id: MessageId) -> u32 {
    let octets = id.to_bytes();
    u32::from_be_bytes([octets[12], octets[13], octets[14], octets[15]])
}

fn numbers(ids: impl Iterator<Item = MessageId>) -> Vec<u32> {
    ids.map(number).collect()
}

/// An action in short.
fn show(action: &Action) -> String {
    let verdict = |outcome: &Outcome| match &outcome.verdict {
        Verdict::Retry(Retry { carrier, due_at, .. }) => {
            format!("{} to {carrier} in {} s", number(outcome.id), due_at.since(NOW.steady).as_secs())
        }
        Verdict::Failed { error_type, .. } => format!("{} {error_type:?}", number(outcome.id)),
        verdict => format!("{} {verdict:?}", number(outcome.id)),
    };
    match action {
        Action::Lease(request) => format!("lease {}", request.limit),
        Action::Read(media) => format!("read {}", media.len()),
        Action::Record(outcomes) => format!("record {}", outcomes.iter().map(verdict).collect::<Vec<_>>().join(", ")),
        Action::Begin(attempts, _) => format!("begin {:?}", numbers(attempts.iter().map(|attempt| attempt.id))),
        Action::Submit(submissions) => {
            format!("submit {:?}", numbers(submissions.iter().map(|submission| submission.message.id)))
        }
        Action::Wait(Wait::Pace(until)) => format!("wait {} ms", until.since(NOW.steady).as_millis()),
        Action::Wait(wait) => format!("wait {wait:?}"),
        Action::Release(held) => format!("release {:?}", numbers(held.iter().map(|(id, _)| *id))),
        Action::MadeRoom => "made room".to_owned(),
        Action::LookAt(carriers) => format!("look at {carriers:?}"),
        Action::Report(Report::Lost(id, _)) => format!("lost {}", number(*id)),
        Action::Report(Report::Late(id, _)) => format!("late {}", number(*id)),
        Action::Report(report) => format!("{report:?}"),
    }
}

/// That each input has the actions beside it.
fn check(machine: &mut Dispatch, steps: Vec<(Input<'_>, &str)>) {
    for (place, (input, wanted)) in steps.into_iter().enumerate() {
        let actions: Vec<_> = machine.on(input, NOW).iter().map(show).collect();
        assert_eq!(actions.join("; "), wanted, "step {place}");
    }
}

const ROOM: Input<'static> = Input::Room { ready: 100, window: 100, answers_within: ANSWERS_WITHIN };

/// A machine in which these messages wait, and the driver for room.
fn waiting(messages: Vec<Leased>) -> Dispatch {
    let mut machine = machine();
    check(&mut machine, vec![(Input::Turn, "lease 10"), (Input::Leased(messages), "wait Room")]);
    machine
}

fn ended(number: u32, attempt: u32) -> Outcome {
    Outcome { attempt, ..unattempted(&plain(number), NOW.wall, Verdict::Sent, String::new()) }
}

#[test]
fn a_message_leaves_once_its_attempt_is_on_disk() {
    let mut machine = waiting(vec![plain(1), plain(2), plain(3)]);
    let begun = Input::Begun(vec![Some(1), None, Some(4)]);
    check(
        &mut machine,
        vec![
            (ROOM, "begin [1, 2, 3]"),
            (begun, "submit [1, 3]"),
            (Input::Turn, "lease 10"),
            (Input::Leased(Vec::new()), "wait Messages"),
        ],
    );
    check(
        &mut machine,
        vec![(Input::Placed(plain(4)), ""), (Input::Woken, ""), (Input::Turn, "wait Room"), (ROOM, "begin [4]")],
    );
}

#[test]
fn the_store_is_looked_into_while_there_may_be_something() {
    let mut machine = machine();
    check(
        &mut machine,
        vec![
            (Input::Turn, "lease 10"),
            (Input::Leased(Vec::new()), "wait Messages"),
            (Input::Woken, ""),
            (Input::Turn, "wait Messages"),
            (Input::Due, ""),
            (Input::Woken, ""),
            (Input::Turn, "lease 10"),
            (Input::Leased(Vec::new()), "wait Messages"),
            (Input::Tick(Carriers::default()), ""),
            (Input::Turn, "lease 10"),
        ],
    );
}

#[test]
fn no_more_is_under_way_than_the_window_has() {
    let mut machine = waiting((1..=5).map(plain).collect());
    let room = || Input::Room { ready: 100, window: 3, answers_within: ANSWERS_WITHIN };
    check(&mut machine, vec![(room(), "begin [1, 2, 3]"), (Input::Begun(vec![Some(1); 3]), "submit [1, 2, 3]")]);
    assert_eq!(machine.under_way().room(3), 0);
    let (other, late) = (Outcome { carrier: "second".into(), ..ended(1, 1) }, ended(2, 7));
    machine.on(Input::Ended(&[other, late]), NOW);
    assert_eq!(machine.under_way().room(3), 0, "of another carrier, and of another attempt");
    machine.on(Input::Ended(&[ended(2, 1)]), NOW);
    check(
        &mut machine,
        vec![(Input::Turn, "lease 10"), (Input::Leased(Vec::new()), "wait Room"), (room(), "begin [4]")],
    );
}

#[test]
fn what_is_not_to_leave_ends_before_the_others_begin() {
    let skipped = leased(2, |message| {
        (message.broadcast, message.recipient) =
            (Some(BroadcastId::from_bytes([9; 16])), Msisdn::parse(BLOCKED).unwrap());
    });
    let single = leased(1, |message| message.recipient = Msisdn::parse(BLOCKED).unwrap());
    let expired = leased(3, |message| message.expires_at = NOW.wall);
    let mut machine = waiting(vec![single, skipped, expired]);
    check(
        &mut machine,
        vec![
            (ROOM, "made room; record 3 Expired, 2 Skipped(\"blocked\")"),
            (Input::Written, "begin [1]"),
            (Input::Begun(vec![Some(1)]), "submit [1]"),
        ],
    );
}

#[test]
fn what_the_store_does_not_take_stays_in_memory() {
    let rest = "wait Store(250ms)";
    for failing in 0..3 {
        let (wanted, expired) = (plain(1), leased(2, |message| message.expires_at = NOW.wall));
        let mut machine = if failing == 0 { machine() } else { waiting(vec![wanted.clone(), expired]) };
        let steps = match failing {
            0 => vec![(Input::Turn, "lease 10"), (Input::Unavailable, rest)],
            1 => vec![(ROOM, "record 2 Expired"), (Input::Unavailable, rest)],
            _ => vec![(ROOM, "record 2 Expired"), (Input::Written, "begin [1]"), (Input::Unavailable, rest)],
        };
        check(&mut machine, steps);
        assert_eq!(machine.queued(), [0, 2, 1][failing]);
        check(&mut machine, vec![(Input::Woken, ""), (Input::Turn, "lease 10")]);
    }
}

#[test]
fn a_look_round_ends_what_has_expired_and_gives_away_what_a_carrier_that_is_down_cannot_send() {
    let down = |secs| Carriers { down_for: Some(Duration::from_secs(secs)), up: BTreeSet::from(["third".into()]) };
    let test = leased(3, |message| message.mode = Mode::Test);
    let expired = leased(2, |message| message.expires_at = NOW.wall);
    let mut machine = waiting(vec![plain(1), expired, test]);
    let none = || Input::Leased(Vec::new());
    check(
        &mut machine,
        vec![
            (Input::Tick(down(29)), "lease 10"),
            (none(), "record 2 Expired"),
            (Input::Written, ""),
            (Input::Turn, "lease 10"),
            (none(), "wait Room"),
        ],
    );
    check(
        &mut machine,
        vec![
            (Input::Tick(down(30)), "lease 10"),
            (none(), "record 1 to third in 0 s"),
            (Input::Written, "Diverted(1); look at {\"third\"}"),
        ],
    );
    assert_eq!(machine.queued(), 1, "the sandbox has no other carrier");
}

#[test]
fn attempts_of_an_earlier_process_end_as_unknown_by_their_routes_policy() {
    let interrupted = |number, to| Leased {
        interrupted: true,
        ..leased(number, |message| message.recipient = Msisdn::parse(to).unwrap())
    };
    let mut machine = machine();
    check(
        &mut machine,
        vec![
            (Input::Turn, "lease 10"),
            (
                Input::Leased(vec![interrupted(1, HELD), plain(2), interrupted(3, BLOCKED)]),
                "Interrupted(2); record 1 Hold, 3 to main in 0 s",
            ),
            (Input::Written, "Unknown(2); wait Room"),
            (ROOM, "begin [2]"),
        ],
    );
}

#[test]
fn media_that_do_not_come_hold_up_no_other_message() {
    let id = |place: u8| MediaId::from_bytes([place; 16]);
    let with = |number, place: u8| leased(number, move |message| message.media = Some(id(place)));
    let mut machine = waiting(vec![with(1, 1), with(2, 2), with(3, 3), with(4, 4), with(5, 1), plain(6)]);
    let picture = Media { kind: MediaType::Png, bytes: Bytes::from_static(b"png") };
    let late = MediaError::Unreadable(io::ErrorKind::TimedOut.into());
    let came =
        BTreeMap::from([(id(1), Ok(picture)), (id(2), Err(MediaError::Lost(id(2), "gone"))), (id(3), Err(late))]);
    check(
        &mut machine,
        vec![
            (ROOM, "read 4"),
            (Input::Media(came), "lost 2; late 3; late 4; record 2 MediaFailed, 3 to main in 10 s, 4 to main in 10 s"),
            (Input::Written, "begin [1, 5, 6]"),
        ],
    );
}

#[test]
fn a_pace_is_waited_out_and_keeps_nobody_else_waiting() {
    let paced = |number| leased(number, |message| message.originator = Originator::parse(PACED).unwrap());
    let mut machine = waiting(vec![paced(1), paced(2)]);
    let tick = Input::Tick(Carriers::default());
    check(&mut machine, vec![(ROOM, "begin [1]"), (Input::Begun(vec![Some(1)]), "submit [1]")]);
    check(
        &mut machine,
        vec![
            (Input::Turn, "lease 10"),
            (Input::Leased(Vec::new()), "wait Room"),
            (ROOM, "wait 1005 ms"),
            (Input::Placed(plain(3)), ""),
        ],
    );
    check(
        &mut machine,
        vec![
            (Input::Woken, ""),
            (Input::Turn, "wait Room"),
            (ROOM, "begin [3]"),
            (Input::Begun(vec![Some(1)]), "submit [3]"),
        ],
    );
    check(
        &mut machine,
        vec![(Input::Turn, "wait Room"), (ROOM, "wait 1005 ms"), (tick, "lease 10"), (Input::Leased(Vec::new()), "")],
    );
}

#[test]
fn a_stop_breaks_off_waits_and_reading_and_never_a_write() {
    let media = || leased(1, |message| message.media = Some(MediaId::from_bytes([1; 16])));
    check(&mut waiting(vec![plain(1)]), vec![(Input::Stop, "release [1]"), (Input::Turn, ""), (ROOM, "")]);
    check(
        &mut waiting(vec![media()]),
        vec![(ROOM, "read 1"), (Input::Stop, "release [1]"), (Input::Media(BTreeMap::new()), "")],
    );
    let begun = Input::Begun(vec![Some(1)]);
    check(
        &mut waiting(vec![plain(1)]),
        vec![(ROOM, "begin [1]"), (Input::Stop, ""), (begun, "submit [1]"), (Input::Turn, "release []")],
    );
    check(
        &mut waiting(vec![plain(1)]),
        vec![(ROOM, "begin [1]"), (Input::Stop, ""), (Input::Unavailable, "release [1]")],
    );
    let expired = leased(2, |message| message.expires_at = NOW.wall);
    check(
        &mut waiting(vec![plain(1), expired]),
        vec![(ROOM, "record 2 Expired"), (Input::Stop, ""), (Input::Written, "release [1]")],
    );
    let mut leasing = machine();
    check(
        &mut leasing,
        vec![(Input::Turn, "lease 10"), (Input::Stop, ""), (Input::Leased(vec![plain(1)]), "release [1]")],
    );
    assert_eq!((leasing.is_over(), leasing.reserve(AccountId::from_bytes([1; 16]), NOW.steady)), (true, None));
}

#[test]
fn messages_of_broadcasts_that_found_no_room_in_memory_are_leased_as_soon_as_there_is_room_for_a_batch() {
    let of_broadcast = |number| leased(number, |message| message.broadcast = Some(BroadcastId::from_bytes([9; 16])));
    let mut machine = machine();
    // Half of a hundred is for broadcasts.
    machine.on(Input::Held((1..=50).map(of_broadcast).collect()), NOW);
    let none = || Input::Leased(Vec::new());
    let room = |ready| Input::Room { ready, window: 100, answers_within: ANSWERS_WITHIN };
    check(
        &mut machine,
        vec![(Input::Turn, "lease 10"), (none(), "wait Room"), (Input::Woken, ""), (Input::Turn, "wait Room")],
    );
    let begun = |count| Input::Begun(vec![Some(1); count]);
    check(
        &mut machine,
        vec![(room(4), "made room; begin [1, 2, 3, 4]"), (begun(4), "submit [1, 2, 3, 4]"), (Input::Turn, "wait Room")],
    );
    check(
        &mut machine,
        vec![
            (room(6), "made room; begin [5, 6, 7, 8, 9, 10]"),
            (begun(6), "submit [5, 6, 7, 8, 9, 10]"),
            (Input::Turn, "lease 10"),
        ],
    );
    check(&mut machine, vec![(none(), "wait Room"), (Input::Woken, ""), (Input::Turn, "wait Room")]);
}

#[test]
fn what_comes_after_the_end_is_given_back_too_and_a_carrier_that_is_back_begins_anew() {
    let mut machine = waiting(vec![plain(1)]);
    check(
        &mut machine,
        vec![
            (Input::Stop, "release [1]"),
            (Input::Placed(plain(2)), ""),
            (Input::Stop, "release [2]"),
            (Input::Stop, ""),
        ],
    );
    assert!(machine.is_over());
    machine.resume();
    assert!(machine.reserve(AccountId::from_bytes([1; 16]), NOW.steady).is_some());
    check(
        &mut machine,
        vec![(Input::Turn, "lease 10"), (Input::Leased(vec![plain(1)]), "wait Room"), (ROOM, "begin [1]")],
    );
}
