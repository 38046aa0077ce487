//! The machine of sweeping: what follows from what, as tables of inputs and actions.

use store::contract::changes::Kinds;

use super::super::{BATCH, CHANGES_STEP, STEP};
use super::records::{BEHIND_MAX, REPORTED_EVERY};
use super::*;
use Strand::{Inbound, Media, Messages, Records};

const NOW: Moment = Moment::of(testkit::NOW);
const KEPT: Kept = Kept {
    screening_log: Duration::from_secs(60),
    audit_log: Duration::from_secs(65),
    media: Duration::from_secs(70),
    parked: Duration::from_secs(80),
};

fn after(time: Duration) -> Moment {
    Moment { wall: NOW.wall + time, steady: NOW.steady + time }
}

fn secs(secs: u64) -> Moment {
    after(Duration::from_secs(secs))
}

/// An action in short; times of day as seconds from the beginning, and steady times not at all.
fn show(action: &Action) -> String {
    let secs = |at: &Timestamp| (at.as_millis() - NOW.wall.as_millis()) / 1_000;
    match action {
        Action::Do(Call::Launch) => "launch".to_owned(),
        Action::Do(Call::Expire(at)) => format!("expire at {}", secs(&at.wall)),
        Action::Do(Call::EndWaits(at)) => format!("end waits at {}", secs(at)),
        Action::Do(Call::ForgetParked(at, kept)) => format!("forget parked at {} before {}", secs(at), kept.as_secs()),
        Action::Do(Call::Census) => "census".to_owned(),
        Action::Do(Call::Reroute(at)) => format!("reroute at {}", secs(&at.wall)),
        Action::Do(Call::SettleHeld(at, next)) => {
            format!("settle at {} after {}", secs(at), next.map_or(0, |id| id.to_bytes()[0]))
        }
        Action::Do(Call::ForgetRequests(at)) => format!("requests at {}", secs(at)),
        Action::Do(Call::ForgetScreening(before)) => format!("screening before {}", secs(before)),
        Action::Do(Call::ForgetAudit(before)) => format!("audit before {}", secs(before)),
        Action::Do(Call::ForgetSignIns(at)) => format!("sign-ins at {}", secs(at)),
        Action::Do(Call::ForgetChanges) => "changes".to_owned(),
        Action::Do(Call::Consumers) => "consumers".to_owned(),
        Action::Do(Call::RemoveOrphans) => "orphans".to_owned(),
        Action::Do(Call::TextRules) => "rules".to_owned(),
        Action::Do(Call::RemoveOld(walk, rule, at, limit)) => {
            let of = match (walk, rule) {
                (
                    Walk::Texts(Some(_)) | Walk::ScheduledTexts(Some(_)) | Walk::BroadcastTexts(Some(_)),
                    Rule::OfAccount(rule),
                )
                | (Walk::InboundTexts(Some(_)), Rule::InboundOfAccount(rule)) => format!(" by {rule}"),
                _ => String::new(),
            };
            let whose = if matches!(walk, Walk::ScheduledTexts(_)) { " of scheduled" } else { "" };
            format!("{limit} {}{whose}{of} at {}", walk.name(), secs(at))
        }
        Action::Do(Call::SweepMedia(next, since)) => {
            format!("media since {} after {}", secs(since), next.map_or(0, |id| id.to_bytes()[0]))
        }
        Action::Do(Call::SweepFiles) => "files".to_owned(),
        Action::Do(Call::EndPartWaits(at)) => format!("end part waits at {}", secs(at)),
        Action::Do(Call::ForgetInbound(at)) => format!("forget inbound at {}", secs(at)),
        Action::Do(Call::CountParts) => "count parts".to_owned(),
        Action::Report(Report::Shown(_)) => "shown".to_owned(),
        Action::Report(Report::Missing(carrier, count)) => format!("{count} of {carrier} missing"),
        Action::Report(Report::Unclaimed(carrier, count)) => format!("{count} of {carrier} unclaimed"),
        Action::Report(Report::Unknown(carrier, count)) => format!("{count} wait for {carrier}"),
        Action::Report(Report::Behind(consumer, count)) => format!("{consumer} is {count} behind"),
        Action::Report(Report::Removed(counts)) => format!("removed {counts:?}"),
        Action::Report(Report::Later(what, _)) => format!("{what:?} later"),
        Action::Rest(time) => format!("rest {} ms", time.as_millis()),
    }
}

/// That each input of the strand at this moment has the actions beside it.
fn check(sweeping: &mut Sweeping, strand: Strand, now: Moment, steps: Vec<(Input, &str)>) {
    for (place, (input, wanted)) in steps.into_iter().enumerate() {
        let actions: Vec<_> = sweeping.on(strand, input, now).iter().map(show).collect();
        assert_eq!(actions.join("; "), wanted, "step {place}");
    }
}

/// What a store answers that has nothing to sweep.
fn nothing(call: Call) -> Input {
    match call {
        Call::Launch => Input::Launched,
        Call::Expire(_) => Input::Expired(0),
        Call::EndWaits(_) => Input::WaitsEnded(WaitStep::default()),
        Call::ForgetParked(..) => Input::ParkedForgotten(Vec::new()),
        Call::Census => Input::Unknown(Vec::new()),
        Call::Reroute(_) => Input::Rerouted(0),
        Call::SettleHeld(..) => Input::Settled(None),
        Call::ForgetRequests(_)
        | Call::ForgetScreening(_)
        | Call::ForgetAudit(_)
        | Call::ForgetSignIns(_)
        | Call::ForgetChanges => Input::Forgotten(0),
        Call::Consumers => Input::Consumers(Vec::new()),
        Call::RemoveOrphans => Input::OrphansRemoved,
        Call::TextRules => Input::TextRules(Vec::new()),
        Call::RemoveOld(..) => Input::Removed(Removed { is_end: true, ..Removed::default() }),
        Call::SweepMedia(..) => Input::MediaSwept(None),
        Call::SweepFiles => Input::FilesSwept(0),
        Call::EndPartWaits(_) => Input::PartsShown(PartsStep::default()),
        Call::ForgetInbound(_) => Input::InboundForgotten(0),
        Call::CountParts => Input::PartsCounted,
    }
}

fn down() -> Input {
    Input::Unavailable(StoreError::Unavailable("down".to_owned()))
}

/// A whole round with these answers: what was done, in short.
fn round(sweeping: &mut Sweeping, strand: Strand, now: Moment, answer: impl Fn(Call) -> Input) -> Vec<String> {
    let mut seen = Vec::new();
    let mut actions = sweeping.on(strand, Input::Due, now);
    while !actions.is_empty() {
        seen.extend(actions.iter().map(show));
        let Some(Action::Do(call)) = actions.pop() else { break };
        actions = sweeping.on(strand, answer(call), now);
    }
    seen
}

fn sweeping() -> Sweeping {
    Sweeping::new(KEPT)
}

/// One whose first rounds are over, at which everything was due.
fn later() -> Sweeping {
    let mut sweeping = sweeping();
    for strand in [Messages, Records, Media, Inbound] {
        round(&mut sweeping, strand, NOW, nothing);
    }
    sweeping
}

fn media(place: u8) -> MediaId {
    MediaId::from_bytes([place; 16])
}

fn names(counts: &[(&str, usize)]) -> Vec<CarrierName> {
    counts.iter().flat_map(|(name, count)| vec![CarrierName::from(*name); *count]).collect()
}

#[test]
fn the_first_round_of_each_strand_does_everything_in_its_order() {
    let mut sweeping = sweeping();
    let rounds =
        [Messages, Records, Media, Inbound].map(|strand| round(&mut sweeping, strand, NOW, nothing).join("; "));
    assert_eq!(
        rounds,
        [
            "expire at 0; end waits at 0; forget parked at 0 before 80; census; reroute at 0; settle at 0 after 0; \
             rest 1000 ms",
            "requests at 0; screening before -60; audit before -65; sign-ins at 0; changes; consumers; \
             rest 1000 ms",
            "orphans; media since -70 after 0; files; rest 30000 ms",
            "end part waits at 0; forget inbound at 0; count parts; rest 1000 ms",
        ]
    );
}

#[test]
fn what_is_not_due_in_every_round_comes_again_after_its_number_of_rounds() {
    for (strand, what, every) in [
        (Messages, "census", 30),
        (Messages, "settle", 30),
        (Records, "consumers", 30),
        (Media, "orphans", 720),
        (Inbound, "count parts", 10),
    ] {
        let mut sweeping = sweeping();
        let is_due = |round: &[String]| round.iter().any(|action| action.starts_with(what));
        let due: Vec<usize> = (0..=2 * every).filter(|_| is_due(&round(&mut sweeping, strand, NOW, nothing))).collect();
        assert_eq!(due, [0, every, 2 * every], "{what}");
    }
}

#[test]
fn the_end_of_validity_waits_neither_for_media_nor_for_old_records() {
    let mut sweeping = sweeping();
    check(&mut sweeping, Media, NOW, vec![(Input::Due, "orphans")]);
    check(&mut sweeping, Records, NOW, vec![(Input::Due, "requests at 0")]);
    for second in 0..100 {
        let seen = round(&mut sweeping, Messages, secs(second), nothing);
        assert_eq!((seen[0].clone(), seen.last().unwrap().as_str()), (format!("expire at {second}"), "rest 1000 ms"));
    }
    check(&mut sweeping, Media, secs(100), vec![(Input::OrphansRemoved, "media since 30 after 0")]);
    check(&mut sweeping, Records, secs(100), vec![(Input::Forgotten(0), "screening before -60")]);
}

#[test]
fn a_full_batch_is_repeated_at_once_and_a_short_one_is_not() {
    let waits = |over, missing: &[(&str, usize)]| {
        Input::WaitsEnded(WaitStep { over, missing: names(missing), ..WaitStep::default() })
    };
    check(
        &mut sweeping(),
        Messages,
        NOW,
        vec![
            (Input::Due, "expire at 0"),
            (Input::Expired(BATCH), "expire at 0"),
            (Input::Expired(BATCH - 1), "end waits at 0"),
            (waits(STEP, &[("main", 1)]), "1 of main missing; end waits at 0"),
            (
                waits(STEP - 1, &[("main", 1), ("second", 1)]),
                "1 of main missing; 1 of second missing; forget parked at 0 before 80",
            ),
            (Input::ParkedForgotten(names(&[("main", STEP)])), "200 of main unclaimed; forget parked at 0 before 80"),
            (Input::ParkedForgotten(names(&[("main", STEP - 1)])), "199 of main unclaimed; census"),
            (Input::Unknown(Vec::new()), "reroute at 0"),
            (Input::Rerouted(BATCH as u64), "reroute at 0"),
            (Input::Rerouted(BATCH as u64 - 1), "settle at 0 after 0"),
            (Input::Settled(Some(MessageId::from_bytes([7; 16]))), "settle at 0 after 7"),
            (Input::Settled(None), "rest 1000 ms"),
        ],
    );
    let full = STEP as u64;
    check(
        &mut later(),
        Records,
        NOW,
        vec![
            (Input::Due, "requests at 0"),
            (Input::Forgotten(full), "requests at 0"),
            (Input::Forgotten(full - 1), "screening before -60"),
            (Input::Forgotten(full), "screening before -60"),
            (Input::Forgotten(full - 1), "audit before -65"),
            (Input::Forgotten(full), "audit before -65"),
            (Input::Forgotten(full - 1), "sign-ins at 0"),
            (Input::Forgotten(full), "sign-ins at 0"),
            (Input::Forgotten(full - 1), "changes"),
            (Input::Forgotten(CHANGES_STEP as u64), "changes"),
            (Input::Forgotten(CHANGES_STEP as u64 - 1), "rest 1000 ms"),
        ],
    );
}

#[test]
fn messages_without_a_route_take_so_many_batches_of_a_round_and_no_more() {
    let full = |call| if matches!(call, Call::Reroute(_)) { Input::Rerouted(BATCH as u64) } else { nothing(call) };
    let mut sweeping = later();
    for _ in 0..2 {
        let seen = round(&mut sweeping, Messages, NOW, full);
        assert_eq!(
            (seen.iter().filter(|action| *action == "reroute at 0").count(), seen.last().unwrap().as_str()),
            (20, "rest 1000 ms")
        );
    }
}

#[test]
fn a_step_that_failed_ends_its_round_and_skips_neither_the_next_round_nor_the_census() {
    let firsts = ["expire", "end waits", "forget parked", "census", "reroute", "settle"];
    for failing in firsts {
        let mut sweeping = sweeping();
        let fails = |call| if show(&Action::Do(call)).starts_with(failing) { down() } else { nothing(call) };
        for _ in 0..3 {
            let seen = round(&mut sweeping, Messages, NOW, fails);
            let reached = seen.iter().position(|action| action.starts_with(failing)).unwrap();
            assert_eq!(seen[reached + 1..], ["Messages later", "rest 1000 ms"], "{failing}");
        }
        let seen = round(&mut sweeping, Messages, NOW, nothing);
        // What was done before the failure is not done again before its time.
        let is_census_done = firsts.iter().position(|first| *first == failing) > Some(3);
        assert_eq!(
            (seen[0].as_str(), seen.contains(&"census".to_owned())),
            ("expire at 0", !is_census_done),
            "{failing}"
        );
        assert!(seen.contains(&"settle at 0 after 0".to_owned()), "{failing}");
        assert_eq!(round(&mut sweeping, Messages, NOW, nothing).len(), 5, "{failing}");
    }
    for failing in ["requests", "screening", "audit", "sign-ins", "changes", "consumers"] {
        let mut sweeping = sweeping();
        let seen = round(&mut sweeping, Records, NOW, |call| {
            if show(&Action::Do(call)).starts_with(failing) { down() } else { nothing(call) }
        });
        assert_eq!(seen[seen.len() - 2..], ["Records later", "rest 1000 ms"], "{failing}");
        assert_eq!(
            round(&mut sweeping, Records, NOW, nothing),
            [
                "requests at 0",
                "screening before -60",
                "audit before -65",
                "sign-ins at 0",
                "changes",
                "consumers",
                "rest 1000 ms"
            ]
        );
    }
}

#[test]
fn media_go_on_where_the_last_look_ended_whatever_fails_in_between() {
    let mut sweeping = sweeping();
    check(&mut sweeping, Media, NOW, vec![(Input::Due, "orphans"), (down(), "Orphans later; media since -70 after 0")]);
    let swept = vec![(Input::MediaSwept(Some(media(5))), "files"), (Input::FilesSwept(0), "rest 30000 ms")];
    check(&mut sweeping, Media, NOW, swept);
    // Orphans are owed, and media are looked at after the fifth.
    check(
        &mut sweeping,
        Media,
        NOW,
        vec![
            (Input::Due, "orphans"),
            (Input::OrphansRemoved, "media since -70 after 5"),
            (down(), "Media later; rest 30000 ms"),
        ],
    );
    check(
        &mut sweeping,
        Media,
        NOW,
        vec![
            (Input::Due, "media since -70 after 5"),
            (Input::MediaSwept(None), "files"),
            (Input::FilesSwept(STEP), "files"),
            (Input::FilesSwept(1), "rest 30000 ms"),
            (Input::Due, "media since -70 after 0"),
        ],
    );
}

#[test]
fn rounds_begin_by_the_time_at_which_the_one_before_began_and_see_one_time_throughout() {
    let mut sweeping = later();
    let at = |millis| after(Duration::from_millis(millis));
    check(&mut sweeping, Messages, at(10_400), vec![(Input::Due, "expire at 10")]);
    check(
        &mut sweeping,
        Messages,
        at(11_300),
        vec![
            (Input::Expired(0), "end waits at 10"),
            (nothing(Call::EndWaits(NOW.wall)), "forget parked at 10 before 80"),
        ],
    );
    check(
        &mut sweeping,
        Messages,
        at(11_350),
        vec![(Input::ParkedForgotten(Vec::new()), "reroute at 10"), (Input::Rerouted(0), "rest 50 ms")],
    );
    check(&mut sweeping, Messages, at(11_400), vec![(Input::Due, "expire at 11")]);
    check(
        &mut sweeping,
        Messages,
        at(99_000),
        vec![(down(), "Messages later; rest 0 ms"), (Input::Due, "expire at 99")],
    );
    // A wall clock that was set back delays nothing.
    let set_back = Moment { wall: NOW.wall, ..at(99_500) };
    check(&mut sweeping, Messages, set_back, vec![(down(), "Messages later; rest 500 ms")]);
}

#[test]
fn an_unknown_carrier_is_reported_when_the_number_of_its_messages_changes() {
    let mut sweeping = sweeping();
    for (queued, reported) in [(Some(3), true), (Some(3), false), (Some(2), true), (None, false), (Some(2), true)] {
        let found: Vec<_> = queued.into_iter().map(|queued| ("gone".into(), queued)).collect();
        let answer = |call| if call == Call::Census { Input::Unknown(found.clone()) } else { nothing(call) };
        let seen: Vec<String> = (0..30)
            .flat_map(|_| round(&mut sweeping, Messages, NOW, answer))
            .filter(|action| action.contains("wait for"))
            .collect();
        let wanted: Vec<String> =
            queued.filter(|_| reported).map(|queued| format!("{queued} wait for gone")).into_iter().collect();
        assert_eq!(seen, wanted);
    }
}

#[test]
fn a_consumer_that_is_far_behind_is_reported_at_once_and_then_now_and_then() {
    let mut sweeping = sweeping();
    let soon = REPORTED_EVERY.as_secs() - 1;
    for (second, behind, reported) in [
        (0, BEHIND_MAX, false),
        (30, BEHIND_MAX + 1, true),
        (31, BEHIND_MAX + 2, false),
        (30 + soon, BEHIND_MAX + 3, false),
        (31 + soon, BEHIND_MAX + 4, true),
        (32 + soon, 0, false),
        (33 + soon, BEHIND_MAX + 5, true),
    ] {
        let consumer =
            |name: &str, behind| Consumer { name: name.to_owned(), kinds: Kinds::NONE, cursor: Vec::new(), behind };
        let answer = |call| match call {
            Call::Consumers => Input::Consumers(vec![consumer("fast", 0), consumer("webhooks", behind)]),
            call => nothing(call),
        };
        let seen: Vec<String> = (0..30)
            .flat_map(|_| round(&mut sweeping, Records, secs(second), answer))
            .filter(|action| action.contains("behind"))
            .collect();
        let wanted: Vec<String> = reported.then(|| format!("webhooks is {behind} behind")).into_iter().collect();
        assert_eq!(seen, wanted, "{second}");
    }
}

#[test]
fn an_answer_that_is_not_waited_for_changes_nothing() {
    let mut sweeping = later();
    for strand in [Messages, Records, Media, Inbound] {
        check(&mut sweeping, strand, NOW, vec![(Input::Settled(None), ""), (down(), ""), (Input::Forgotten(0), "")]);
    }
    check(
        &mut sweeping,
        Messages,
        NOW,
        vec![
            (Input::Due, "expire at 0"),
            (Input::Due, ""),
            (Input::Rerouted(0), ""),
            (Input::Expired(0), "end waits at 0"),
        ],
    );
}

/// What a step of a walk came to, which the store was asked as its so many-th call.
fn step(removed: u64, is_end: bool, calls: u64) -> Input {
    Input::Removed(Removed { removed, looked: 1_000, is_end, calls: Some(calls) })
}

#[test]
fn texts_go_before_their_messages_and_messages_before_their_broadcasts() {
    let rules = vec![
        (AccountId::from_bytes([1; 16]), TextRetention::Discard),
        (AccountId::from_bytes([2; 16]), TextRetention::of_days(7).unwrap()),
    ];
    let answer = |call| if call == Call::TextRules { Input::TextRules(rules.clone()) } else { nothing(call) };
    let mut sweeping = sweeping();
    let usual = [
        "rules",
        "50 texts at 0",
        "50 texts of scheduled at 0",
        "50 broadcast_texts at 0",
        "50 inbound_texts at 0",
        "50 texts by discard at 0",
        "50 texts of scheduled by discard at 0",
        "50 broadcast_texts by discard at 0",
        "50 inbound_texts by discard at 0",
        "50 texts by 7 at 0",
        "50 texts of scheduled by 7 at 0",
        "50 broadcast_texts by 7 at 0",
        "50 inbound_texts by 7 at 0",
        "50 messages at 0",
        "50 broadcasts at 0",
        "50 inbound_messages at 0",
    ];
    let seen = round(&mut sweeping, Strand::Retention, NOW, answer);
    // Keys are walked through in the first round, and then once an hour.
    assert_eq!(seen[..usual.len()], usual);
    assert_eq!(seen[usual.len()..], ["50 receipt_keys at 0", "50 unmatched at 0", "rest 60000 ms"]);
    for _ in 0..59 {
        let seen = round(&mut sweeping, Strand::Retention, NOW, answer);
        assert_eq!((&seen[..usual.len()], seen.len()), (&usual.map(str::to_owned)[..], usual.len() + 1));
    }
    assert!(round(&mut sweeping, Strand::Retention, NOW, answer).contains(&"50 receipt_keys at 0".to_owned()));
}

#[test]
fn removing_rests_between_its_steps_and_the_longer_the_more_else_is_written() {
    let mut sweeping = sweeping();
    check(
        &mut sweeping,
        Strand::Retention,
        NOW,
        vec![
            (Input::Due, "rules"),
            (Input::TextRules(Vec::new()), "50 texts at 0"),
            (step(50, false, 10), "rest 100 ms"),
            // Nothing else was written in between.
            (Input::Due, "50 texts at 0"),
            (step(50, false, 11), "rest 4 ms"),
            (Input::Due, "400 texts at 0"),
            (step(400, false, 13), "rest 20 ms"),
            (Input::Due, "100 texts at 0"),
            (step(7, true, 2_000), "rest 100 ms"),
            (Input::Due, "50 texts of scheduled at 0"),
            (nothing(Call::RemoveOld(Walk::Messages, Rule::Messages, NOW.wall, 1)), "50 broadcast_texts at 0"),
            (nothing(Call::RemoveOld(Walk::Messages, Rule::Messages, NOW.wall, 1)), "50 inbound_texts at 0"),
            (nothing(Call::RemoveOld(Walk::Messages, Rule::Messages, NOW.wall, 1)), "50 messages at 0"),
        ],
    );
}

#[test]
fn what_was_removed_is_reported_at_the_end_and_now_and_then_before_it() {
    let mut sweeping = sweeping();
    check(
        &mut sweeping,
        Strand::Retention,
        NOW,
        vec![(Input::Due, "rules"), (Input::TextRules(Vec::new()), "50 texts at 0")],
    );
    check(
        &mut sweeping,
        Strand::Retention,
        secs(1),
        vec![(step(50, false, 10), "rest 100 ms"), (Input::Due, "50 texts at 0")],
    );
    check(
        &mut sweeping,
        Strand::Retention,
        secs(600),
        vec![
            (step(50, false, 2_000), "removed [100, 0, 0, 0, 0, 0, 0, 0]; rest 100 ms"),
            (Input::Due, "50 texts at 0"),
        ],
    );
    check(
        &mut sweeping,
        Strand::Retention,
        secs(601),
        vec![
            (step(3, true, 4_000), "rest 100 ms"),
            (Input::Due, "50 texts of scheduled at 0"),
            (step(2, true, 4_001), "rest 4 ms"),
            (Input::Due, "400 broadcast_texts at 0"),
            (down(), "Retention later; removed [5, 0, 0, 0, 0, 0, 0, 0]; rest 0 ms"),
        ],
    );
    // The next round begins anew.
    check(&mut sweeping, Strand::Retention, secs(602), vec![(Input::Due, "rules")]);
}

#[test]
fn all_waits_for_parts_that_are_over_end_in_one_round_and_what_is_old_goes_after_them() {
    let shown = |count, more| {
        let shown = vec![InboundOutcome::Unrouted(store::contract::inbound::Followed::default()); count];
        Input::PartsShown(PartsStep { shown, more })
    };
    check(
        &mut later(),
        Inbound,
        secs(1),
        vec![
            (Input::Due, "end part waits at 1"),
            (shown(2, true), "shown; shown; end part waits at 1"),
            (shown(1, false), "shown; forget inbound at 1"),
            (Input::InboundForgotten(STEP), "forget inbound at 1"),
            (Input::InboundForgotten(STEP - 1), "rest 1000 ms"),
            (Input::Due, "end part waits at 1"),
            (down(), "Inbound later; rest 1000 ms"),
        ],
    );
}

#[test]
fn scheduled_messages_are_launched_every_second() {
    let mut sweeping = sweeping();
    check(
        &mut sweeping,
        Strand::Schedule,
        NOW,
        vec![
            (Input::Launched, ""),
            (Input::Due, "launch"),
            (Input::Launched, "rest 1000 ms"),
            (Input::Due, "launch"),
            (down(), "Schedule later; rest 1000 ms"),
            (Input::Due, "launch"),
        ],
    );
}
