//! The machine of recording: what follows from what, as tables of inputs and actions; and what holds whatever happens.

use carrier::ack::Answer;
use carrier::{SegmentOutcome, SubmissionOutcome};
use model::{MessageId, ReceiptScope, SeededEntropy};
use proptest::prelude::*;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

use super::*;

mod arrived;

const NOW: Moment = Moment::of(testkit::NOW);

fn recording() -> Recording {
    let books = Books {
        routes: Arc::default(),
        carriers: Box::new(crate::dispatch::Dispatchers::default()),
        retry: Backoff { floor: Duration::from_secs(10), ceiling: Duration::from_secs(600) },
        attempts_per_carrier: 3,
        receipt_wait: Box::new(|_| None),
        is_ours: Box::new(|address| address.to_string().starts_with("+1800")),
        entropy: Arc::new(SeededEntropy::new(1)),
    };
    Recording::new(books)
}

fn answered(number: u8, outcome: SegmentOutcome) -> CarrierEvent {
    let message = testkit::message_at(MessageId::from_bytes([number; 16]), NOW.wall);
    let message = Arc::new(message);
    let answer =
        SubmissionOutcome { message, attempt: 1, token: 1, total: 1, accepted_before: 0, segments: vec![(1, outcome)] };
    CarrierEvent { carrier: "main".into(), event: Event::Outcome(answer) }
}

fn accepted(number: u8) -> CarrierEvent {
    answered(number, SegmentOutcome::Accepted { carrier_id: Some("7".into()), remark: None })
}

fn later(number: u8) -> CarrierEvent {
    answered(number, SegmentOutcome::TryLater { status: "ESME_RSYSERR".into() })
}

fn unknown(number: u8) -> CarrierEvent {
    answered(number, SegmentOutcome::Unknown { why: "no answer in time" })
}

/// A receipt, whose answer goes to `answers` under this number.
fn reported(number: u32, answers: &UnboundedSender<(u32, Answer)>) -> CarrierEvent {
    let receipt = carrier::Receipt {
        keys: vec![number.to_string()],
        addresses: Vec::new(),
        state: ReceiptState::Delivered,
        error: None,
        raw_id: number.to_string(),
        scope: ReceiptScope::Segment,
        raw: model::unmatched::Raw::default(),
    };
    CarrierEvent { carrier: "main".into(), event: Event::Receipt(receipt, Ack::new(number, answers.clone())) }
}

/// An action in short.
fn show(action: &Action) -> String {
    match action {
        Action::Write(writes) => {
            format!("write {} outcomes, {} receipts", writes.outcomes.len(), writes.receipts.len())
        }
        Action::Rest(_) => "rest".to_owned(),
        Action::Accept(acks) => format!("accept {}", acks.len()),
        Action::Ended(outcomes, due) => format!("ended {}, due {due:?}", outcomes.len()),
        Action::Place(carrier, ..) => format!("place for {carrier}"),
        Action::Discard(media) => format!("discard {}", media.len()),
        Action::LookAt(carriers) => format!("look at {carriers:?}"),
        Action::Report(report) => format!("{report:?}"),
    }
}

fn check(recording: &mut Recording, steps: Vec<(Input<'_>, &str)>) {
    for (place, (input, wanted)) in steps.into_iter().enumerate() {
        let actions: Vec<_> = recording.on(input, NOW).iter().map(show).collect();
        assert_eq!(actions.join("; "), wanted, "step {place}");
    }
}

const fn written(outcomes: Taken, receipts: Option<Vec<ReceiptOutcome>>) -> Input<'static> {
    Input::Written(Written { outcomes, receipts, arrivals: Kept::No })
}

fn answers_of(answers: &mut UnboundedReceiver<(u32, Answer)>) -> Vec<(u32, Answer)> {
    std::iter::from_fn(|| answers.try_recv().ok()).collect()
}

#[test]
fn outcomes_are_offered_until_the_store_takes_them() {
    let mut recording = recording();
    check(
        &mut recording,
        vec![
            (Input::Told(&mut vec![accepted(1), later(2), unknown(3)]), "write 3 outcomes, 0 receipts"),
            (written(Taken::Later, None), "rest"),
            (Input::Rested, "write 3 outcomes, 0 receipts"),
            (written(Taken::Later, None), "rest"),
            (Input::Rested, "write 3 outcomes, 0 receipts"),
            (written(Taken::Yes, None), "Attempts { retried: 2, unknown: 1 }; ended 3, due {\"main\"}"),
            (Input::Told(&mut vec![accepted(4)]), "write 1 outcomes, 0 receipts"),
            (written(Taken::Yes, None), "ended 1, due {}"),
        ],
    );
}

#[test]
fn a_store_that_failed_is_offered_nothing_again() {
    check(
        &mut recording(),
        vec![
            (Input::Told(&mut vec![accepted(1)]), "write 1 outcomes, 0 receipts"),
            (written(Taken::Never, None), "Lost(1)"),
            (Input::Rested, ""),
        ],
    );
}

#[test]
fn waits_for_the_store_end_with_the_process() {
    for rests in [false, true] {
        let mut recording = recording();
        check(&mut recording, vec![(Input::Told(&mut vec![accepted(1), later(2)]), "write 2 outcomes, 0 receipts")]);
        if rests {
            check(&mut recording, vec![(written(Taken::Later, None), "rest")]);
        }
        check(&mut recording, vec![(Input::GiveUp, "GivenUp(2)"), (Input::Told(&mut vec![accepted(3)]), "GivenUp(1)")]);
    }
}

#[test]
fn a_receipt_is_answered_once_it_is_on_disk() {
    let (answers, mut came) = unbounded_channel();
    let mut recording = recording();
    let results = vec![
        ReceiptOutcome::Matched { key: 0 },
        ReceiptOutcome::Repeated,
        ReceiptOutcome::Parked,
        ReceiptOutcome::Crowded { dropped: 2 },
    ];
    let mut four: Vec<_> = (1..=4).map(|number| reported(number, &answers)).collect();
    check(&mut recording, vec![(Input::Told(&mut four), "write 0 outcomes, 4 receipts")]);
    assert_eq!(answers_of(&mut came), []);
    for action in recording.on(written(Taken::Yes, Some(results)), NOW) {
        match action {
            Action::Accept(acks) => acks.into_iter().for_each(Ack::accept),
            Action::Report(report) => {
                let wanted = [
                    Report::Receipts { matched: 1, repeated: 1 },
                    Report::Parked("main".into(), 0),
                    Report::Parked("main".into(), 2),
                ];
                assert!(wanted.contains(&report), "{report:?}");
            }
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(answers_of(&mut came), (1..=4).map(|number| (number, Answer::Taken)).collect::<Vec<_>>());
}

#[test]
fn a_receipt_that_the_store_does_not_take_is_sent_again_by_its_carrier() {
    for given_up in [false, true] {
        let (answers, mut came) = unbounded_channel();
        let mut recording = recording();
        check(
            &mut recording,
            vec![(Input::Told(&mut vec![reported(1, &answers), accepted(1)]), "write 1 outcomes, 1 receipts")],
        );
        match given_up {
            true => check(&mut recording, vec![(Input::GiveUp, "GivenUp(1)")]),
            false => check(
                &mut recording,
                vec![(written(Taken::Later, None), "rest"), (Input::Rested, "write 1 outcomes, 0 receipts")],
            ),
        }
        assert_eq!(answers_of(&mut came), [(1, Answer::TryLater)]);
    }
}

/// One batch: how many answers and receipts it has, what the store makes of the outcomes, one offer after the other,
/// and whether it takes the receipts.
type Batch = (u8, u8, Vec<u8>, bool);

proptest! {
    #[test]
    fn every_outcome_ends_once_and_every_receipt_has_one_answer(
        batches in prop::collection::vec((0..6u8, 0..6u8, prop::collection::vec(0..10u8, 0..6), any::<bool>()), 1..12),
        gives_up in prop::option::weighted(0.3, 0..40usize),
    ) {
        story(batches, gives_up);
    }
}

fn story(batches: Vec<Batch>, gives_up: Option<usize>) {
    let (answers, mut came) = unbounded_channel();
    let (mut recording, mut steps, mut on_disk, mut lost) = (recording(), 0, 0, 0);
    let (mut told, mut receipts, mut stored) = (0, 0, 0);
    for (outcomes, reports, offers, takes_receipts) in batches {
        let mut events: Vec<_> = (0..outcomes).map(later).collect();
        events.extend((0..u32::from(reports)).map(|number| reported(receipts + number, &answers)));
        (told, receipts) = (told + usize::from(outcomes), receipts + u32::from(reports));
        let mut offers = offers.into_iter();
        let mut actions = recording.on(Input::Told(&mut events), NOW);
        while !actions.is_empty() {
            let mut follows = Vec::new();
            for action in actions {
                steps += 1;
                let gives_up = gives_up.is_some_and(|at| steps > at);
                let input = match action {
                    Action::Write(_) | Action::Rest(_) if gives_up => Input::GiveUp,
                    Action::Write(writes) => {
                        // Most offers are refused once they are refused at all.
                        let outcomes = offers
                            .next()
                            .map_or(Taken::Yes, |offer| if offer == 0 { Taken::Never } else { Taken::Later });
                        let results = vec![ReceiptOutcome::Repeated; writes.receipts.len()];
                        stored += if takes_receipts { results.len() } else { 0 };
                        let receipts = Some(results).filter(|_| takes_receipts);
                        Input::Written(Written { outcomes, receipts, arrivals: Kept::No })
                    }
                    Action::Rest(time) => {
                        assert!(time <= AGAIN.ceiling);
                        Input::Rested
                    }
                    Action::Accept(acks) => {
                        acks.into_iter().for_each(Ack::accept);
                        continue;
                    }
                    Action::Ended(outcomes, _) => {
                        on_disk += outcomes.len();
                        continue;
                    }
                    Action::Report(Report::GivenUp(count) | Report::Lost(count)) => {
                        lost += count;
                        continue;
                    }
                    Action::Report(_) | Action::Place(..) | Action::Discard(_) | Action::LookAt(_) => continue,
                };
                follows.extend(recording.on(input, NOW));
            }
            actions = follows;
        }
        assert_eq!(on_disk + lost, told, "none waits when nothing is left to do, and none ended twice");
    }
    let came = answers_of(&mut came);
    assert_eq!(came.len(), receipts as usize, "each has one answer");
    assert_eq!(
        came.iter().filter(|(_, answer)| *answer == Answer::Taken).count(),
        stored,
        "the carrier may forget what is on disk, and nothing else"
    );
}
