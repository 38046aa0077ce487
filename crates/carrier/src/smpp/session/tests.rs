//! Tests with too many messages for a socket.

use super::*;
use crate::SubmissionOutcome;
use crate::smpp::submit;
use tokio::sync::mpsc;
use wire::smpp::frame;

fn outgoing(number: u8) -> Outgoing {
    let submission = crate::first_attempt(testkit::message(number.into()), number.into());
    submit::build(&SmppConfig::default(), submission).unwrap()
}

/// A session whose bind was taken.
fn bound(now: Instant) -> Session {
    let (events, _) = mpsc::unbounded_channel();
    let shared = Shared::new(
        Arc::new(runtime::Machine::new()),
        Arc::new(SmppConfig::default()),
        &[BindKind::Transceiver],
        events,
        Arc::default(),
    );
    let mut out = Vec::new();
    let mut session = Session::new(&shared, BindKind::Transceiver, "", now, &mut out);
    receive(&mut session, &Pdu::new(1, Body::BindResp(BindKind::Transceiver, Vec::new())), now);
    session.effects();
    session
}

fn receive(session: &mut Session, pdu: &Pdu, now: Instant) {
    let mut octets = Vec::new();
    encode(pdu, &mut octets);
    session.receive(&octets, now, &mut Vec::new());
}

fn numbers(mut octets: &[u8]) -> Vec<u32> {
    let mut numbers = Vec::new();
    while let Ok(Some(length)) = frame::next(octets, 1_000) {
        numbers.push(decode(&octets[..length]).unwrap().sequence);
        octets = &octets[length..];
    }
    numbers
}

/// SMPP 3.4, 5.1.4: numbers go up to 0x7FFFFFFF and begin anew at 1; all requests of a session share them.
#[test]
fn numbers_wrap_and_answers_still_find_their_requests() {
    let now = Instant::now();
    let mut session = bound(now);
    session.sequence = Sequence::after(Sequence::MAX - 2);
    let mut out = Vec::new();
    (1..=3).for_each(|number| session.submit(outgoing(number), now));
    session.fill(now, 10_000, 0, &mut out);
    let later = now + Duration::from_secs(31);
    session.tick(later, &mut out);
    assert_eq!(numbers(&out), [Sequence::MAX - 1, Sequence::MAX, 1, 2]);
    for (sequence, token) in [(1, 3), (Sequence::MAX - 1, 1), (Sequence::MAX, 2)] {
        receive(&mut session, &Pdu::new(sequence, Body::SubmitSmResp(b"id".to_vec())), later);
        let outcome = session
            .effects()
            .into_iter()
            .find_map(|effect| if let Effect::Outcome(outcome, 1) = effect { Some(outcome) } else { None });
        assert_eq!(outcome.map(|outcome| outcome.token), Some(token));
    }
    assert!(session.sent.is_empty() && session.pending.is_empty() && !session.flights.has_queued());
}

#[test]
fn after_a_wrap_the_oldest_unanswered_request_is_still_the_first_to_be_given_up() {
    let now = Instant::now();
    let mut session = bound(now);
    session.sequence = Sequence::after(Sequence::MAX - 1);
    for (number, secs) in [(1, 0), (2, 1)] {
        let at = now + Duration::from_secs(secs);
        session.submit(outgoing(number), at);
        session.fill(at, 10_000, 0, &mut Vec::new());
    }
    session.effects();
    session.tick(now + Duration::from_secs(60), &mut Vec::new());
    let ended: Vec<_> = session
        .effects()
        .into_iter()
        .filter_map(|effect| if let Effect::Outcome(outcome, _) = effect { Some(outcome.token) } else { None })
        .collect();
    assert_eq!(ended, [1]);
}

/// What each submission ended as since the last call, by its token.
fn ended(session: &mut Session) -> Vec<(u64, String)> {
    let outcome = |effect| if let Effect::Outcome(outcome, 1) = effect { Some(outcome) } else { None };
    let word = |outcome: SubmissionOutcome| {
        (outcome.token, format!("{:?}", outcome.segments[0].1).split(' ').next().unwrap_or_default().to_owned())
    };
    session.effects().into_iter().filter_map(outcome).map(word).collect()
}

/// A session with three segments under way, of which the connection has taken the first and half of the second; and one
/// more that waits.
fn half_written(now: Instant) -> (Session, u64) {
    let mut session = bound(now);
    session.window = 3;
    (1..=4).for_each(|number| session.submit(outgoing(number), now));
    let mut out = Vec::new();
    session.fill(now, 10_000, 1_000, &mut out);
    session.effects();
    let each = out.len() as u64 / 3;
    (session, 1_000 + each + each / 2)
}

#[test]
fn of_what_a_lost_connection_never_took_the_outcome_is_known() {
    let now = Instant::now();
    let (mut session, written) = half_written(now);
    session.abort(written);
    let of = |token, word: &str| (token, word.to_owned());
    assert_eq!(ended(&mut session), [of(4, "NotSent"), of(2, "NotSent"), of(3, "NotSent"), of(1, "Unknown")]);
    assert!(session.sent.is_empty() && session.pending.is_empty());
}

#[test]
fn answers_are_waited_for_although_nothing_can_be_written_any_more() {
    let now = Instant::now();
    let (mut session, written) = half_written(now);
    session.cannot_write("stuck", written, now);
    assert_eq!(ended(&mut session).iter().map(|(token, _)| *token).collect::<Vec<_>>(), [4, 2, 3]);
    session.finish(now, &mut Vec::new());
    assert!(session.effects().is_empty(), "one is under way");
    assert_eq!(session.deadline(now), now + Duration::from_secs(10));
    receive(&mut session, &Pdu::new(2, Body::SubmitSmResp(b"id".to_vec())), now);
    session.finish(now, &mut Vec::new());
    let effects = session.effects();
    assert!(
        matches!(
            &effects[..],
            [Effect::Outcome(outcome, 1), Effect::Close(why)] if outcome.token == 1 && why == "stuck"
        ),
        "{effects:?}"
    );
}

#[test]
fn an_end_has_one_reason_and_one_time() {
    let now = Instant::now();
    let (mut session, _) = half_written(now);
    receive(&mut session, &Pdu::new(9, Body::Unbind), now);
    let later = now + Duration::from_secs(9);
    receive(&mut session, &Pdu::new(10, Body::Unbind), later);
    receive(&mut session, &Pdu::answer(0, CommandStatus::RINVBNDSTS, Body::GenericNack), later);
    assert_eq!(session.effects().iter().filter(|effect| matches!(effect, Effect::Ending(_))).count(), 1);
    assert_eq!(session.deadline(later), now + Duration::from_secs(10));
    session.submit(outgoing(5), later);
    assert_eq!(ended(&mut session), [(5, "NotSent".to_owned())], "nothing new is taken");
    session.tick(now + Duration::from_secs(10), &mut Vec::new());
    assert!(matches!(&session.effects()[..], [Effect::Close(why)] if why == "the SMSC unbound"));
}

/// Each deadline leads to something that moves it, so that no session runs in circles.
#[test]
fn a_session_that_is_left_alone_comes_to_its_end_in_a_few_steps() {
    let now = Instant::now();
    let stories: [fn(&mut Session, u64, Instant); 4] = [
        |_, _, _| {},
        |session, _, now| receive(session, &Pdu::new(9, Body::Unbind), now),
        |session, written, now| session.cannot_write("stuck", written, now),
        |session, _, _| session.drain(),
    ];
    for (story, happens) in stories.into_iter().enumerate() {
        let (mut session, written) = half_written(now);
        happens(&mut session, written, now);
        let mut at = now;
        let closes = (0..20).any(|_| {
            let mut out = Vec::new();
            session.fill(at, 10_000, 0, &mut out);
            session.finish(at, &mut out);
            let closes = session.effects().iter().any(|effect| matches!(effect, Effect::Close(_)));
            let due = session.deadline(at);
            assert!(closes || due > at, "story {story}: a deadline that has passed");
            at = due;
            session.tick(at, &mut out);
            closes
        });
        assert!(closes, "story {story}");
    }
}

/// A session that was delivered a message of a handset, the name of its answer and its number.
fn delivered(now: Instant) -> (Session, crate::AckId, u32) {
    let mut session = bound(now);
    let sm = wire::smpp::Sm { short_message: b"STOP".to_vec(), ..Default::default() };
    receive(&mut session, &Pdu::new(7, Body::DeliverSm(Box::new(sm))), now);
    let effect = session.effects().into_iter().next();
    let Some(Effect::Inbound(_, id, number)) = effect else { panic!("{effect:?}") };
    (session, id, number)
}

#[test]
fn an_answer_is_told_once_the_connection_has_taken_it_in_time() {
    let now = Instant::now();
    let answered = |late_by: Duration, until: fn(&mut Session, u64, Instant)| {
        let (mut session, id, number) = delivered(now);
        let mut out = Vec::new();
        session.answer(number, crate::ack::Answer::Taken, 1_000, &mut out);
        let end = 1_000 + out.len() as u64;
        session.has_written(end - 1, now);
        assert!(session.effects().is_empty(), "its last octet has not left");
        until(&mut session, end, now);
        session.has_written(end, now + late_by);
        session.effects().iter().any(|effect| matches!(effect, Effect::Answered(told) if *told == id))
    };
    let nothing: fn(&mut Session, u64, Instant) = |_, _, _| {};
    assert!(answered(Duration::from_secs(10), nothing));
    assert!(!answered(Duration::from_millis(10_001), nothing), "the SMSC may have given it up");
    assert!(!answered(Duration::ZERO, |session, end, now| session.hung_up("gone", end, now)));
    assert!(!answered(Duration::ZERO, |session, _, now| session.cannot_write("stuck", 0, now)));
}

#[test]
fn a_session_that_ends_waits_for_the_answers_to_messages() {
    let now = Instant::now();
    let (mut session, _, number) = delivered(now);
    session.drain();
    let mut out = Vec::new();
    session.finish(now, &mut out);
    assert!(out.is_empty(), "one is not answered");
    session.answer(number, crate::ack::Answer::Taken, 0, &mut out);
    session.finish(now, &mut out);
    assert_eq!(numbers(&out).len(), 2, "the answer and an unbind");
}

#[test]
fn a_part_that_was_taken_for_a_receipts_is_a_message_when_the_others_do_not_come() {
    let now = Instant::now();
    let mut session = bound(now);
    let short_message = [&[5, 0, 3, 7, 2, 1], &b"My form: stat:fine err:none, "[..]].concat();
    let sm = wire::smpp::Sm { esm_class: 0x40, short_message, ..Default::default() };
    receive(&mut session, &Pdu::new(7, Body::DeliverSm(Box::new(sm))), now);
    assert!(session.effects().is_empty(), "it waits for the others");
    session.tick(now + Duration::from_secs(60), &mut Vec::new());
    assert!(session.effects().iter().any(|effect| matches!(effect, Effect::Inbound(..))));
}
