//! Messages of handsets in the recording.

use carrier::{AckId, Inbound, InboundContent, InboundFile, InboundMms};
use model::{Assignment, InboundAddress, InboundMedia, MediaId};
use store::contract::inbound::Followed;
use wire::inbound::{Coding, UserData};

use super::*;

/// A text of a handset to a number of ours, whose answer goes to `answers` under this number.
fn text(number: u32, answers: &UnboundedSender<(u32, Answer)>) -> (CarrierEvent, AckId) {
    let content = InboundContent::Sms(UserData::new(Coding::Gsm7, b"hi".to_vec()), None);
    sent(&["+18005550001"], content, number, answers)
}

fn sent(
    to: &[&str],
    content: InboundContent,
    number: u32,
    answers: &UnboundedSender<(u32, Answer)>,
) -> (CarrierEvent, AckId) {
    let to = to.iter().map(|to| InboundAddress::of(to)).collect();
    let inbound = Inbound { from: InboundAddress::of("+12025550143"), to, content };
    let ack = Ack::new(number, answers.clone());
    let id = ack.id();
    (CarrierEvent { carrier: "main".into(), event: Event::Inbound(Box::new(inbound), ack) }, id)
}

fn picture() -> InboundContent {
    let files = vec![InboundFile { content_type: "image/jpeg".into(), bytes: vec![1] }];
    InboundContent::Mms(InboundMms { files, ..InboundMms::default() })
}

fn media() -> InboundMedia {
    InboundMedia { id: MediaId::from_bytes([1; 16]), content_type: "image/jpeg".into(), bytes: 1, sha256: [1; 32] }
}

fn recorded(arrival: i64, outcome: InboundOutcome) -> Recorded {
    Recorded { arrival: ArrivalId(arrival), outcome }
}

fn taken(arrivals: Vec<Recorded>) -> Input<'static> {
    Input::Written(Written { outcomes: Taken::Yes, receipts: None, arrivals: Kept::Yes(arrivals) })
}

/// What a machine makes of events: its writes, and in short what else it does.
fn told(recording: &mut Recording, events: Vec<CarrierEvent>) -> (Option<Writes>, Vec<Action>) {
    let mut events = events;
    let (mut writes, mut others) = (None, Vec::new());
    for action in recording.on(Input::Told(&mut events), NOW) {
        match action {
            Action::Write(written) => writes = Some(written),
            other => others.push(other),
        }
    }
    (writes, others)
}

fn perform(actions: Vec<Action>) -> Vec<String> {
    let shown = actions.iter().map(show).collect();
    for action in actions {
        if let Action::Accept(acks) = action {
            acks.into_iter().for_each(Ack::accept);
        }
    }
    shown
}

#[test]
fn a_message_is_answered_once_it_is_on_disk_and_a_carrier_looks_for_its_answer() {
    let (answers, mut came) = unbounded_channel();
    let mut recording = recording();
    let (writes, _) = told(&mut recording, vec![text(1, &answers).0, text(2, &answers).0]);
    assert_eq!(writes.unwrap().arrivals.len(), 2);
    assert_eq!(answers_of(&mut came), []);
    let replied = Followed { replied: Some(Assignment::from("second")), ..Followed::default() };
    let results = vec![recorded(1, InboundOutcome::Unrouted(replied)), recorded(2, InboundOutcome::Part)];
    let shown = perform(recording.on(taken(results), NOW));
    assert_eq!((shown.first().unwrap().as_str(), shown.last().unwrap().as_str()), ("accept 2", "look at {\"second\"}"));
    assert_eq!(answers_of(&mut came), [(1, Answer::Taken), (2, Answer::Taken)]);
}

#[test]
fn a_message_that_the_store_does_not_take_is_sent_again_by_its_carrier() {
    for input in [written(Taken::Yes, None), Input::GiveUp] {
        let (answers, mut came) = unbounded_channel();
        let mut recording = recording();
        told(&mut recording, vec![text(1, &answers).0]);
        assert_eq!(perform(recording.on(input, NOW)), [] as [&str; 0]);
        assert_eq!(answers_of(&mut came), [(1, Answer::TryLater)]);
    }
}

#[test]
fn the_store_hears_which_answers_their_carriers_had_once() {
    let (answers, _came) = unbounded_channel();
    let mut recording = recording();
    let answered = |ack| CarrierEvent { carrier: "main".into(), event: Event::Answered(ack) };
    let (event, ack) = text(1, &answers);
    told(&mut recording, vec![event]);
    perform(recording.on(taken(vec![recorded(7, InboundOutcome::Part)]), NOW));
    let noted = |recording: &mut Recording| told(recording, vec![answered(ack)]).0.unwrap().answered;
    assert_eq!(noted(&mut recording), [ArrivalId(7)]);
    assert_eq!(noted(&mut recording), [], "it is known");
    // One that nobody speaks of is forgotten, so that memory is bounded.
    let (event, old) = text(2, &answers);
    told(&mut recording, vec![event]);
    perform(recording.on(taken(vec![recorded(8, InboundOutcome::Part)]), NOW));
    let later = Moment { steady: NOW.steady + Duration::from_secs(61), ..NOW };
    recording.on(Input::Told(&mut vec![text(3, &answers).0]), later);
    perform(recording.on(taken(vec![recorded(9, InboundOutcome::Part)]), later));
    assert_eq!(told(&mut recording, vec![answered(old)]).0.unwrap().answered, []);
}

#[test]
fn an_answer_is_not_forgotten_while_a_write_takes_long() {
    let (answers, _came) = unbounded_channel();
    let mut recording = recording();
    let (first, ack) = text(1, &answers);
    told(&mut recording, vec![first]);
    perform(recording.on(taken(vec![recorded(7, InboundOutcome::Part)]), NOW));
    // The carrier has its answer at once, and says so while the next message is being written for minutes.
    told(&mut recording, vec![text(2, &answers).0]);
    let later = Moment { wall: NOW.wall + Duration::from_secs(300), steady: NOW.steady + Duration::from_secs(300) };
    perform(recording.on(taken(vec![recorded(8, InboundOutcome::Part)]), later));
    let said = CarrierEvent { carrier: "main".into(), event: Event::Answered(ack) };
    let (writes, _) = told(&mut recording, vec![said]);
    assert_eq!(writes.unwrap().answered, [ArrivalId(7)]);
}

#[test]
fn files_are_in_their_place_before_their_message_is_written() {
    let (answers, mut came) = unbounded_channel();
    let mut recording = recording();
    let group = &["+18005550001", "+18005550002", "+12025550199"];
    let (writes, mut others) = told(&mut recording, vec![sent(group, picture(), 1, &answers).0, text(2, &answers).0]);
    assert_eq!(writes.unwrap().arrivals.len(), 1, "the text does not wait for the picture");
    let Some(Action::Place(carrier, inbound, ack)) = others.pop() else { panic!() };
    perform(recording.on(taken(vec![recorded(1, InboundOutcome::Part)]), NOW));
    let mut placed = vec![Placed { carrier, inbound, media: vec![media()], ack }];
    let actions = recording.on(Input::Placed(&mut placed), NOW);
    let [Action::Write(writes)] = &*actions else { panic!() };
    assert_eq!(writes.arrivals.iter().map(|arrival| arrival.media.len()).collect::<Vec<_>>(), [1, 1]);
    let results =
        vec![recorded(2, InboundOutcome::Repeated), recorded(3, InboundOutcome::Unrouted(Followed::default()))];
    let shown = perform(recording.on(taken(results), NOW));
    assert!(!shown.iter().any(|action| action.starts_with("discard")), "one of them has the file: {shown:?}");
    assert_eq!(answers_of(&mut came), [(2, Answer::Taken), (1, Answer::Taken)]);
}

#[test]
fn files_of_a_repeat_and_of_a_message_that_was_not_recorded_are_removed() {
    for (kept, wanted) in [
        (Kept::Yes(vec![recorded(1, InboundOutcome::Repeated)]), Some("discard 1")),
        (Kept::No, Some("discard 1")),
        // A message that is on disk may need them.
        (Kept::Unknown, None),
    ] {
        let (answers, _came) = unbounded_channel();
        let mut recording = recording();
        let (_, mut others) = told(&mut recording, vec![sent(&["+18005550001"], picture(), 1, &answers).0]);
        let Some(Action::Place(carrier, inbound, ack)) = others.pop() else { panic!() };
        recording.on(Input::Placed(&mut vec![Placed { carrier, inbound, media: vec![media()], ack }]), NOW);
        let written = Input::Written(Written { outcomes: Taken::Yes, receipts: None, arrivals: kept });
        assert_eq!(perform(recording.on(written, NOW)).last().map(String::as_str), wanted);
    }
}
